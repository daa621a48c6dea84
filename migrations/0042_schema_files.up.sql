-- From here on functions, policies and grants are the files in `schema/`, and
-- migrations hold tables and data.

-- One row. Like `_sqlx_migrations` it is the migrator's, outside row security.
CREATE TABLE _schema_files (
    -- SHA-256 of the files that were applied; NULL if none are.
    digest bytea
        CONSTRAINT _schema_files_digest_check CHECK (octet_length(digest) = 32),
    -- Statements that bring back what the migrations before this one made of
    -- functions, policies and grants.
    before text NOT NULL
);
-- The boot check compares it.
GRANT SELECT (digest) ON _schema_files TO atrium_auth;

INSERT INTO _schema_files (before)
WITH ours AS (
    SELECT c.* FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relname NOT IN ('_sqlx_migrations', '_schema_files')
       AND NOT EXISTS (
               SELECT FROM pg_depend d
                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
           )
), functions AS (
    SELECT p.* FROM pg_proc p
     WHERE p.pronamespace = 'public'::regnamespace
       AND NOT EXISTS (
               SELECT FROM pg_depend d
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
           )
), statements AS (
    -- In the order in which they were created, because some contain others.
    SELECT 1 AS kind, row_number() OVER (ORDER BY oid) AS place, pg_get_functiondef(oid) AS statement
      FROM functions
    UNION ALL
    SELECT 2, 1, format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', oid::regprocedure)
      FROM functions
     WHERE proacl IS NOT NULL
    UNION ALL
    SELECT 3, 1, format('GRANT EXECUTE ON ROUTINE %s TO %s', f.oid::regprocedure,
                        CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END)
      FROM functions f, aclexplode(f.proacl) AS g
     WHERE g.grantee <> f.proowner
    UNION ALL
    SELECT 4, 1, format('GRANT CREATE ON SCHEMA public TO %2$s; ALTER ROUTINE %1$s OWNER TO %2$s; '
                        'REVOKE CREATE ON SCHEMA public FROM %2$s', oid::regprocedure, proowner::regrole)
      FROM functions
     WHERE proowner <> current_user::regrole
    UNION ALL
    SELECT 5, 1, format('CREATE POLICY %I ON %s FOR %s TO %s %s %s', p.polname, c.oid::regclass,
                        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT'
                                      WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                        (SELECT string_agg(role::regrole::text, ', ') FROM unnest(p.polroles) AS role),
                        'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                        'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
      FROM pg_policy p JOIN ours c ON c.oid = p.polrelid
    UNION ALL
    SELECT 6, 1, format('GRANT %s ON %s TO %s', g.privilege_type, c.oid::regclass, g.grantee::regrole)
      FROM ours c, aclexplode(c.relacl) AS g
     WHERE g.grantee <> c.relowner
    UNION ALL
    SELECT 6, 1, format('GRANT %s (%I) ON %s TO %s', g.privilege_type, a.attname, c.oid::regclass, g.grantee::regrole)
      FROM ours c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped, aclexplode(a.attacl) AS g
     WHERE g.grantee <> c.relowner
    UNION ALL
    SELECT 6, 1, format('GRANT %s ON SCHEMA public TO %s', g.privilege_type, g.grantee::regrole)
      FROM pg_namespace n, aclexplode(n.nspacl) AS g
     WHERE n.nspname = 'public' AND g.grantee NOT IN (0, n.nspowner)
)
SELECT 'SET LOCAL check_function_bodies = off; ' || string_agg(statement, E';\n' ORDER BY kind, place, statement)
  FROM statements;
