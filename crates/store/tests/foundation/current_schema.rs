//! `schema/current.sql`: the whole schema from the catalogue, for review. Owners
//! are left out because they differ between installations, except for the local
//! roles that own SECURITY DEFINER functions.

use std::{env, fs, path::Path};

use sqlx::PgPool;
use store::testing::TestDb;

const HEADER: &str = "\
-- The whole schema, generated from the catalogue by tests/foundation/current_schema.rs.
-- Monthly partitions and the migrator's tables are left out. In policies a name with a colon stands for a
-- setting, as in functions/_helpers.sql.
";

/// Settings as the server prints them in policies, and how they are shown.
const SETTINGS: [(&str, &str); 7] = [
    (
        "(NULLIF(current_setting('app.current_tenant_id'::text, true), ''::text))::uuid",
        ":tenant",
    ),
    (
        r#"( SELECT (NULLIF(current_setting('app.current_user_id'::text, true), ''::text))::uuid AS "nullif")"#,
        ":user",
    ),
    (
        r#"( SELECT (NULLIF(current_setting('app.current_team_ids'::text, true), ''::text))::uuid[] AS "nullif")"#,
        ":teams",
    ),
    (
        r#"( SELECT (NULLIF(current_setting('app.led_team_ids'::text, true), ''::text))::uuid[] AS "nullif")"#,
        ":led",
    ),
    (
        "( SELECT string_to_array(current_setting('app.permissions'::text, true), ','::text) AS string_to_array)",
        ":permissions",
    ),
    (
        r#"( SELECT NULLIF(current_setting('app.vendor'::text, true), ''::text) AS "nullif")"#,
        ":vendor",
    ),
    (
        r#"( SELECT (NULLIF(current_setting('app.break_glass_user_id'::text, true), ''::text))::uuid AS "nullif")"#,
        ":break_glass",
    ),
];

/// Tables with columns, constraints, indexes, policies and grants, ordered by
/// name. Monthly partitions depend on the date and are left out.
const TABLES: &str = r#"
    WITH tables AS (
        SELECT c.* FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
           AND c.relname NOT IN ('_sqlx_migrations', '_schema_files')
           AND (NOT c.relispartition OR pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT')
           AND NOT EXISTS (
                   SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
               )
    ), lines AS (
        SELECT a.attrelid AS tab, 1 AS kind, to_char(a.attnum, '000') AS place,
               concat_ws(' ', '    ' || quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                   CASE WHEN a.attcollation <> y.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END,
                   CASE WHEN a.attstorage <> y.typstorage
                        THEN 'STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
                                                             WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
                   CASE a.attcompression WHEN 'l' THEN 'COMPRESSION lz4' WHEN 'p' THEN 'COMPRESSION pglz' END,
                   CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                   CASE WHEN a.attgenerated <> '' THEN format('GENERATED ALWAYS AS (%s) STORED', pg_get_expr(d.adbin, d.adrelid))
                        WHEN d.adbin IS NOT NULL THEN 'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid) END) AS line
          FROM pg_attribute a
          JOIN tables t ON t.oid = a.attrelid
          JOIN pg_type y ON y.oid = a.atttypid
          LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attnum > 0 AND NOT a.attisdropped AND NOT t.relispartition
        UNION ALL
        SELECT k.conrelid, 2, concat(array_position('{p,u,x,f,c}'::"char"[], k.contype), ' ', k.conname),
               format('    CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid))
          FROM pg_constraint k
          JOIN tables t ON t.oid = k.conrelid
         WHERE k.contype IN ('p', 'u', 'x', 'f', 'c') AND NOT t.relispartition
        UNION ALL
        SELECT i.indrelid, 3, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) || ';'
          FROM pg_index i
          JOIN tables t ON t.oid = i.indrelid
         WHERE NOT t.relispartition
           AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
        UNION ALL
        SELECT t.oid, 4, '',
               format('ALTER TABLE %s %s ROW LEVEL SECURITY, %s ROW LEVEL SECURITY;', t.oid::regclass,
                   CASE WHEN t.relrowsecurity THEN 'ENABLE' ELSE 'DISABLE' END,
                   CASE WHEN t.relforcerowsecurity THEN 'FORCE' ELSE 'NO FORCE' END)
          FROM tables t
        UNION ALL
        SELECT p.polrelid, 5, p.polname,
               concat(
                   format('CREATE POLICY %I ON %s%s FOR %s TO %s', p.polname, p.polrelid::regclass,
                       CASE WHEN NOT p.polpermissive THEN ' AS RESTRICTIVE' END,
                       CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                     WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                       (SELECT string_agg(role::regrole::text, ', ' ORDER BY role::regrole::text)
                          FROM unnest(p.polroles) AS role)),
                   E'\n    USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
                   E'\n    WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')',
                   ';')
          FROM pg_policy p
          JOIN tables t ON t.oid = p.polrelid
         WHERE NOT t.relispartition
        UNION ALL
        SELECT g.tab, 6, g.grantee,
               format('GRANT %s ON %s TO %s;',
                   string_agg(g.privilege || coalesce(' (' || g.columns || ')', ''), ', '
                              ORDER BY array_position('{SELECT,INSERT,UPDATE,DELETE}', g.privilege), g.privilege, g.columns),
                   g.tab::regclass, g.grantee)
          FROM (
                  SELECT t.oid AS tab, a.privilege_type AS privilege, NULL::text AS columns,
                         CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee
                    FROM tables t, aclexplode(t.relacl) AS a
                   WHERE a.grantee <> t.relowner
                  UNION ALL
                  SELECT t.oid, a.privilege_type, string_agg(quote_ident(c.attname), ', ' ORDER BY c.attnum),
                         CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
                    FROM tables t
                    JOIN pg_attribute c ON c.attrelid = t.oid AND NOT c.attisdropped, aclexplode(c.attacl) AS a
                   WHERE a.grantee <> t.relowner
                   GROUP BY t.oid, a.privilege_type, a.grantee
               ) AS g
         GROUP BY g.tab, g.grantee
    )
    SELECT concat(
               coalesce('-- ' || obj_description(t.oid, 'pg_class') || E'\n', ''),
               CASE
                   WHEN t.relispartition THEN
                       format(E'CREATE TABLE %s PARTITION OF %s %s;\n', t.oid::regclass,
                           (SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = t.oid),
                           pg_get_expr(t.relpartbound, t.oid))
                   ELSE format(E'CREATE TABLE %s (\n%s\n)%s%s;\n', t.oid::regclass,
                       (SELECT string_agg(line, E',\n' ORDER BY kind, place COLLATE "C") FROM lines
                         WHERE tab = t.oid AND kind <= 2),
                       ' PARTITION BY ' || pg_get_partkeydef(t.oid),
                       ' WITH (' || array_to_string(t.reloptions, ', ') || ')')
               END,
               (SELECT string_agg(line, E'\n' ORDER BY kind, place COLLATE "C") FROM lines WHERE tab = t.oid AND kind > 2),
               E'\n')
      FROM tables t
     ORDER BY t.relname
"#;

const FUNCTIONS: &str = r"
    SELECT concat(
               regexp_replace(pg_get_functiondef(p.oid), '\s+$', ''),
               E';\n',
               'ALTER ROUTINE ' || p.oid::regprocedure || ' OWNER TO '
                   || CASE WHEN p.proowner <> n.owner THEN p.proowner::regrole END || E';\n',
               CASE WHEN NOT EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS g
                                      WHERE g.grantee = 0)
                    THEN format(E'REVOKE ALL ON ROUTINE %s FROM PUBLIC;\n', p.oid::regprocedure) END,
               (SELECT format(E'GRANT EXECUTE ON ROUTINE %s TO %s;\n', p.oid::regprocedure,
                           string_agg(g.grantee::regrole::text, ', ' ORDER BY g.grantee::regrole::text))
                  FROM aclexplode(p.proacl) AS g
                 WHERE g.grantee NOT IN (0, p.proowner)
                HAVING count(*) > 0))
      FROM pg_proc p
     CROSS JOIN (SELECT relowner AS owner FROM pg_class WHERE oid = 'tenants'::regclass) AS n
     WHERE p.pronamespace = 'public'::regnamespace
       AND NOT EXISTS (
               SELECT FROM pg_depend d
                WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
           )
     ORDER BY p.proname, p.oid::regprocedure::text
";

const SCHEMA: &str = "
    SELECT format('GRANT %s ON SCHEMA public TO %s;', g.privilege_type, g.grantee::regrole)
      FROM pg_namespace n, aclexplode(n.nspacl) AS g
     WHERE n.nspname = 'public' AND g.grantee NOT IN (0, n.nspowner)
     ORDER BY 1
";

async fn current_schema(admin: &PgPool) -> String {
    let mut parts = vec![HEADER.to_owned()];
    let grants: Vec<String> = sqlx::query_scalar(SCHEMA).fetch_all(admin).await.unwrap();
    parts.push(grants.join("\n") + "\n");
    let tables: Vec<String> = sqlx::query_scalar(TABLES).fetch_all(admin).await.unwrap();
    parts.extend(tables.into_iter().map(|table| {
        SETTINGS
            .iter()
            .fold(table, |table, (setting, name)| table.replace(setting, name))
    }));
    let functions: Vec<String> = sqlx::query_scalar(FUNCTIONS)
        .fetch_all(admin)
        .await
        .unwrap();
    parts.extend(functions);
    parts.join("\n")
}

#[tokio::test]
async fn current_schema_is_as_reviewed() {
    let db = TestDb::new().await;
    let found = current_schema(&db.admin).await;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schema/current.sql");
    if env::var_os("ATRIUM_RENEW_SCHEMA").is_some() {
        fs::write(golden, found).unwrap();
    } else {
        assert!(
            found == fs::read_to_string(golden).unwrap(),
            "the schema changed. Renew schema/current.sql and read its diff: \
             ATRIUM_RENEW_SCHEMA=1 cargo nextest run --package store --test foundation current_schema"
        );
    }
}
