-- Counted over the memories of all members, so only the search functions read it:
-- a word in it may come from a private memory.
CALL policies_create('memory_collections', 'atrium_search', '{select,insert,update}');
CALL policies_create('memory_lexemes', 'atrium_search', '{select,insert,delete}');
GRANT SELECT, INSERT, UPDATE (memories, counted_at, lexemes_from, lexemes_at) ON memory_collections TO atrium_search;
GRANT SELECT, INSERT, DELETE ON memory_lexemes TO atrium_search;

-- Housekeeping finds collections whose count is old.
CALL policies_create_open('memory_collections', 'atrium_worker', '{select}');
GRANT SELECT (tenant_id, counted_at) ON memory_collections TO atrium_worker;
