//! The rules of the data model, each as a query that names what breaks it and
//! a statement that breaks it.

/// One rule.
pub(crate) struct Rule {
    /// Its name in exceptions and messages.
    pub(crate) name: &'static str,
    /// Selects `object` and `problem`, a row for each break.
    pub(crate) breaks: &'static str,
    /// Statements that break it, each with the object that must then be named.
    pub(crate) breakers: &'static [(&'static str, &'static str)],
}

/// Every rule reads these: our tables and partitions, the roles that serve
/// requests or own functions, and the privileges on tables and columns.
pub(crate) const COMMON: &str = "
    WITH tables AS (
        SELECT c.oid, c.relname::text AS name, c.relkind, c.relispartition, c.relrowsecurity, c.relforcerowsecurity,
               c.relacl, c.relowner,
               EXISTS (SELECT FROM pg_attribute a
                        WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped) AS has_tenant
          FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
           AND c.relname <> '_sqlx_migrations'
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ), roles AS (
        SELECT oid, rolname::text AS name FROM pg_roles
         WHERE rolname IN ('atrium_app', 'atrium_auth', 'atrium_worker', 'atrium_operator', 'atrium_search', 'atrium_audit',
                           'atrium_handover', 'atrium_purge', 'atrium_sharing', 'atrium_trash')
    ), privileges AS (
        SELECT t.oid, t.name, g.grantee, g.privilege_type AS privilege, NULL::name AS column_name
          FROM tables t, aclexplode(t.relacl) g WHERE g.grantee <> t.relowner
        UNION ALL
        SELECT t.oid, t.name, g.grantee, g.privilege_type, a.attname
          FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid, aclexplode(a.attacl) g WHERE g.grantee <> t.relowner
    ), functions AS (
        SELECT p.oid, p.proname::text AS name, p.prosecdef, p.prokind, p.proconfig, p.proacl, p.proowner
          FROM pg_proc p
         WHERE p.pronamespace = 'public'::regnamespace
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    )";

/// All rules.
pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "row_security_on",
        breaks: "SELECT name AS object, 'row security is not enabled and forced' AS problem
                   FROM tables WHERE NOT (relrowsecurity AND relforcerowsecurity)",
        breakers: &[
            ("ALTER TABLE audit_log_default NO FORCE ROW LEVEL SECURITY", "audit_log_default"),
            ("ALTER TABLE users DISABLE ROW LEVEL SECURITY", "users"),
        ],
    },
    Rule {
        name: "has_policy",
        breaks: "SELECT name AS object, 'it has no policy' AS problem
                   FROM tables t WHERE NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid)",
        breakers: &[
            (
                "DROP POLICY audit_heads_app_select ON audit_heads; DROP POLICY audit_heads_audit_select ON audit_heads;
                 DROP POLICY audit_heads_audit_insert ON audit_heads; DROP POLICY audit_heads_audit_update ON audit_heads;
                 DROP POLICY audit_heads_purge_select ON audit_heads; DROP POLICY audit_heads_purge_delete ON audit_heads;
                 DROP POLICY audit_heads_worker_select ON audit_heads",
                "audit_heads",
            ),
        ],
    },
    Rule {
        name: "privilege_has_policy",
        breaks: "SELECT DISTINCT p.name || ' ' || r.name AS object, 'no policy for ' || p.privilege AS problem
                   FROM privileges p JOIN roles r ON r.oid = p.grantee
                  WHERE p.privilege IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')
                    AND NOT EXISTS (
                        SELECT FROM pg_policy o
                         WHERE o.polrelid = p.oid AND r.oid = ANY (o.polroles)
                           AND o.polcmd = CASE p.privilege WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a'
                                                           WHEN 'UPDATE' THEN 'w' ELSE 'd' END::\"char\")",
        breakers: &[
            ("GRANT DELETE ON users TO atrium_app", "users atrium_app"),
        ],
    },
    Rule {
        // The condition on the tenant stands first and everything else is
        // added with AND: that is how policies_create writes it.
        name: "policy_holds_tenant",
        breaks: "SELECT t.name || '.' || p.polname AS object, 'it does not begin with the tenant: ' || condition AS problem
                   FROM tables t JOIN pg_policy p ON p.polrelid = t.oid CROSS JOIN LATERAL
                        (VALUES (p.polqual), (p.polwithcheck)) AS expressions (expression),
                        pg_get_expr(expression, t.oid) AS condition,
                        concat('(', CASE WHEN t.has_tenant THEN 'tenant_id' ELSE 'id' END,
                               ' = (NULLIF(current_setting(''app.current_tenant_id''::text, true), ''''::text))::uuid)') AS tenant
                  WHERE expression IS NOT NULL
                    AND condition <> tenant AND NOT starts_with(condition, '(' || tenant || ' AND ')",
        breakers: &[
            (
                "CREATE POLICY users_wide ON users FOR SELECT TO atrium_app USING (true)",
                "users.users_wide",
            ),
            (
                "CREATE POLICY users_or ON users FOR SELECT TO atrium_app USING (
                     tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid OR status = 'active')",
                "users.users_or",
            ),
        ],
    },
    Rule {
        name: "policy_has_role",
        breaks: "SELECT t.name || '.' || p.polname AS object, 'it is for everybody' AS problem
                   FROM tables t JOIN pg_policy p ON p.polrelid = t.oid WHERE 0 = ANY (p.polroles)",
        breakers: &[
            (
                "CREATE POLICY users_public ON users FOR SELECT USING (
                     tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)",
                "users.users_public",
            ),
        ],
    },
    Rule {
        // The catalogue knows what a policy reads. Builtin functions are
        // pinned and so not listed; a table in a subquery and a function of
        // ours are.
        name: "policy_is_plain",
        breaks: "SELECT t.name || '.' || p.polname AS object,
                        'it reads ' || pg_describe_object(d.refclassid, d.refobjid, 0) AS problem
                   FROM tables t JOIN pg_policy p ON p.polrelid = t.oid
                   JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                  WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid <> t.oid)
                     OR (d.refclassid = 'pg_proc'::regclass)",
        breakers: &[
            (
                "CREATE POLICY users_joined ON users FOR SELECT TO atrium_app USING (
                     tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
                     AND EXISTS (SELECT FROM team_members m WHERE m.user_id = users.id))",
                "users.users_joined",
            ),
            (
                "CREATE FUNCTION is_mine(uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true';
                 CREATE POLICY users_called ON users FOR SELECT TO atrium_app USING (
                     tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid AND is_mine(id))",
                "users.users_called",
            ),
        ],
    },
    Rule {
        name: "partition_is_behind_parent",
        breaks: "SELECT t.name AS object, 'it can be reached past its parent' AS problem
                   FROM tables t JOIN privileges p ON p.oid = t.oid WHERE t.relispartition",
        breakers: &[
            ("GRANT SELECT ON audit_log_default TO atrium_app", "audit_log_default"),
        ],
    },
    Rule {
        name: "partition_has_parents_policies",
        breaks: "SELECT t.name AS object, 'it lacks ' || p.polname AS problem
                   FROM tables t JOIN pg_inherits i ON i.inhrelid = t.oid JOIN pg_policy p ON p.polrelid = i.inhparent
                  WHERE NOT EXISTS (
                      SELECT FROM pg_policy o
                       WHERE o.polrelid = t.oid AND o.polname = p.polname AND o.polcmd = p.polcmd
                         AND o.polroles = p.polroles
                         AND pg_get_expr(o.polqual, o.polrelid) IS NOT DISTINCT FROM pg_get_expr(p.polqual, p.polrelid)
                         AND pg_get_expr(o.polwithcheck, o.polrelid)
                             IS NOT DISTINCT FROM pg_get_expr(p.polwithcheck, p.polrelid))",
        breakers: &[
            (
                "CREATE TABLE audit_log_more PARTITION OF audit_log FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')",
                "audit_log_more",
            ),
        ],
    },
    Rule {
        name: "tenant_is_not_null",
        breaks: "SELECT t.name AS object, 'tenant_id is not a uuid NOT NULL' AS problem
                   FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id'
                  WHERE NOT a.attnotnull OR a.atttypid <> 'uuid'::regtype",
        breakers: &[
            ("CREATE TABLE loose (tenant_id uuid)", "loose"),
        ],
    },
    Rule {
        name: "primary_key_begins_with_tenant",
        breaks: "SELECT t.name AS object, 'its primary key does not begin with tenant_id' AS problem
                   FROM tables t
                  WHERE t.has_tenant AND NOT EXISTS (
                      SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
                       WHERE i.indrelid = t.oid AND i.indisprimary AND a.attname = 'tenant_id')",
        breakers: &[
            ("ALTER TABLE login_attempts ADD tenant_id uuid NOT NULL", "login_attempts"),
        ],
    },
    Rule {
        name: "unique_begins_with_tenant",
        breaks: "SELECT t.name || '.' || i.indexrelid::regclass AS object, 'it does not begin with tenant_id' AS problem
                   FROM tables t JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique
                   LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
                  WHERE t.has_tenant AND a.attname IS DISTINCT FROM 'tenant_id'",
        breakers: &[
            ("CREATE UNIQUE INDEX users_email_key ON users (email)", "users.users_email_key"),
        ],
    },
    Rule {
        name: "foreign_key_carries_tenant",
        breaks: "SELECT t.name || '.' || k.conname AS object, 'tenant_id is not at the same place on both sides' AS problem
                   FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
                  WHERE t.has_tenant AND NOT EXISTS (
                      SELECT FROM unnest(k.conkey, k.confkey) AS pairs (here, there)
                        JOIN pg_attribute h ON h.attrelid = k.conrelid AND h.attnum = here
                        JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = there
                       WHERE h.attname = 'tenant_id'
                         AND f.attname = CASE k.confrelid WHEN 'tenants'::regclass THEN 'id' ELSE 'tenant_id' END)",
        breakers: &[
            (
                "ALTER TABLE users ADD CONSTRAINT users_id_key UNIQUE (id);
                 ALTER TABLE teams ADD lead_id uuid CONSTRAINT teams_lead_id_fkey REFERENCES users (id)",
                "teams.teams_lead_id_fkey",
            ),
        ],
    },
    Rule {
        name: "foreign_key_keeps_tenant",
        breaks: "SELECT t.name || '.' || k.conname AS object, 'it sets columns to NULL or a default, or changes keys' AS problem
                   FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
                  WHERE k.confdeltype NOT IN ('a', 'r', 'c') OR k.confupdtype NOT IN ('a', 'r')",
        breakers: &[
            (
                "ALTER TABLE users DROP CONSTRAINT users_parent_user_id_fkey;
                 ALTER TABLE users ADD CONSTRAINT users_parent_user_id_fkey FOREIGN KEY (tenant_id, parent_user_id)
                     REFERENCES users (tenant_id, id) ON DELETE SET NULL",
                "users.users_parent_user_id_fkey",
            ),
        ],
    },
    Rule {
        name: "no_serials",
        breaks: "SELECT relname::text AS object, 'ids are made in Rust, not by sequences' AS problem
                   FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace",
        breakers: &[
            ("ALTER TABLE teams ADD number bigserial", "teams_number_seq"),
        ],
    },
    Rule {
        name: "time_has_zone",
        breaks: "SELECT t.name || '.' || a.attname AS object, 'it is ' || format_type(a.atttypid, NULL) AS problem
                   FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
                  WHERE a.atttypid IN ('timestamp'::regtype, 'date'::regtype, 'time'::regtype, 'timetz'::regtype)",
        breakers: &[
            ("ALTER TABLE teams ADD founded timestamp", "teams.founded"),
        ],
    },
    Rule {
        name: "no_defaults",
        breaks: "SELECT t.name || '.' || a.attname AS object, 'it has a default: values come from the statement' AS problem
                   FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.atthasdef AND a.attgenerated = ''",
        breakers: &[
            ("ALTER TABLE teams ALTER created_at SET DEFAULT now()", "teams.created_at"),
        ],
    },
    Rule {
        name: "constraints_are_named",
        breaks: "SELECT t.name || '.' || k.conname AS object, 'its name was made up by the server' AS problem
                   FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('c', 'f', 'u', 'p')
                  WHERE NOT t.relispartition
                    AND (NOT starts_with(k.conname, t.name || '_') OR k.conname ~ '[0-9]$')",
        breakers: &[
            (
                "ALTER TABLE teams ADD CHECK (name <> 'x'); ALTER TABLE teams ADD CHECK (name <> 'y')",
                "teams.teams_name_check1",
            ),
        ],
    },
    Rule {
        name: "enumerations_are_text",
        breaks: "SELECT typname::text AS object, 'it is an enum type' AS problem
                   FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace",
        breakers: &[
            ("CREATE TYPE mood AS ENUM ('good')", "mood"),
        ],
    },
    Rule {
        name: "json_has_limit",
        breaks: "SELECT t.name || '.' || a.attname AS object, 'nothing limits its size' AS problem
                   FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
                  WHERE a.atttypid IN ('json'::regtype, 'jsonb'::regtype)
                    AND NOT EXISTS (
                        SELECT FROM pg_constraint k
                         WHERE k.conrelid = t.oid AND k.contype = 'c' AND a.attnum = ANY (k.conkey)
                           AND pg_get_constraintdef(k.oid) LIKE '%octet_length((' || a.attname || ')::text) <=%')",
        breakers: &[
            ("ALTER TABLE teams ADD settings jsonb", "teams.settings"),
        ],
    },
    Rule {
        name: "no_triggers",
        breaks: "SELECT t.name || '.' || g.tgname AS object, 'there is a trigger' AS problem
                   FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal",
        breakers: &[
            (
                "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                 CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION nothing()",
                "users.users_touch",
            ),
        ],
    },
    Rule {
        name: "no_dangerous_privileges",
        breaks: "SELECT DISTINCT name AS object, privilege || ' is granted to ' || coalesce(grantee::regrole::text, '') AS problem
                   FROM privileges WHERE privilege NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')",
        breakers: &[
            ("GRANT TRUNCATE ON memories TO atrium_app", "memories"),
            ("GRANT REFERENCES (id) ON users TO atrium_app", "users"),
        ],
    },
    Rule {
        name: "privileges_are_the_local_roles",
        breaks: "SELECT DISTINCT name AS object,
                        privilege || ' is granted to ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS problem
                   FROM privileges WHERE grantee NOT IN (SELECT oid FROM roles)",
        breakers: &[
            ("GRANT SELECT ON users TO PUBLIC", "users"),
        ],
    },
    Rule {
        name: "tenant_is_never_updated",
        breaks: "SELECT DISTINCT t.name || ' ' || r.name AS object, 'it may change tenant_id' AS problem
                   FROM tables t, roles r
                  WHERE t.has_tenant AND has_column_privilege(r.oid, t.oid, 'tenant_id', 'UPDATE')",
        breakers: &[
            ("GRANT UPDATE ON teams TO atrium_app", "teams atrium_app"),
        ],
    },
    Rule {
        // A purged organisation's chain goes whole, by the role that nobody
        // takes.
        name: "audit_is_append_only",
        breaks: "SELECT DISTINCT name || ' ' || grantee::regrole AS object, privilege || ' is granted' AS problem
                   FROM privileges
                  WHERE name LIKE 'audit\\_log%' AND privilege NOT IN ('SELECT', 'INSERT')
                    AND NOT (grantee = 'atrium_purge'::regrole AND privilege = 'DELETE')",
        breakers: &[
            ("GRANT DELETE ON audit_log TO atrium_audit", "audit_log atrium_audit"),
            ("GRANT UPDATE (changes) ON audit_log TO atrium_purge", "audit_log atrium_purge"),
        ],
    },
    Rule {
        // The helpers that write policies see to it.
        name: "purge_reaches_every_table",
        breaks: "SELECT t.name AS object, 'a purged organisation would leave rows in it: CALL policies_create, or purge_allow' AS problem
                   FROM tables t
                  WHERE (t.has_tenant OR t.name = 'tenants') AND NOT t.relispartition
                    AND NOT (has_table_privilege('atrium_purge', t.oid, 'DELETE')
                             AND EXISTS (SELECT FROM pg_policy p
                                          WHERE p.polrelid = t.oid AND p.polcmd = 'd'
                                            AND 'atrium_purge'::regrole = ANY (p.polroles))
                             AND EXISTS (SELECT FROM pg_policy p
                                          WHERE p.polrelid = t.oid AND p.polcmd = 'r'
                                            AND 'atrium_purge'::regrole = ANY (p.polroles)))",
        breakers: &[
            ("CREATE TABLE notes (tenant_id uuid NOT NULL PRIMARY KEY)", "notes"),
            ("DROP POLICY jobs_purge_delete ON jobs", "jobs"),
            ("REVOKE DELETE ON web_sessions FROM atrium_purge", "web_sessions"),
        ],
    },
    Rule {
        // It deletes; what is in the rows is none of its business.
        name: "purge_reads_no_content",
        breaks: "SELECT DISTINCT name AS object, coalesce(column_name, 'the whole row') || ' can be read' AS problem
                   FROM privileges
                  WHERE grantee = 'atrium_purge'::regrole AND privilege NOT IN ('DELETE')
                    AND NOT (privilege = 'SELECT' AND CASE name
                                 WHEN 'tenants' THEN coalesce(column_name::text, '') IN ('id', 'status', 'delete_after')
                                 WHEN 'audit_heads' THEN coalesce(column_name::text, '') IN ('tenant_id', 'seq', 'hash')
                                 ELSE coalesce(column_name::text, '') = 'tenant_id' END)",
        breakers: &[
            ("GRANT SELECT ON memories TO atrium_purge", "memories"),
            ("GRANT SELECT (id) ON users TO atrium_purge", "users"),
        ],
    },
    Rule {
        // Or no memory that has such a row could ever be deleted for good.
        name: "memories_take_their_rows_along",
        breaks: "SELECT k.conrelid::regclass::text AS object, k.conname || ' does not delete with the memory' AS problem
                   FROM pg_constraint k
                  WHERE k.contype = 'f' AND k.confrelid = 'memories'::regclass AND k.conrelid <> k.confrelid
                    AND k.confdeltype <> 'c'",
        breakers: &[
            (
                "CREATE TABLE notes (tenant_id uuid NOT NULL, memory_id uuid NOT NULL,
                     FOREIGN KEY (tenant_id, memory_id) REFERENCES memories (tenant_id, id))",
                "notes",
            ),
        ],
    },
    Rule {
        // It decides by times and ids; the words are none of its business.
        name: "trash_reads_no_words",
        breaks: "SELECT DISTINCT name AS object, coalesce(column_name, 'the whole row') || ' can be read or changed' AS problem
                   FROM privileges
                  WHERE grantee = 'atrium_trash'::regrole AND privilege <> 'DELETE'
                    AND (name <> 'memories' OR coalesce(column_name::text, '') <> ALL (ARRAY['tenant_id', 'id', 'user_id',
                         'parent_id', 'visibility', 'team_id', 'shared_at', 'allowed_vendors', 'expires_at', 'deleted_at']))",
        breakers: &[
            ("GRANT SELECT (content) ON memories TO atrium_trash", "memories"),
            ("GRANT UPDATE (user_id) ON memories TO atrium_trash; GRANT SELECT ON users TO atrium_trash", "users"),
        ],
    },
    Rule {
        // Operators see how many, never what: nothing that people wrote, no
        // name, no id of a row.
        name: "operators_only_count",
        breaks: "SELECT DISTINCT name AS object, coalesce(column_name, 'the whole row') || ' can be read' AS problem
                   FROM privileges
                  WHERE grantee = 'atrium_operator'::regrole AND privilege = 'SELECT'
                    AND name NOT IN ('tenants', 'roles', 'platform_operators')
                    AND coalesce(column_name::text, '') <> ALL (ARRAY['tenant_id', 'status', 'kind', 'last_seen_at', 'deleted_at',
                        'idle_expires_at', 'absolute_expires_at', 'expires_at', 'revoked_at'])",
        breakers: &[
            ("GRANT SELECT ON memories TO atrium_operator", "memories"),
            ("GRANT SELECT (display_name) ON users TO atrium_operator", "users"),
        ],
    },
    Rule {
        name: "definer_functions",
        breaks: "SELECT name AS object, 'it runs as its owner' AS problem FROM functions WHERE prosecdef",
        breakers: &[
            (
                "CREATE FUNCTION sudo() RETURNS int LANGUAGE sql SECURITY DEFINER
                     SET search_path = pg_catalog, pg_temp AS 'SELECT 1'",
                "sudo",
            ),
        ],
    },
    Rule {
        name: "definer_pins_search_path",
        breaks: "SELECT name AS object, 'its search_path is not pg_catalog, pg_temp' AS problem
                   FROM functions WHERE prosecdef AND NOT ('search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}')))",
        breakers: &[
            (
                "CREATE FUNCTION sudo() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
                "sudo",
            ),
        ],
    },
    Rule {
        name: "powerful_functions_are_not_public",
        breaks: "SELECT f.name AS object, 'everybody may call it' AS problem
                   FROM functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) g
                  WHERE (f.prosecdef OR f.prokind = 'p') AND g.grantee = 0",
        breakers: &[
            ("GRANT EXECUTE ON PROCEDURE policies_create TO PUBLIC", "policies_create"),
        ],
    },
    Rule {
        name: "views_are_invoker",
        breaks: "SELECT relname::text AS object, 'the view is not security_invoker' AS problem
                   FROM pg_class c
                  WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
                    AND NOT ('security_invoker=true' = ANY (coalesce(reloptions, '{}')))
                    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')",
        breakers: &[
            ("CREATE VIEW everybody AS SELECT * FROM users", "everybody"),
        ],
    },
    Rule {
        name: "no_materialized_views",
        breaks: "SELECT relname::text AS object, 'row security does not reach a materialized view' AS problem
                   FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'm'",
        breakers: &[
            ("CREATE MATERIALIZED VIEW everybody AS SELECT * FROM users", "everybody"),
        ],
    },
    Rule {
        name: "local_roles_are_plain",
        breaks: "SELECT rolname::text AS object, 'it can log in, bypass row security or make roles' AS problem
                   FROM pg_roles r JOIN roles l ON l.oid = r.oid
                  WHERE rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
                 UNION ALL
                 SELECT l.name, 'it is a member of ' || m.roleid::regrole
                   FROM pg_auth_members m JOIN roles l ON l.oid = m.member",
        breakers: &[
            ("GRANT atrium_auth TO atrium_app", "atrium_app"),
        ],
    },
];
