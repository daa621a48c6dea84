//! The catalogue rules. Each one is a query that selects its violations.

use super::Rule;

/// Checked at boot, by `atrium doctor` and by the tests.
pub const RULES: &[Rule] = &[
    Rule {
        name: "row_security_on",
        breaks: "SELECT name AS object, 'row security is not enabled and forced' AS problem
                   FROM tables WHERE NOT (relrowsecurity AND relforcerowsecurity)",
        remedy: Some("run `ALTER TABLE {object} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY` as its owner"),
    },
    Rule {
        name: "has_policy",
        breaks: "SELECT name AS object, 'it has no policy' AS problem
                   FROM tables t WHERE NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = t.oid)",
        remedy: Some("run `UPDATE _schema_files SET digest = NULL` as the schema's owner, then `atrium migrate up`, which creates its policies again"),
    },
    Rule {
        // The tenant's condition comes first and everything else is added with
        // AND: `policies_create` writes it that way.
        name: "policy_holds_tenant",
        breaks: "SELECT t.name || '.' || p.polname AS object, 'it does not begin with the tenant: ' || condition AS problem
                   FROM tables t JOIN pg_policy p ON p.polrelid = t.oid CROSS JOIN LATERAL
                        (VALUES (p.polqual), (p.polwithcheck)) AS expressions (expression),
                        pg_get_expr(expression, t.oid) AS condition,
                        concat('(', CASE WHEN t.has_tenant THEN 'tenant_id' ELSE 'id' END,
                               ' = (NULLIF(current_setting(''app.current_tenant_id''::text, true), ''''::text))::uuid)') AS tenant
                  WHERE expression IS NOT NULL
                    AND condition <> tenant AND NOT starts_with(condition, '(' || tenant || ' AND ')",
        remedy: Some("drop the policy, which no version of Atrium brings"),
    },
    Rule {
        name: "policy_has_role",
        breaks: "SELECT t.name || '.' || p.polname AS object, 'it is for everybody' AS problem
                   FROM tables t JOIN pg_policy p ON p.polrelid = t.oid WHERE 0 = ANY (p.polroles)",
        remedy: Some("drop the policy, which no version of Atrium brings"),
    },
    Rule {
        name: "partition_is_behind_parent",
        breaks: "SELECT t.name AS object, 'it can be reached past its parent' AS problem
                   FROM tables t JOIN privileges p ON p.oid = t.oid WHERE t.relispartition",
        remedy: Some("run `REVOKE ALL ON {object}` from the local roles: partitions are reached through their parent"),
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
        remedy: Some("run `CALL policies_copy(parent, '{object}')` as its owner"),
    },
    Rule {
        name: "no_dangerous_privileges",
        breaks: "SELECT DISTINCT name AS object, privilege || ' is granted to ' || coalesce(grantee::regrole::text, '') AS problem
                   FROM privileges WHERE privilege NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE')",
        remedy: Some("run `REVOKE TRUNCATE, REFERENCES, TRIGGER ON {object}` from who holds them"),
    },
    Rule {
        name: "privileges_are_the_local_roles",
        breaks: "SELECT DISTINCT name AS object,
                        privilege || ' is granted to ' || CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS problem
                   FROM privileges WHERE grantee NOT IN (SELECT oid FROM roles)",
        remedy: Some("revoke it: only the local roles hold privileges"),
    },
    Rule {
        name: "tenant_is_never_updated",
        breaks: "SELECT DISTINCT t.name || ' ' || r.name AS object, 'it may change tenant_id' AS problem
                   FROM tables t, roles r
                  WHERE t.has_tenant AND has_column_privilege(r.oid, t.oid, 'tenant_id', 'UPDATE')",
        remedy: Some("run `REVOKE UPDATE` on the table from the role and grant it by column, without tenant_id, as the files in schema/policies do"),
    },
    Rule {
        // Only the purge role, which no login takes, deletes the chain of a
        // purged organisation.
        name: "audit_is_append_only",
        breaks: "SELECT DISTINCT name || ' ' || grantee::regrole AS object, privilege || ' is granted' AS problem
                   FROM privileges
                  WHERE name LIKE 'audit\\_log%' AND privilege NOT IN ('SELECT', 'INSERT')
                    AND NOT (grantee = 'atrium_purge'::regrole AND privilege = 'DELETE')",
        remedy: Some("revoke it: audit rows are appended and never changed"),
    },
    Rule {
        // The purge role deletes rows and needs none of their content.
        name: "purge_reads_no_content",
        breaks: "SELECT DISTINCT name AS object, coalesce(column_name, 'the whole row') || ' can be read' AS problem
                   FROM privileges
                  WHERE grantee = 'atrium_purge'::regrole AND privilege NOT IN ('DELETE')
                    AND NOT (privilege = 'SELECT' AND CASE name
                                 WHEN 'tenants' THEN coalesce(column_name::text, '') IN ('id', 'status', 'delete_after')
                                 WHEN 'audit_heads' THEN coalesce(column_name::text, '') IN ('tenant_id', 'seq', 'hash')
                                 ELSE coalesce(column_name::text, '') = 'tenant_id' END)",
        remedy: Some("revoke it: the role that purges reads whose a row is and nothing else"),
    },
    Rule {
        // The trash role decides by times and ids and needs no content.
        name: "trash_reads_no_words",
        breaks: "SELECT DISTINCT name AS object, coalesce(column_name, 'the whole row') || ' can be read or changed' AS problem
                   FROM privileges
                  WHERE grantee = 'atrium_trash'::regrole AND privilege <> 'DELETE'
                    AND (name <> 'memories' OR coalesce(column_name::text, '') <> ALL (ARRAY['tenant_id', 'id', 'user_id',
                         'parent_id', 'visibility', 'team_id', 'shared_at', 'allowed_vendors', 'expires_at', 'deleted_at']))",
        remedy: Some("revoke it: the role that empties the trash reads no words"),
    },
    Rule {
        // Members' requests can call its function.
        name: "session_reads_no_tokens",
        breaks: "SELECT DISTINCT name AS object, coalesce(column_name, 'the whole row') || ' can be read or changed' AS problem
                   FROM privileges
                  WHERE grantee = 'atrium_session'::regrole
                    AND (name <> 'web_sessions' OR privilege <> 'SELECT' OR coalesce(column_name::text, '') <> ALL (ARRAY[
                         'tenant_id', 'id', 'id_hash', 'user_id', 'last_seen_at', 'idle_expires_at', 'absolute_expires_at',
                         'revoked_at', 'refresh_at', 'refresh_lease_until', 'privileges_hash', 'previous_id_hash',
                         'previous_id_until']))",
        remedy: Some("revoke it: the role that finds a session reads no tokens and changes nothing"),
    },
    Rule {
        // Operators see row counts, never content, names or row ids.
        name: "operators_only_count",
        breaks: "SELECT DISTINCT name AS object, coalesce(column_name, 'the whole row') || ' can be read' AS problem
                   FROM privileges
                  WHERE grantee = 'atrium_operator'::regrole AND privilege = 'SELECT'
                    AND name NOT IN ('tenants', 'roles', 'platform_operators')
                    AND coalesce(column_name::text, '') <> ALL (ARRAY['tenant_id', 'status', 'kind', 'last_seen_at', 'deleted_at',
                        'idle_expires_at', 'absolute_expires_at', 'expires_at', 'revoked_at'])",
        remedy: Some("revoke it: operators see how many rows there are and never what is in them"),
    },
    Rule {
        name: "definer_functions",
        breaks: "SELECT name AS object, 'it runs as its owner' AS problem FROM functions WHERE prosecdef",
        remedy: Some("drop the function, which no version of Atrium brings, or make it SECURITY INVOKER"),
    },
    Rule {
        name: "definer_pins_search_path",
        breaks: "SELECT name AS object, 'its search_path is not pg_catalog, pg_temp' AS problem
                   FROM functions WHERE prosecdef AND NOT ('search_path=pg_catalog, pg_temp' = ANY (coalesce(proconfig, '{}')))",
        remedy: Some("run `ALTER FUNCTION {object} SET search_path = pg_catalog, pg_temp`"),
    },
    Rule {
        name: "powerful_functions_are_not_public",
        breaks: "SELECT f.name AS object, 'everybody may call it' AS problem
                   FROM functions f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) g
                  WHERE (f.prosecdef OR f.prokind = 'p') AND g.grantee = 0",
        remedy: Some("run `REVOKE EXECUTE ON ROUTINE {object} FROM PUBLIC`"),
    },
    Rule {
        name: "views_are_invoker",
        breaks: "SELECT relname::text AS object, 'the view is not security_invoker' AS problem
                   FROM pg_class c
                  WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
                    AND NOT ('security_invoker=true' = ANY (coalesce(reloptions, '{}')))
                    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')",
        remedy: Some("run `ALTER VIEW {object} SET (security_invoker = true)`, or move it to another schema"),
    },
    Rule {
        name: "no_materialized_views",
        breaks: "SELECT relname::text AS object, 'row security does not reach a materialized view' AS problem
                   FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'm'",
        remedy: Some("drop it, or move it to another schema that the local roles can't use"),
    },
    Rule {
        name: "local_roles_are_plain",
        breaks: "SELECT rolname::text AS object, 'it can log in, bypass row security or make roles' AS problem
                   FROM pg_roles r JOIN roles l ON l.oid = r.oid
                  WHERE rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
                 UNION ALL
                 SELECT l.name, 'it is a member of ' || m.roleid::regrole
                   FROM pg_auth_members m JOIN roles l ON l.oid = m.member",
        remedy: Some("take the attribute or the membership from the role again"),
    },
];
