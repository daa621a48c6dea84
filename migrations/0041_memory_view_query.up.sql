-- A saved view keeps its search text as `query`, as everything else calls it.

ALTER TABLE memory_views NO FORCE ROW LEVEL SECURITY;
UPDATE memory_views
   SET query = (query - 'q') || jsonb_build_object('query', query -> 'q')
 WHERE query ? 'q';
ALTER TABLE memory_views FORCE ROW LEVEL SECURITY;
