CALL policies_create('imports', 'atrium_app', '{select,insert,update}', 'user_id = :user');
-- An aborted upload, or a file that its owner discards.
CALL policies_create('imports', 'atrium_app', '{delete}', $$user_id = :user AND state <> 'started'$$);
GRANT SELECT, INSERT, UPDATE (format, size, sha256, report, state, choice), DELETE ON imports TO atrium_app;

CALL policies_create('import_chunks', 'atrium_app', '{select,insert,delete}', 'user_id = :user');
GRANT SELECT, INSERT, DELETE ON import_chunks TO atrium_app;

-- Housekeeping finds abandoned files.
CALL policies_create_open('imports', 'atrium_worker', '{select}');
GRANT SELECT (tenant_id, id, user_id, size, created_at, state) ON imports TO atrium_worker;
