-- Runs first: drops functions, policies and grants of the schema public, with the
-- privileges of everyone but the owner. Functions that a table uses in a generated
-- column or an index stay; `prune.sql` drops those that no file has created
-- again.
DO $$
DECLARE
    v_statement text;
    v_routines text;
BEGIN
    FOR v_statement IN
        SELECT format('DROP POLICY %I ON %s', p.polname, c.oid::regclass)
          FROM pg_policy p
          JOIN pg_class c ON c.oid = p.polrelid
         WHERE c.relnamespace = 'public'::regnamespace
         ORDER BY c.relname, p.polname
    LOOP
        EXECUTE v_statement;
    END LOOP;

    LOOP
        SELECT string_agg(p.oid::regprocedure::text, ', ') INTO v_routines
          FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace
           AND NOT EXISTS (
                   SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
               )
           AND NOT EXISTS (
                   SELECT FROM pg_depend d
                    WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid
               );
        EXIT WHEN v_routines IS NULL;
        EXECUTE 'DROP ROUTINE ' || v_routines;
    END LOOP;

    FOR v_statement IN
        SELECT DISTINCT format(
                   'REVOKE ALL ON %s FROM %s',
                   c.oid::regclass,
                   CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END
               )
          FROM pg_class c
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL AND NOT a.attisdropped
         CROSS JOIN LATERAL (SELECT * FROM aclexplode(c.relacl) UNION ALL SELECT * FROM aclexplode(a.attacl)) AS g
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
           AND c.relname NOT IN ('_sqlx_migrations', '_schema_files')
           AND g.grantee <> c.relowner
           AND NOT EXISTS (
                   SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
               )
        UNION ALL
        SELECT DISTINCT format('REVOKE ALL ON SCHEMA public FROM %s', g.grantee::regrole)
          FROM pg_namespace n
         CROSS JOIN LATERAL aclexplode(n.nspacl) AS g
         WHERE n.nspname = 'public' AND g.grantee NOT IN (0, n.nspowner)
    LOOP
        EXECUTE v_statement;
    END LOOP;

    -- A function that stays is callable by PUBLIC, like a new one.
    FOR v_statement IN
        SELECT format('REVOKE ALL ON FUNCTION %s FROM %s', p.oid::regprocedure, g.grantee::regrole)
          FROM pg_proc p
         CROSS JOIN LATERAL aclexplode(p.proacl) AS g
         WHERE p.pronamespace = 'public'::regnamespace AND g.grantee NOT IN (0, p.proowner)
           AND NOT EXISTS (
                   SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
               )
        UNION ALL
        SELECT format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', p.oid::regprocedure)
          FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace
           AND NOT EXISTS (SELECT FROM aclexplode(p.proacl) AS g WHERE g.grantee = 0) AND p.proacl IS NOT NULL
           AND NOT EXISTS (
                   SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
               )
    LOOP
        EXECUTE v_statement;
    END LOOP;
END
$$;

-- CREATE OR REPLACE moves a function's row in the catalogue.
CREATE TEMPORARY TABLE routines_kept ON COMMIT DROP AS
SELECT p.oid AS routine, p.ctid AS place
  FROM pg_proc p
 WHERE p.pronamespace = 'public'::regnamespace
   AND NOT EXISTS (
           SELECT FROM pg_depend d
            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
       );
