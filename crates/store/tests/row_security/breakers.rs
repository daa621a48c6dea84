//! Statements that break each rule, with the object that must then be named.

/// A rule's name and its breakers.
pub(crate) type Breakers = (&'static str, &'static [(&'static str, &'static str)]);

/// At least one for every rule.
pub(crate) const BREAKERS: &[Breakers] = &[
    (
        "row_security_on",
        &[
            ("ALTER TABLE audit_log_default NO FORCE ROW LEVEL SECURITY", "audit_log_default"),
            ("ALTER TABLE users DISABLE ROW LEVEL SECURITY", "users"),
        ],
    ),
    (
        "has_policy",
        &[
            (
                "DROP POLICY audit_heads_app_select ON audit_heads; DROP POLICY audit_heads_audit_select ON audit_heads;
                 DROP POLICY audit_heads_audit_insert ON audit_heads; DROP POLICY audit_heads_audit_update ON audit_heads;
                 DROP POLICY audit_heads_purge_select ON audit_heads; DROP POLICY audit_heads_purge_delete ON audit_heads;
                 DROP POLICY audit_heads_worker_select ON audit_heads",
                "audit_heads",
            ),
        ],
    ),
    (
        "privilege_has_policy",
        &[
            ("GRANT DELETE ON users TO atrium_app", "users atrium_app"),
        ],
    ),
    (
        "policy_holds_tenant",
        &[
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
    ),
    (
        "policy_has_role",
        &[
            (
                "CREATE POLICY users_public ON users FOR SELECT USING (
                     tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid)",
                "users.users_public",
            ),
        ],
    ),
    (
        "policy_is_plain",
        &[
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
    ),
    (
        "partition_is_behind_parent",
        &[
            ("GRANT SELECT ON audit_log_default TO atrium_app", "audit_log_default"),
        ],
    ),
    (
        "partition_has_parents_policies",
        &[
            (
                "CREATE TABLE audit_log_more PARTITION OF audit_log FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')",
                "audit_log_more",
            ),
        ],
    ),
    (
        "tenant_is_not_null",
        &[
            ("CREATE TABLE loose (tenant_id uuid)", "loose"),
        ],
    ),
    (
        "primary_key_begins_with_tenant",
        &[
            ("ALTER TABLE login_attempts ADD tenant_id uuid NOT NULL", "login_attempts"),
        ],
    ),
    (
        "unique_begins_with_tenant",
        &[
            ("CREATE UNIQUE INDEX users_email_key ON users (email)", "users.users_email_key"),
        ],
    ),
    (
        "foreign_key_carries_tenant",
        &[
            (
                "ALTER TABLE users ADD CONSTRAINT users_id_key UNIQUE (id);
                 ALTER TABLE teams ADD lead_id uuid CONSTRAINT teams_lead_id_fkey REFERENCES users (id)",
                "teams.teams_lead_id_fkey",
            ),
        ],
    ),
    (
        "foreign_key_keeps_tenant",
        &[
            (
                "ALTER TABLE users DROP CONSTRAINT users_parent_user_id_fkey;
                 ALTER TABLE users ADD CONSTRAINT users_parent_user_id_fkey FOREIGN KEY (tenant_id, parent_user_id)
                     REFERENCES users (tenant_id, id) ON DELETE SET NULL",
                "users.users_parent_user_id_fkey",
            ),
        ],
    ),
    (
        "no_serials",
        &[
            ("ALTER TABLE teams ADD number bigserial", "teams_number_seq"),
        ],
    ),
    (
        "time_has_zone",
        &[
            ("ALTER TABLE teams ADD founded timestamp", "teams.founded"),
        ],
    ),
    (
        "no_defaults",
        &[
            ("ALTER TABLE teams ALTER created_at SET DEFAULT now()", "teams.created_at"),
        ],
    ),
    (
        "constraints_are_named",
        &[
            (
                "ALTER TABLE teams ADD CHECK (name <> 'x'); ALTER TABLE teams ADD CHECK (name <> 'y')",
                "teams.teams_name_check1",
            ),
        ],
    ),
    (
        "enumerations_are_text",
        &[
            ("CREATE TYPE mood AS ENUM ('good')", "mood"),
        ],
    ),
    (
        "json_has_limit",
        &[
            ("ALTER TABLE teams ADD settings jsonb", "teams.settings"),
        ],
    ),
    (
        "no_triggers",
        &[
            (
                "CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
                 CREATE TRIGGER users_touch BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION nothing()",
                "users.users_touch",
            ),
        ],
    ),
    (
        "no_dangerous_privileges",
        &[
            ("GRANT TRUNCATE ON memories TO atrium_app", "memories"),
            ("GRANT REFERENCES (id) ON users TO atrium_app", "users"),
        ],
    ),
    (
        "privileges_are_the_local_roles",
        &[
            ("GRANT SELECT ON users TO PUBLIC", "users"),
        ],
    ),
    (
        "tenant_is_never_updated",
        &[
            ("GRANT UPDATE ON teams TO atrium_app", "teams atrium_app"),
        ],
    ),
    (
        "audit_is_append_only",
        &[
            ("GRANT DELETE ON audit_log TO atrium_audit", "audit_log atrium_audit"),
            ("GRANT UPDATE (changes) ON audit_log TO atrium_purge", "audit_log atrium_purge"),
        ],
    ),
    (
        "purge_reaches_every_table",
        &[
            ("CREATE TABLE notes (tenant_id uuid NOT NULL PRIMARY KEY)", "notes"),
            ("DROP POLICY jobs_purge_delete ON jobs", "jobs"),
            ("REVOKE DELETE ON web_sessions FROM atrium_purge", "web_sessions"),
        ],
    ),
    (
        "purge_reads_no_content",
        &[
            ("GRANT SELECT ON memories TO atrium_purge", "memories"),
            ("GRANT SELECT (id) ON users TO atrium_purge", "users"),
        ],
    ),
    (
        "memories_take_their_rows_along",
        &[
            (
                "CREATE TABLE notes (tenant_id uuid NOT NULL, memory_id uuid NOT NULL,
                     FOREIGN KEY (tenant_id, memory_id) REFERENCES memories (tenant_id, id))",
                "notes",
            ),
        ],
    ),
    (
        "trash_reads_no_words",
        &[
            ("GRANT SELECT (content) ON memories TO atrium_trash", "memories"),
            ("GRANT UPDATE (user_id) ON memories TO atrium_trash; GRANT SELECT ON users TO atrium_trash", "users"),
        ],
    ),
    (
        "session_reads_no_tokens",
        &[
            ("GRANT SELECT (tokens_encrypted) ON web_sessions TO atrium_session", "web_sessions"),
            ("GRANT UPDATE (revoked_at) ON web_sessions TO atrium_session", "web_sessions"),
            ("GRANT SELECT ON identities TO atrium_session", "identities"),
        ],
    ),
    (
        "operators_only_count",
        &[
            ("GRANT SELECT ON memories TO atrium_operator", "memories"),
            ("GRANT SELECT (display_name) ON users TO atrium_operator", "users"),
        ],
    ),
    (
        "definer_functions",
        &[
            (
                "CREATE FUNCTION sudo() RETURNS int LANGUAGE sql SECURITY DEFINER
                     SET search_path = pg_catalog, pg_temp AS 'SELECT 1'",
                "sudo",
            ),
        ],
    ),
    (
        "definer_pins_search_path",
        &[
            (
                "CREATE FUNCTION sudo() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
                "sudo",
            ),
        ],
    ),
    (
        "powerful_functions_are_not_public",
        &[
            ("GRANT EXECUTE ON PROCEDURE policies_create TO PUBLIC", "policies_create"),
        ],
    ),
    (
        "views_are_invoker",
        &[
            ("CREATE VIEW everybody AS SELECT * FROM users", "everybody"),
        ],
    ),
    (
        "no_materialized_views",
        &[
            ("CREATE MATERIALIZED VIEW everybody AS SELECT * FROM users", "everybody"),
        ],
    ),
    (
        "local_roles_are_plain",
        &[
            ("GRANT atrium_auth TO atrium_app", "atrium_app"),
        ],
    ),
];
