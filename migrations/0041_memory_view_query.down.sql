ALTER TABLE memory_views NO FORCE ROW LEVEL SECURITY;
UPDATE memory_views
   SET query = (query - 'query') || jsonb_build_object('q', query -> 'query')
 WHERE query ? 'query';
ALTER TABLE memory_views FORCE ROW LEVEL SECURITY;
