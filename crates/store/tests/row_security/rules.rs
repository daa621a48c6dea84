//! The rules of the data model that only tests check; the boot check has the rest.

use store::catalogue::Rule;

/// Rules that the migrations ensure, so a running database is not checked for them.
pub(crate) const SHAPE_RULES: &[Rule] = &[
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
        remedy: None,
    },
    Rule {
        // The catalogue knows what a policy reads. Built-in functions are pinned and so
        // not listed; a table in a subquery and a function of the schema are.
        name: "policy_is_plain",
        breaks: "SELECT t.name || '.' || p.polname AS object,
                        'it reads ' || pg_describe_object(d.refclassid, d.refobjid, 0) AS problem
                   FROM tables t JOIN pg_policy p ON p.polrelid = t.oid
                   JOIN pg_depend d ON d.classid = 'pg_policy'::regclass AND d.objid = p.oid
                  WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid <> t.oid)
                     OR (d.refclassid = 'pg_proc'::regclass)",
        remedy: None,
    },
    Rule {
        name: "tenant_is_not_null",
        breaks: "SELECT t.name AS object, 'tenant_id is not a uuid NOT NULL' AS problem
                   FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id'
                  WHERE NOT a.attnotnull OR a.atttypid <> 'uuid'::regtype",
        remedy: None,
    },
    Rule {
        name: "primary_key_begins_with_tenant",
        breaks: "SELECT t.name AS object, 'its primary key does not begin with tenant_id' AS problem
                   FROM tables t
                  WHERE t.has_tenant AND NOT EXISTS (
                      SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
                       WHERE i.indrelid = t.oid AND i.indisprimary AND a.attname = 'tenant_id')",
        remedy: None,
    },
    Rule {
        name: "unique_begins_with_tenant",
        breaks: "SELECT t.name || '.' || i.indexrelid::regclass AS object, 'it does not begin with tenant_id' AS problem
                   FROM tables t JOIN pg_index i ON i.indrelid = t.oid AND i.indisunique
                   LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
                  WHERE t.has_tenant AND a.attname IS DISTINCT FROM 'tenant_id'",
        remedy: None,
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
        remedy: None,
    },
    Rule {
        name: "foreign_key_keeps_tenant",
        breaks: "SELECT t.name || '.' || k.conname AS object, 'it sets columns to NULL or a default, or changes keys' AS problem
                   FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
                  WHERE k.confdeltype NOT IN ('a', 'r', 'c') OR k.confupdtype NOT IN ('a', 'r')",
        remedy: None,
    },
    Rule {
        name: "no_serials",
        breaks: "SELECT relname::text AS object, 'ids are made in Rust, not by sequences' AS problem
                   FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace",
        remedy: None,
    },
    Rule {
        name: "time_has_zone",
        breaks: "SELECT t.name || '.' || a.attname AS object, 'it is ' || format_type(a.atttypid, NULL) AS problem
                   FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0
                  WHERE a.atttypid IN ('timestamp'::regtype, 'date'::regtype, 'time'::regtype, 'timetz'::regtype)",
        remedy: None,
    },
    Rule {
        name: "no_defaults",
        breaks: "SELECT t.name || '.' || a.attname AS object, 'it has a default: values come from the statement' AS problem
                   FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.atthasdef AND a.attgenerated = ''",
        remedy: None,
    },
    Rule {
        name: "constraints_are_named",
        breaks: "SELECT t.name || '.' || k.conname AS object, 'its name was made up by the server' AS problem
                   FROM tables t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('c', 'f', 'u', 'p')
                  WHERE NOT t.relispartition
                    AND (NOT starts_with(k.conname, t.name || '_') OR k.conname ~ '[0-9]$')",
        remedy: None,
    },
    Rule {
        name: "enumerations_are_text",
        breaks: "SELECT typname::text AS object, 'it is an enum type' AS problem
                   FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace",
        remedy: None,
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
        remedy: None,
    },
    Rule {
        name: "no_triggers",
        breaks: "SELECT t.name || '.' || g.tgname AS object, 'there is a trigger' AS problem
                   FROM tables t JOIN pg_trigger g ON g.tgrelid = t.oid WHERE NOT g.tgisinternal",
        remedy: None,
    },
    Rule {
        // The helpers that write policies ensure it.
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
        remedy: None,
    },
    Rule {
        // Otherwise a memory with such a row could never be deleted permanently.
        name: "memories_take_their_rows_along",
        breaks: "SELECT k.conrelid::regclass::text AS object, k.conname || ' does not delete with the memory' AS problem
                   FROM pg_constraint k
                  WHERE k.contype = 'f' AND k.confrelid = 'memories'::regclass AND k.conrelid <> k.confrelid
                    AND k.confdeltype <> 'c'",
        remedy: None,
    },
];
