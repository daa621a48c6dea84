-- The whole schema, generated from the catalogue by tests/foundation/current_schema.rs.
-- Monthly partitions and the migrator's tables are left out. In policies a name with a colon stands for a
-- setting, as in functions/_helpers.sql.

GRANT USAGE ON SCHEMA public TO atrium_app;
GRANT USAGE ON SCHEMA public TO atrium_audit;
GRANT USAGE ON SCHEMA public TO atrium_auth;
GRANT USAGE ON SCHEMA public TO atrium_handover;
GRANT USAGE ON SCHEMA public TO atrium_operator;
GRANT USAGE ON SCHEMA public TO atrium_purge;
GRANT USAGE ON SCHEMA public TO atrium_search;
GRANT USAGE ON SCHEMA public TO atrium_session;
GRANT USAGE ON SCHEMA public TO atrium_sharing;
GRANT USAGE ON SCHEMA public TO atrium_trash;
GRANT USAGE ON SCHEMA public TO atrium_worker;

-- Keys of programs. Only a hash of each is kept.
CREATE TABLE api_keys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    label text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_by uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    vendor text NOT NULL,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
    CONSTRAINT api_keys_key_hash_check CHECK ((octet_length(key_hash) = 32)),
    CONSTRAINT api_keys_label_check CHECK (((char_length(label) >= 1) AND (char_length(label) <= 100))),
    CONSTRAINT api_keys_prefix_check CHECK (((char_length(prefix) >= 1) AND (char_length(prefix) <= 16))),
    CONSTRAINT api_keys_scopes_check CHECK (((array_position(scopes, NULL::text) IS NULL) AND (cardinality(scopes) <= 200))),
    CONSTRAINT api_keys_vendor_check CHECK ((vendor = ANY (ARRAY['chatgpt'::text, 'claude'::text, 'cursor'::text, 'copilot'::text, 'gemini'::text, 'other'::text])))
);
CREATE INDEX api_keys_created_at_idx ON public.api_keys USING btree (tenant_id, created_at DESC, id DESC);
CREATE INDEX api_keys_user_id_idx ON public.api_keys USING btree (tenant_id, user_id, created_at DESC, id DESC);
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY api_keys_app_insert ON api_keys FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((((user_id = :user) AND (:permissions && '{api_key.own,system}'::text[])) OR (:permissions && '{api_key.manage,system}'::text[])) AND (created_by = :user) AND (scopes <@ :permissions))));
CREATE POLICY api_keys_app_select ON api_keys FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND ((user_id = :user) OR (:permissions && '{api_key.manage,member.manage,system}'::text[]))));
CREATE POLICY api_keys_app_update ON api_keys FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (((user_id = :user) AND (:permissions && '{api_key.own,system}'::text[])) OR (:permissions && '{api_key.manage,member.manage,system}'::text[]))))
    WITH CHECK (((tenant_id = :tenant) AND (((user_id = :user) AND (:permissions && '{api_key.own,system}'::text[])) OR (:permissions && '{api_key.manage,member.manage,system}'::text[]))));
CREATE POLICY api_keys_auth_select ON api_keys FOR SELECT TO atrium_auth
    USING (true);
CREATE POLICY api_keys_auth_update ON api_keys FOR UPDATE TO atrium_auth
    USING (true)
    WITH CHECK (true);
CREATE POLICY api_keys_operator_select ON api_keys FOR SELECT TO atrium_operator
    USING ((tenant_id = :tenant));
CREATE POLICY api_keys_purge_delete ON api_keys FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY api_keys_purge_select ON api_keys FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT (tenant_id, id, user_id, label, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at, vendor), INSERT, UPDATE (revoked_at) ON api_keys TO atrium_app;
GRANT SELECT (tenant_id, id, user_id, key_hash, scopes, expires_at, last_used_at, revoked_at, vendor), UPDATE (last_used_at) ON api_keys TO atrium_auth;
GRANT SELECT (tenant_id, expires_at, revoked_at) ON api_keys TO atrium_operator;
GRANT SELECT (tenant_id), DELETE ON api_keys TO atrium_purge;

-- Signed notes of how the audit log was at a size. The key is not in the database, and copies are kept outside.
CREATE TABLE audit_checkpoints (
    tenant_id uuid NOT NULL,
    size bigint NOT NULL,
    edge bytea[] NOT NULL,
    note text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (tenant_id, size),
    CONSTRAINT audit_checkpoints_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT audit_checkpoints_edge_check CHECK ((cardinality(edge) <= 64)),
    CONSTRAINT audit_checkpoints_note_check CHECK ((octet_length(note) <= 2000)),
    CONSTRAINT audit_checkpoints_size_check CHECK ((size > 0))
);
ALTER TABLE audit_checkpoints ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_checkpoints_app_select ON audit_checkpoints FOR SELECT TO atrium_app
    USING ((tenant_id = :tenant));
CREATE POLICY audit_checkpoints_purge_delete ON audit_checkpoints FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY audit_checkpoints_purge_select ON audit_checkpoints FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY audit_checkpoints_worker_insert ON audit_checkpoints FOR INSERT TO atrium_worker
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY audit_checkpoints_worker_select ON audit_checkpoints FOR SELECT TO atrium_worker
    USING (true);
GRANT SELECT ON audit_checkpoints TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON audit_checkpoints TO atrium_purge;
GRANT SELECT, INSERT ON audit_checkpoints TO atrium_worker;

-- Denials that repeat, until they are counted into one audit row.
CREATE TABLE audit_denials (
    tenant_id uuid NOT NULL,
    actor_user_id uuid NOT NULL,
    action text NOT NULL,
    reason text NOT NULL,
    actor_kind text NOT NULL,
    actor_label text NOT NULL,
    since timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    repeats bigint NOT NULL,
    CONSTRAINT audit_denials_pkey PRIMARY KEY (tenant_id, actor_user_id, action, reason),
    CONSTRAINT audit_denials_user_fkey FOREIGN KEY (tenant_id, actor_user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT audit_denials_action_check CHECK ((action ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$'::text)),
    CONSTRAINT audit_denials_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['human'::text, 'agent'::text, 'sub_agent'::text, 'service'::text, 'system'::text]))),
    CONSTRAINT audit_denials_reason_check CHECK (((char_length(reason) >= 1) AND (char_length(reason) <= 200))),
    CONSTRAINT audit_denials_repeats_check CHECK ((repeats >= 0))
);
CREATE INDEX audit_denials_since_idx ON public.audit_denials USING btree (since);
ALTER TABLE audit_denials ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_denials_app_delete ON audit_denials FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{system,system}'::text[])));
CREATE POLICY audit_denials_app_insert ON audit_denials FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((actor_user_id = :user) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY audit_denials_app_select ON audit_denials FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND ((actor_user_id = :user) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY audit_denials_app_update ON audit_denials FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND ((actor_user_id = :user) OR (:permissions && '{system,system}'::text[]))))
    WITH CHECK (((tenant_id = :tenant) AND ((actor_user_id = :user) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY audit_denials_purge_delete ON audit_denials FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY audit_denials_purge_select ON audit_denials FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY audit_denials_worker_select ON audit_denials FOR SELECT TO atrium_worker
    USING (true);
GRANT SELECT, INSERT, UPDATE (actor_kind, actor_label, since, last_at, repeats), DELETE ON audit_denials TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON audit_denials TO atrium_purge;
GRANT SELECT (tenant_id, since) ON audit_denials TO atrium_worker;

-- The last link of each tenant's audit chain.
CREATE TABLE audit_heads (
    tenant_id uuid NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    edge bytea[] NOT NULL,
    CONSTRAINT audit_heads_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT audit_heads_edge_check CHECK ((cardinality(edge) <= 64)),
    CONSTRAINT audit_heads_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT audit_heads_seq_check CHECK ((seq >= 0))
);
ALTER TABLE audit_heads ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_heads_app_select ON audit_heads FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{audit.read,system}'::text[])));
CREATE POLICY audit_heads_audit_insert ON audit_heads FOR INSERT TO atrium_audit
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY audit_heads_audit_select ON audit_heads FOR SELECT TO atrium_audit
    USING ((tenant_id = :tenant));
CREATE POLICY audit_heads_audit_update ON audit_heads FOR UPDATE TO atrium_audit
    USING ((tenant_id = :tenant))
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY audit_heads_purge_delete ON audit_heads FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY audit_heads_purge_select ON audit_heads FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY audit_heads_worker_select ON audit_heads FOR SELECT TO atrium_worker
    USING (true);
GRANT SELECT ON audit_heads TO atrium_app;
GRANT SELECT, INSERT, UPDATE (seq, hash, edge) ON audit_heads TO atrium_audit;
GRANT SELECT (tenant_id, seq, hash), DELETE ON audit_heads TO atrium_purge;
GRANT SELECT (tenant_id, seq, edge) ON audit_heads TO atrium_worker;

-- Audit rows. Written by audit_append only, never changed.
CREATE TABLE audit_log (
    tenant_id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    seq bigint NOT NULL,
    actor_user_id uuid,
    actor_kind text NOT NULL,
    actor_label text NOT NULL,
    on_behalf_of uuid,
    ip inet,
    user_agent text,
    request_id uuid,
    action text NOT NULL,
    resource_type text,
    resource_id text,
    outcome text NOT NULL,
    level text NOT NULL,
    changes jsonb,
    metadata jsonb,
    prev_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_log_pkey PRIMARY KEY (tenant_id, at, seq),
    CONSTRAINT audit_log_action_check CHECK ((action ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$'::text)),
    CONSTRAINT audit_log_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['human'::text, 'agent'::text, 'sub_agent'::text, 'service'::text, 'system'::text]))),
    CONSTRAINT audit_log_at_check CHECK (((at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (at < '9999-12-31 00:00:00+00'::timestamp with time zone))) NOT VALID,
    CONSTRAINT audit_log_changes_check CHECK ((octet_length((changes)::text) <= 65536)),
    CONSTRAINT audit_log_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT audit_log_level_check CHECK ((level = ANY (ARRAY['info'::text, 'warning'::text, 'error'::text, 'critical'::text]))),
    CONSTRAINT audit_log_metadata_check CHECK ((octet_length((metadata)::text) <= 65536)),
    CONSTRAINT audit_log_outcome_check CHECK ((outcome = ANY (ARRAY['success'::text, 'denied'::text, 'failure'::text]))),
    CONSTRAINT audit_log_prev_hash_check CHECK ((octet_length(prev_hash) = 32)),
    CONSTRAINT audit_log_seq_check CHECK ((seq > 0))
) PARTITION BY RANGE (at);
CREATE INDEX audit_log_actor_user_id_idx ON ONLY public.audit_log USING btree (tenant_id, actor_user_id, at DESC, seq DESC);
CREATE INDEX audit_log_resource_id_idx ON ONLY public.audit_log USING btree (tenant_id, resource_id, at DESC, seq DESC) WHERE (resource_id IS NOT NULL);
CREATE INDEX audit_log_seq_idx ON ONLY public.audit_log USING btree (tenant_id, seq);
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_log_app_select ON audit_log FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND ((:permissions && '{audit.read,system}'::text[]) OR (actor_user_id = :user) OR ((action = 'break_glass.read'::text) AND ((metadata ->> 'member'::text) = (:user)::text)))));
CREATE POLICY audit_log_audit_insert ON audit_log FOR INSERT TO atrium_audit
    WITH CHECK (((tenant_id = :tenant) AND ((actor_user_id = :user) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY audit_log_purge_delete ON audit_log FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY audit_log_purge_select ON audit_log FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT ON audit_log TO atrium_app;
GRANT INSERT ON audit_log TO atrium_audit;
GRANT SELECT (tenant_id), DELETE ON audit_log TO atrium_purge;

CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;
ALTER TABLE audit_log_default ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;

-- Who may read whose private memories, why and until when.
CREATE TABLE break_glass_grants (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    subject_user_id uuid NOT NULL,
    actor_user_id uuid NOT NULL,
    reason text NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    CONSTRAINT break_glass_grants_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT break_glass_grants_actor_user_id_fkey FOREIGN KEY (tenant_id, actor_user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT break_glass_grants_subject_user_id_fkey FOREIGN KEY (tenant_id, subject_user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT break_glass_grants_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT break_glass_grants_other_check CHECK ((subject_user_id <> actor_user_id)),
    CONSTRAINT break_glass_grants_reason_check CHECK (((char_length(reason) >= 10) AND (char_length(reason) <= 500))),
    CONSTRAINT break_glass_grants_term_check CHECK (((expires_at > opened_at) AND (expires_at <= (opened_at + '04:00:00'::interval))))
);
CREATE INDEX break_glass_grants_actor_idx ON public.break_glass_grants USING btree (tenant_id, actor_user_id, subject_user_id, expires_at DESC);
CREATE INDEX break_glass_grants_subject_idx ON public.break_glass_grants USING btree (tenant_id, subject_user_id, opened_at DESC, id DESC);
ALTER TABLE break_glass_grants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY break_glass_grants_app_insert ON break_glass_grants FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((actor_user_id = :user) AND (:permissions && '{memory.break_glass,system}'::text[]))));
CREATE POLICY break_glass_grants_app_select ON break_glass_grants FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND ((actor_user_id = :user) OR (subject_user_id = :user))));
CREATE POLICY break_glass_grants_app_update ON break_glass_grants FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND ((actor_user_id = :user) AND (:permissions && '{memory.break_glass,system}'::text[]))))
    WITH CHECK (((tenant_id = :tenant) AND ((actor_user_id = :user) AND (:permissions && '{memory.break_glass,system}'::text[]))));
CREATE POLICY break_glass_grants_purge_delete ON break_glass_grants FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY break_glass_grants_purge_select ON break_glass_grants FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (closed_at) ON break_glass_grants TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON break_glass_grants TO atrium_purge;

-- By which model an organisation's memories are found, was before, and will be.
CREATE TABLE embedding_models (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    source text NOT NULL,
    endpoint text,
    base_url text,
    model text NOT NULL,
    dimensions integer NOT NULL,
    is_shortened boolean NOT NULL,
    slot text NOT NULL,
    status text NOT NULL,
    problem text,
    failures integer NOT NULL,
    retry_at timestamp with time zone,
    created_by uuid,
    created_at timestamp with time zone NOT NULL,
    activated_at timestamp with time zone,
    retired_at timestamp with time zone,
    dropped_at timestamp with time zone,
    CONSTRAINT embedding_models_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT embedding_models_created_by_fkey FOREIGN KEY (tenant_id, created_by) REFERENCES users(tenant_id, id),
    CONSTRAINT embedding_models_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT embedding_models_base_url_check CHECK (((char_length(base_url) >= 1) AND (char_length(base_url) <= 2000))),
    CONSTRAINT embedding_models_dimensions_check CHECK (((dimensions >= 64) AND (dimensions <= 4000))),
    CONSTRAINT embedding_models_dropped_check CHECK (((dropped_at IS NULL) OR (status = 'retired'::text))),
    CONSTRAINT embedding_models_endpoint_check CHECK (((char_length(endpoint) >= 1) AND (char_length(endpoint) <= 100))),
    CONSTRAINT embedding_models_failures_check CHECK ((failures >= 0)),
    CONSTRAINT embedding_models_model_check CHECK (((char_length(model) >= 1) AND (char_length(model) <= 200))),
    CONSTRAINT embedding_models_place_check CHECK ((((source = 'endpoint'::text) = (endpoint IS NOT NULL)) AND ((source = 'address'::text) = (base_url IS NOT NULL)))),
    CONSTRAINT embedding_models_problem_at_check CHECK (((problem IS NULL) = (retry_at IS NULL))),
    CONSTRAINT embedding_models_problem_check CHECK (((char_length(problem) >= 1) AND (char_length(problem) <= 500))),
    CONSTRAINT embedding_models_retired_check CHECK (((status = 'retired'::text) = (retired_at IS NOT NULL))),
    CONSTRAINT embedding_models_slot_check CHECK ((slot = ANY (ARRAY['a'::text, 'b'::text]))),
    CONSTRAINT embedding_models_source_check CHECK ((source = ANY (ARRAY['local'::text, 'endpoint'::text, 'address'::text]))),
    CONSTRAINT embedding_models_status_check CHECK ((status = ANY (ARRAY['building'::text, 'paused'::text, 'active'::text, 'retired'::text])))
);
CREATE UNIQUE INDEX embedding_models_active_key ON public.embedding_models USING btree (tenant_id) WHERE (status = 'active'::text);
CREATE UNIQUE INDEX embedding_models_next_key ON public.embedding_models USING btree (tenant_id) WHERE (status = ANY (ARRAY['building'::text, 'paused'::text]));
CREATE UNIQUE INDEX embedding_models_slot_key ON public.embedding_models USING btree (tenant_id, slot) WHERE (dropped_at IS NULL);
ALTER TABLE embedding_models ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY embedding_models_app_insert ON embedding_models FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (((:permissions && '{settings.manage,system}'::text[]) AND (created_by = :user)) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY embedding_models_app_select ON embedding_models FOR SELECT TO atrium_app
    USING ((tenant_id = :tenant));
CREATE POLICY embedding_models_app_update ON embedding_models FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{settings.manage,system}'::text[])))
    WITH CHECK (((tenant_id = :tenant) AND (:permissions && '{settings.manage,system}'::text[])));
CREATE POLICY embedding_models_operator_insert ON embedding_models FOR INSERT TO atrium_operator
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY embedding_models_purge_delete ON embedding_models FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY embedding_models_purge_select ON embedding_models FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY embedding_models_worker_select ON embedding_models FOR SELECT TO atrium_worker
    USING (true);
GRANT SELECT, INSERT, UPDATE (status, problem, failures, retry_at, activated_at, retired_at, dropped_at) ON embedding_models TO atrium_app;
GRANT INSERT ON embedding_models TO atrium_operator;
GRANT SELECT (tenant_id), DELETE ON embedding_models TO atrium_purge;
GRANT SELECT (tenant_id, source, slot, status, retry_at, retired_at, dropped_at) ON embedding_models TO atrium_worker;

-- Which group or app role of the issuer grants which role and team.
CREATE TABLE group_mappings (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    source text NOT NULL,
    group_id text NOT NULL,
    label text NOT NULL,
    role_id uuid,
    team_id uuid,
    priority integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT group_mappings_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT group_mappings_grant_key UNIQUE NULLS NOT DISTINCT (tenant_id, source, group_id, role_id, team_id),
    CONSTRAINT group_mappings_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES roles(tenant_id, id),
    CONSTRAINT group_mappings_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT group_mappings_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT group_mappings_grant_check CHECK ((num_nonnulls(role_id, team_id) > 0)),
    CONSTRAINT group_mappings_group_id_check CHECK (((char_length(group_id) >= 1) AND (char_length(group_id) <= 255))),
    CONSTRAINT group_mappings_label_check CHECK (((char_length(label) >= 1) AND (char_length(label) <= 255))),
    CONSTRAINT group_mappings_priority_check CHECK (((priority >= 0) AND (priority <= 1000))),
    CONSTRAINT group_mappings_source_check CHECK ((source = ANY (ARRAY['group'::text, 'app_role'::text])))
);
CREATE INDEX group_mappings_priority_idx ON public.group_mappings USING btree (tenant_id, priority DESC, group_id, id);
CREATE INDEX group_mappings_role_id_idx ON public.group_mappings USING btree (tenant_id, role_id);
CREATE INDEX group_mappings_team_id_idx ON public.group_mappings USING btree (tenant_id, team_id);
ALTER TABLE group_mappings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY group_mappings_app_delete ON group_mappings FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{group_mapping.manage,system}'::text[])));
CREATE POLICY group_mappings_app_insert ON group_mappings FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (:permissions && '{group_mapping.manage,system}'::text[])));
CREATE POLICY group_mappings_app_select ON group_mappings FOR SELECT TO atrium_app
    USING ((tenant_id = :tenant));
CREATE POLICY group_mappings_app_update ON group_mappings FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{group_mapping.manage,system}'::text[])))
    WITH CHECK (((tenant_id = :tenant) AND (:permissions && '{group_mapping.manage,system}'::text[])));
CREATE POLICY group_mappings_purge_delete ON group_mappings FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY group_mappings_purge_select ON group_mappings FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (source, group_id, label, role_id, team_id, priority, updated_at), DELETE ON group_mappings TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON group_mappings TO atrium_purge;

-- Calls of programs that must not happen twice, and their answers.
CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    answer bytea,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, api_key_id, key),
    CONSTRAINT idempotency_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT idempotency_keys_key_check CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255))),
    CONSTRAINT idempotency_keys_request_hash_check CHECK ((octet_length(request_hash) = 32))
);
CREATE INDEX idempotency_keys_expires_at_idx ON public.idempotency_keys USING btree (expires_at);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY idempotency_keys_app_delete ON idempotency_keys FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY idempotency_keys_app_insert ON idempotency_keys FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY idempotency_keys_app_select ON idempotency_keys FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY idempotency_keys_app_update ON idempotency_keys FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)))
    WITH CHECK (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY idempotency_keys_purge_delete ON idempotency_keys FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY idempotency_keys_purge_select ON idempotency_keys FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY idempotency_keys_worker_delete ON idempotency_keys FOR DELETE TO atrium_worker
    USING (true);
CREATE POLICY idempotency_keys_worker_select ON idempotency_keys FOR SELECT TO atrium_worker
    USING (true);
GRANT SELECT, INSERT, UPDATE (answer), DELETE ON idempotency_keys TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON idempotency_keys TO atrium_purge;
GRANT SELECT (expires_at), DELETE ON idempotency_keys TO atrium_worker;

-- What an issuer calls a person, and which member that is.
CREATE TABLE identities (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    issuer text,
    subject text,
    entra_tid uuid,
    entra_oid uuid,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT identities_entra_key UNIQUE (tenant_id, entra_tid, entra_oid),
    CONSTRAINT identities_subject_key UNIQUE (tenant_id, issuer, subject),
    CONSTRAINT identities_key_check CHECK ((((num_nonnulls(issuer, subject) = 2) AND (num_nonnulls(entra_tid, entra_oid) = 0)) OR ((num_nonnulls(issuer, subject) = 0) AND (num_nonnulls(entra_tid, entra_oid) = 2)))),
    CONSTRAINT identities_length_check CHECK (((char_length(issuer) <= 2000) AND (char_length(subject) <= 255)))
);
CREATE INDEX identities_entra_idx ON public.identities USING btree (entra_tid, entra_oid);
CREATE INDEX identities_subject_idx ON public.identities USING btree (issuer, subject);
CREATE INDEX identities_user_id_idx ON public.identities USING btree (tenant_id, user_id);
ALTER TABLE identities ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY identities_auth_delete ON identities FOR DELETE TO atrium_auth
    USING (true);
CREATE POLICY identities_auth_insert ON identities FOR INSERT TO atrium_auth
    WITH CHECK (true);
CREATE POLICY identities_auth_select ON identities FOR SELECT TO atrium_auth
    USING (true);
CREATE POLICY identities_operator_insert ON identities FOR INSERT TO atrium_operator
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY identities_purge_delete ON identities FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY identities_purge_select ON identities FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, DELETE ON identities TO atrium_auth;
GRANT INSERT ON identities TO atrium_operator;
GRANT SELECT (tenant_id), DELETE ON identities TO atrium_purge;

-- The bytes of files given for import, until every record has been read.
CREATE TABLE import_chunks (
    tenant_id uuid NOT NULL,
    import_id uuid NOT NULL,
    "position" integer NOT NULL,
    user_id uuid NOT NULL,
    bytes bytea STORAGE EXTERNAL NOT NULL,
    CONSTRAINT import_chunks_pkey PRIMARY KEY (tenant_id, import_id, "position"),
    CONSTRAINT import_chunks_import_id_fkey FOREIGN KEY (tenant_id, user_id, import_id) REFERENCES imports(tenant_id, user_id, id),
    CONSTRAINT import_chunks_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT import_chunks_bytes_check CHECK (((octet_length(bytes) >= 1) AND (octet_length(bytes) <= 1048576))),
    CONSTRAINT import_chunks_position_check CHECK ((("position" >= 0) AND ("position" <= 255)))
);
ALTER TABLE import_chunks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY import_chunks_app_delete ON import_chunks FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY import_chunks_app_insert ON import_chunks FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY import_chunks_app_select ON import_chunks FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY import_chunks_purge_delete ON import_chunks FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY import_chunks_purge_select ON import_chunks FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, DELETE ON import_chunks TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON import_chunks TO atrium_purge;

-- Files given for import, and what came of them.
CREATE TABLE imports (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    file_name text NOT NULL,
    format text NOT NULL,
    size bigint NOT NULL,
    sha256 bytea,
    job_id uuid NOT NULL,
    report jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    choice jsonb NOT NULL,
    CONSTRAINT imports_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT imports_user_id_key UNIQUE (tenant_id, user_id, id),
    CONSTRAINT imports_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT imports_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT imports_arrived_check CHECK (((state = 'uploading'::text) OR ((size >= 1) AND (sha256 IS NOT NULL)))),
    CONSTRAINT imports_choice_check CHECK ((octet_length((choice)::text) <= 65536)),
    CONSTRAINT imports_file_name_check CHECK (((char_length(file_name) >= 1) AND (char_length(file_name) <= 255))),
    CONSTRAINT imports_format_check CHECK ((format = ANY (ARRAY['json_lines'::text, 'csv'::text, 'markdown'::text, 'plain_text'::text, 'atrium'::text, 'markdown_zip'::text, 'chatgpt'::text, 'claude'::text, 'mem0'::text]))),
    CONSTRAINT imports_report_check CHECK ((octet_length((report)::text) <= 1048576)),
    CONSTRAINT imports_sha256_check CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT imports_size_check CHECK (((size >= 0) AND (size <= 268435456))),
    CONSTRAINT imports_state_check CHECK ((state = ANY (ARRAY['uploading'::text, 'preview'::text, 'started'::text])))
);
CREATE INDEX imports_created_at_idx ON public.imports USING btree (tenant_id, user_id, created_at DESC, id DESC);
CREATE INDEX imports_sha256_idx ON public.imports USING btree (tenant_id, user_id, sha256);
CREATE INDEX imports_unstarted_idx ON public.imports USING btree (created_at) WHERE (state <> 'started'::text);
ALTER TABLE imports ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY imports_app_delete ON imports FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND ((user_id = :user) AND (state <> 'started'::text))));
CREATE POLICY imports_app_insert ON imports FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY imports_app_select ON imports FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY imports_app_update ON imports FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)))
    WITH CHECK (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY imports_purge_delete ON imports FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY imports_purge_select ON imports FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY imports_worker_select ON imports FOR SELECT TO atrium_worker
    USING (true);
GRANT SELECT, INSERT, UPDATE (format, size, sha256, report, state, choice), DELETE ON imports TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON imports TO atrium_purge;
GRANT SELECT (tenant_id, id, user_id, size, created_at, state) ON imports TO atrium_worker;

-- Links by which people join. Only a hash of each is kept.
CREATE TABLE invites (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    email text,
    token_hash bytea NOT NULL,
    role_id uuid,
    team_id uuid,
    invited_by uuid,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    accepted_at timestamp with time zone,
    accepted_by uuid,
    renewals integer NOT NULL,
    CONSTRAINT invites_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT invites_token_hash_key UNIQUE (tenant_id, token_hash),
    CONSTRAINT invites_accepted_by_fkey FOREIGN KEY (tenant_id, accepted_by) REFERENCES users(tenant_id, id),
    CONSTRAINT invites_invited_by_fkey FOREIGN KEY (tenant_id, invited_by) REFERENCES users(tenant_id, id),
    CONSTRAINT invites_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES roles(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT invites_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT invites_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT invites_accepted_check CHECK ((((status = 'accepted'::text) = (accepted_at IS NOT NULL)) AND ((status = 'accepted'::text) = (accepted_by IS NOT NULL)))),
    CONSTRAINT invites_email_check CHECK (((char_length(email) >= 3) AND (char_length(email) <= 254))),
    CONSTRAINT invites_renewals_check CHECK ((renewals >= 0)),
    CONSTRAINT invites_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'accepted'::text, 'revoked'::text]))),
    CONSTRAINT invites_token_hash_check CHECK ((octet_length(token_hash) = 32))
);
CREATE INDEX invites_created_at_idx ON public.invites USING btree (tenant_id, created_at DESC, id DESC);
CREATE INDEX invites_role_id_idx ON public.invites USING btree (tenant_id, role_id);
CREATE INDEX invites_team_id_idx ON public.invites USING btree (tenant_id, team_id);
CREATE INDEX invites_token_hash_idx ON public.invites USING btree (token_hash);
ALTER TABLE invites ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY invites_app_insert ON invites FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (((:permissions && '{member.invite,system}'::text[]) AND (invited_by = :user)) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY invites_app_select ON invites FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{member.invite,system}'::text[])));
CREATE POLICY invites_app_update ON invites FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (((:permissions && '{member.invite,system}'::text[]) AND (invited_by IS NOT NULL)) OR (:permissions && '{system,system}'::text[]))))
    WITH CHECK (((tenant_id = :tenant) AND (((:permissions && '{member.invite,system}'::text[]) AND (((status = 'pending'::text) AND (invited_by = :user)) OR ((status = 'revoked'::text) AND (invited_by IS NOT NULL)))) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY invites_auth_select ON invites FOR SELECT TO atrium_auth
    USING (true);
CREATE POLICY invites_purge_delete ON invites FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY invites_purge_select ON invites FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT (tenant_id, id, email, role_id, team_id, invited_by, status, created_at, expires_at, accepted_at, accepted_by, renewals), INSERT, UPDATE (token_hash, invited_by, status, expires_at, accepted_at, accepted_by, renewals) ON invites TO atrium_app;
GRANT SELECT (tenant_id, id, token_hash) ON invites TO atrium_auth;
GRANT SELECT (tenant_id), DELETE ON invites TO atrium_purge;

-- Background work, its progress and its outcome.
CREATE TABLE jobs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    actor_user_id uuid NOT NULL,
    kind text NOT NULL,
    status text NOT NULL,
    payload jsonb NOT NULL,
    run_at timestamp with time zone NOT NULL,
    attempts integer NOT NULL,
    max_attempts integer NOT NULL,
    priority integer NOT NULL,
    dedupe_key text,
    locked_by text,
    lease_until timestamp with time zone,
    fence bigint NOT NULL,
    progress_done bigint NOT NULL,
    progress_total bigint NOT NULL,
    error text,
    result jsonb,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT jobs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT jobs_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT jobs_dedupe_key_check CHECK (((char_length(dedupe_key) >= 1) AND (char_length(dedupe_key) <= 200))),
    CONSTRAINT jobs_error_check CHECK ((char_length(error) <= 2000)),
    CONSTRAINT jobs_finished_check CHECK (((status = ANY (ARRAY['completed'::text, 'dead'::text, 'cancelled'::text])) = (finished_at IS NOT NULL))),
    CONSTRAINT jobs_kind_check CHECK ((kind ~ '^[a-z][a-z_.]{0,62}$'::text)),
    CONSTRAINT jobs_lease_check CHECK (((status = 'running'::text) = (lease_until IS NOT NULL))),
    CONSTRAINT jobs_locked_by_check CHECK ((char_length(locked_by) <= 200)),
    CONSTRAINT jobs_max_attempts_check CHECK ((max_attempts >= 1)),
    CONSTRAINT jobs_payload_check CHECK ((octet_length((payload)::text) <= 65536)),
    CONSTRAINT jobs_progress_done_check CHECK ((progress_done >= 0)),
    CONSTRAINT jobs_progress_total_check CHECK ((progress_total >= 0)),
    CONSTRAINT jobs_result_check CHECK ((octet_length((result)::text) <= 65536)),
    CONSTRAINT jobs_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text, 'dead'::text, 'cancelled'::text])))
);
CREATE INDEX jobs_created_at_idx ON public.jobs USING btree (tenant_id, actor_user_id, created_at DESC, id DESC);
CREATE UNIQUE INDEX jobs_dedupe_key ON public.jobs USING btree (tenant_id, actor_user_id, kind, dedupe_key) WHERE ((dedupe_key IS NOT NULL) AND (status = ANY (ARRAY['pending'::text, 'running'::text, 'failed'::text])));
CREATE INDEX jobs_due_idx ON public.jobs USING btree (run_at) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text, 'failed'::text]));
CREATE INDEX jobs_updated_at_idx ON public.jobs USING btree (tenant_id, actor_user_id, updated_at DESC);
ALTER TABLE jobs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY jobs_app_insert ON jobs FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (actor_user_id = :user)));
CREATE POLICY jobs_app_select ON jobs FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (actor_user_id = :user)));
CREATE POLICY jobs_app_update ON jobs FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (actor_user_id = :user)))
    WITH CHECK (((tenant_id = :tenant) AND (actor_user_id = :user)));
CREATE POLICY jobs_operator_select ON jobs FOR SELECT TO atrium_operator
    USING ((tenant_id = :tenant));
CREATE POLICY jobs_purge_delete ON jobs FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY jobs_purge_select ON jobs FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY jobs_worker_select ON jobs FOR SELECT TO atrium_worker
    USING (true);
CREATE POLICY jobs_worker_update ON jobs FOR UPDATE TO atrium_worker
    USING (true)
    WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE (status, run_at, attempts, locked_by, lease_until, fence, progress_done, progress_total, error, result, updated_at, finished_at) ON jobs TO atrium_app;
GRANT SELECT (tenant_id, status) ON jobs TO atrium_operator;
GRANT SELECT (tenant_id), DELETE ON jobs TO atrium_purge;
GRANT SELECT, UPDATE (status, run_at, attempts, locked_by, lease_until, fence, error, updated_at, finished_at) ON jobs TO atrium_worker;

-- Sign-ins on their way to the issuer and back; each row is used once.
CREATE TABLE login_attempts (
    state_hash bytea NOT NULL,
    browser_hash bytea NOT NULL,
    issuer text NOT NULL,
    nonce text NOT NULL,
    pkce_verifier text NOT NULL,
    return_to text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    issuer_name text NOT NULL,
    invite_tenant_id uuid,
    invite_id uuid,
    invite_renewals integer,
    CONSTRAINT login_attempts_pkey PRIMARY KEY (state_hash),
    CONSTRAINT login_attempts_browser_hash_check CHECK ((octet_length(browser_hash) = 32)),
    CONSTRAINT login_attempts_invite_check CHECK ((num_nonnulls(invite_tenant_id, invite_id, invite_renewals) = ANY (ARRAY[0, 3]))),
    CONSTRAINT login_attempts_issuer_check CHECK ((char_length(issuer) <= 2000)),
    CONSTRAINT login_attempts_issuer_name_check CHECK ((char_length(issuer_name) <= 63)),
    CONSTRAINT login_attempts_nonce_check CHECK ((char_length(nonce) <= 200)),
    CONSTRAINT login_attempts_pkce_verifier_check CHECK ((char_length(pkce_verifier) <= 200)),
    CONSTRAINT login_attempts_return_to_check CHECK ((char_length(return_to) <= 2000)),
    CONSTRAINT login_attempts_state_hash_check CHECK ((octet_length(state_hash) = 32))
);
CREATE INDEX login_attempts_expires_at_idx ON public.login_attempts USING btree (expires_at);
ALTER TABLE login_attempts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY login_attempts_auth_delete ON login_attempts FOR DELETE TO atrium_auth
    USING (true);
CREATE POLICY login_attempts_auth_insert ON login_attempts FOR INSERT TO atrium_auth
    WITH CHECK (true);
CREATE POLICY login_attempts_auth_select ON login_attempts FOR SELECT TO atrium_auth
    USING (true);
GRANT SELECT, INSERT, DELETE ON login_attempts TO atrium_auth;

-- Logout tokens that were used; each counts once.
CREATE TABLE logout_tokens (
    id_hash bytea NOT NULL,
    used_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT logout_tokens_pkey PRIMARY KEY (id_hash),
    CONSTRAINT logout_tokens_id_hash_check CHECK ((octet_length(id_hash) = 32))
);
CREATE INDEX logout_tokens_expires_at_idx ON public.logout_tokens USING btree (expires_at);
ALTER TABLE logout_tokens ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY logout_tokens_auth_delete ON logout_tokens FOR DELETE TO atrium_auth
    USING (true);
CREATE POLICY logout_tokens_auth_insert ON logout_tokens FOR INSERT TO atrium_auth
    WITH CHECK (true);
CREATE POLICY logout_tokens_auth_select ON logout_tokens FOR SELECT TO atrium_auth
    USING (true);
GRANT SELECT, INSERT, DELETE ON logout_tokens TO atrium_auth;

-- What members and agents want to have at hand later.
CREATE TABLE memories (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    memory_type text NOT NULL GENERATED ALWAYS AS (
CASE kind
    WHEN 'event'::text THEN 'episodic'::text
    WHEN 'skill_note'::text THEN 'procedural'::text
    ELSE 'semantic'::text
END) STORED,
    title text NOT NULL,
    content text NOT NULL,
    tags text[] NOT NULL,
    visibility text NOT NULL,
    team_id uuid,
    origin text NOT NULL,
    source_digest bytea,
    importance real NOT NULL,
    version integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    shared_at timestamp with time zone,
    search tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('english'::regconfig, memory_words(((((title || ' '::text) || memory_tags_text(tags)) || ' '::text) || content)))) STORED,
    embedding_a halfvec,
    expires_at timestamp with time zone,
    term text NOT NULL GENERATED ALWAYS AS (
CASE
    WHEN (expires_at IS NULL) THEN 'long'::text
    ELSE 'short'::text
END) STORED,
    persona_id uuid,
    parent_id uuid,
    allowed_vendors text[] NOT NULL,
    source_session_id text,
    embedding_b halfvec,
    source_url text,
    source_host text GENERATED ALWAYS AS ("substring"(source_url, '^https?://(\[[^]]*\]|[^/:?#]+)'::text)) STORED,
    CONSTRAINT memories_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT memories_source_digest_key UNIQUE (tenant_id, user_id, source_digest),
    CONSTRAINT memories_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES memories(tenant_id, id),
    CONSTRAINT memories_persona_id_fkey FOREIGN KEY (tenant_id, user_id, persona_id) REFERENCES personas(tenant_id, user_id, id),
    CONSTRAINT memories_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT memories_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT memories_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT memories_allowed_vendors_check CHECK (((cardinality(allowed_vendors) <= 20) AND (array_position(allowed_vendors, NULL::text) IS NULL))),
    CONSTRAINT memories_allowed_vendors_known_check CHECK ((allowed_vendors <@ '{*,chatgpt,claude,cursor,copilot,gemini,other}'::text[])),
    CONSTRAINT memories_content_check CHECK (((octet_length(content) >= 1) AND (octet_length(content) <= 100000))),
    CONSTRAINT memories_embedding_a_check CHECK ((vector_dims(embedding_a) = ANY (ARRAY[384, 768, 1536, 3072, 4000]))),
    CONSTRAINT memories_embedding_b_check CHECK ((vector_dims(embedding_b) = ANY (ARRAY[384, 768, 1536, 3072, 4000]))),
    CONSTRAINT memories_importance_check CHECK (((importance >= (0)::double precision) AND (importance <= (1)::double precision))),
    CONSTRAINT memories_kind_check CHECK ((kind = ANY (ARRAY['fact'::text, 'preference'::text, 'event'::text, 'skill_note'::text, 'context'::text]))),
    CONSTRAINT memories_origin_check CHECK ((origin = ANY (ARRAY['dashboard'::text, 'import'::text, 'api'::text, 'mcp'::text, 'chatgpt'::text, 'claude'::text, 'cursor'::text, 'copilot'::text, 'gemini'::text, 'agent'::text]))),
    CONSTRAINT memories_parent_check CHECK ((parent_id <> id)),
    CONSTRAINT memories_source_digest_check CHECK ((octet_length(source_digest) = 32)),
    CONSTRAINT memories_source_session_id_check CHECK (((char_length(source_session_id) >= 1) AND (char_length(source_session_id) <= 200))),
    CONSTRAINT memories_source_url_check CHECK (((source_url ~ '^https?://[^/]'::text) AND (char_length(source_url) <= 2000))),
    CONSTRAINT memories_tags_check CHECK (((cardinality(tags) <= 20) AND (array_position(tags, NULL::text) IS NULL))),
    CONSTRAINT memories_team_check CHECK (((visibility = 'team'::text) = (team_id IS NOT NULL))),
    CONSTRAINT memories_title_check CHECK ((char_length(title) <= 200)),
    CONSTRAINT memories_version_check CHECK ((version >= 1)),
    CONSTRAINT memories_visibility_check CHECK ((visibility = ANY (ARRAY['private'::text, 'team'::text, 'org'::text])))
);
CREATE INDEX memories_deleted_at_idx ON public.memories USING btree (tenant_id, deleted_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX memories_embedding_a_1536_idx ON public.memories USING hnsw (((embedding_a)::halfvec(1536)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_a) = 1536);
CREATE INDEX memories_embedding_a_3072_idx ON public.memories USING hnsw (((embedding_a)::halfvec(3072)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_a) = 3072);
CREATE INDEX memories_embedding_a_384_idx ON public.memories USING hnsw (((embedding_a)::halfvec(384)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_a) = 384);
CREATE INDEX memories_embedding_a_4000_idx ON public.memories USING hnsw (((embedding_a)::halfvec(4000)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_a) = 4000);
CREATE INDEX memories_embedding_a_768_idx ON public.memories USING hnsw (((embedding_a)::halfvec(768)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_a) = 768);
CREATE INDEX memories_embedding_b_1536_idx ON public.memories USING hnsw (((embedding_b)::halfvec(1536)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_b) = 1536);
CREATE INDEX memories_embedding_b_3072_idx ON public.memories USING hnsw (((embedding_b)::halfvec(3072)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_b) = 3072);
CREATE INDEX memories_embedding_b_384_idx ON public.memories USING hnsw (((embedding_b)::halfvec(384)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_b) = 384);
CREATE INDEX memories_embedding_b_4000_idx ON public.memories USING hnsw (((embedding_b)::halfvec(4000)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_b) = 4000);
CREATE INDEX memories_embedding_b_768_idx ON public.memories USING hnsw (((embedding_b)::halfvec(768)) halfvec_cosine_ops) WITH (m='16', ef_construction='64') WHERE (vector_dims(embedding_b) = 768);
CREATE INDEX memories_expires_at_idx ON public.memories USING btree (tenant_id, expires_at) WHERE ((expires_at IS NOT NULL) AND (deleted_at IS NULL));
CREATE INDEX memories_own_created_idx ON public.memories USING btree (tenant_id, user_id, created_at, id) INCLUDE (visibility, team_id, deleted_at, allowed_vendors) WHERE (deleted_at IS NULL);
CREATE INDEX memories_own_idx ON public.memories USING btree (tenant_id, user_id, updated_at DESC, id DESC) WHERE (deleted_at IS NULL);
CREATE INDEX memories_parent_id_idx ON public.memories USING btree (tenant_id, parent_id, created_at, id) WHERE (parent_id IS NOT NULL);
CREATE INDEX memories_persona_id_idx ON public.memories USING btree (tenant_id, user_id, persona_id) WHERE (persona_id IS NOT NULL);
CREATE INDEX memories_search_idx ON public.memories USING gin (search);
CREATE INDEX memories_shared_created_idx ON public.memories USING btree (tenant_id, created_at, id) INCLUDE (user_id, visibility, team_id, deleted_at, allowed_vendors) WHERE ((deleted_at IS NULL) AND (visibility <> 'private'::text));
CREATE INDEX memories_shared_idx ON public.memories USING btree (tenant_id, updated_at DESC, id DESC) WHERE ((deleted_at IS NULL) AND (visibility <> 'private'::text));
CREATE INDEX memories_source_session_id_idx ON public.memories USING btree (tenant_id, user_id, source_session_id) WHERE (source_session_id IS NOT NULL);
CREATE INDEX memories_team_id_idx ON public.memories USING btree (tenant_id, team_id) WHERE (team_id IS NOT NULL);
CREATE INDEX memories_trash_created_idx ON public.memories USING btree (tenant_id, user_id, created_at, id) WHERE (deleted_at IS NOT NULL);
CREATE INDEX memories_trash_idx ON public.memories USING btree (tenant_id, user_id, updated_at DESC, id DESC) WHERE (deleted_at IS NOT NULL);
CREATE INDEX memories_waiting_a_idx ON public.memories USING btree (tenant_id, user_id, id) WHERE ((embedding_a IS NULL) AND (deleted_at IS NULL));
CREATE INDEX memories_waiting_b_idx ON public.memories USING btree (tenant_id, user_id, id) WHERE ((embedding_b IS NULL) AND (deleted_at IS NULL));
ALTER TABLE memories ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY memories_app_insert ON memories FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((user_id = :user) AND (visibility = 'private'::text) AND (shared_at IS NULL) AND ((:vendor IS NULL) OR (allowed_vendors && ARRAY['*'::text, :vendor])))));
CREATE POLICY memories_app_select ON memories FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (((user_id = :user) OR ((deleted_at IS NULL) AND ((visibility = 'org'::text) OR ((visibility = 'team'::text) AND (team_id = ANY (:teams::uuid[])))))) AND ((:vendor IS NULL) OR (allowed_vendors && ARRAY['*'::text, :vendor])))));
CREATE POLICY memories_app_select_break_glass ON memories FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND ((:break_glass IS NOT NULL) AND (user_id = :break_glass) AND (visibility = 'private'::text) AND (deleted_at IS NULL) AND (:permissions && '{memory.break_glass,system}'::text[]))));
CREATE POLICY memories_app_update ON memories FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)))
    WITH CHECK (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY memories_handover_select ON memories FOR SELECT TO atrium_handover
    USING (((tenant_id = :tenant) AND (:permissions && '{team.manage,member.manage,system}'::text[])));
CREATE POLICY memories_handover_update ON memories FOR UPDATE TO atrium_handover
    USING (((tenant_id = :tenant) AND (:permissions && '{team.manage,member.manage,system}'::text[])))
    WITH CHECK (((tenant_id = :tenant) AND (:permissions && '{team.manage,member.manage,system}'::text[])));
CREATE POLICY memories_operator_select ON memories FOR SELECT TO atrium_operator
    USING ((tenant_id = :tenant));
CREATE POLICY memories_purge_delete ON memories FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memories_purge_select ON memories FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memories_search_select ON memories FOR SELECT TO atrium_search
    USING (true);
CREATE POLICY memories_sharing_select ON memories FOR SELECT TO atrium_sharing
    USING (((tenant_id = :tenant) AND ((user_id = :user) OR (parent_id IS NOT NULL) OR (:permissions && '{memory.review,system}'::text[]) OR ((:permissions && '{memory.share,system}'::text[]) AND (:led <> '{}'::uuid[])) OR (visibility = 'org'::text) OR ((visibility = 'team'::text) AND (team_id = ANY (:teams::uuid[]))))));
CREATE POLICY memories_sharing_update ON memories FOR UPDATE TO atrium_sharing
    USING (((tenant_id = :tenant) AND ((user_id = :user) OR (parent_id IS NOT NULL) OR (:permissions && '{memory.review,system}'::text[]) OR ((:permissions && '{memory.share,system}'::text[]) AND (:led <> '{}'::uuid[])) OR (visibility = 'org'::text) OR ((visibility = 'team'::text) AND (team_id = ANY (:teams::uuid[]))))))
    WITH CHECK (((tenant_id = :tenant) AND ((user_id = :user) OR ((visibility <> 'private'::text) AND (:permissions && '{memory.review,system}'::text[])) OR ((visibility = 'team'::text) AND (team_id = ANY (:led::uuid[])) AND (:permissions && '{memory.share,system}'::text[])) OR (parent_id IS NOT NULL))));
CREATE POLICY memories_trash_delete ON memories FOR DELETE TO atrium_trash
    USING (((tenant_id = :tenant) AND ((deleted_at IS NOT NULL) AND ((user_id = :user) OR (parent_id IS NOT NULL) OR (:permissions && '{system,system}'::text[])))));
CREATE POLICY memories_trash_select ON memories FOR SELECT TO atrium_trash
    USING (((tenant_id = :tenant) AND ((user_id = :user) OR (parent_id IS NOT NULL) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY memories_trash_update ON memories FOR UPDATE TO atrium_trash
    USING (((tenant_id = :tenant) AND ((parent_id IS NOT NULL) OR ((:permissions && '{system,system}'::text[]) AND (expires_at IS NOT NULL)))))
    WITH CHECK (((tenant_id = :tenant) AND ((parent_id IS NOT NULL) OR ((:permissions && '{system,system}'::text[]) AND (expires_at IS NOT NULL)))));
CREATE POLICY memories_worker_select ON memories FOR SELECT TO atrium_worker
    USING (true);
GRANT SELECT, INSERT, UPDATE (updated_at, deleted_at, embedding_a, expires_at, persona_id, embedding_b) ON memories TO atrium_app;
GRANT SELECT (tenant_id, id, user_id, kind, title, content, tags, visibility, team_id, origin, source_digest, version, deleted_at, persona_id), UPDATE (user_id, visibility, team_id, source_digest, version, updated_at, shared_at, persona_id) ON memories TO atrium_handover;
GRANT SELECT (tenant_id, deleted_at) ON memories TO atrium_operator;
GRANT SELECT (tenant_id), DELETE ON memories TO atrium_purge;
GRANT SELECT ON memories TO atrium_search;
GRANT SELECT, UPDATE (kind, title, content, tags, visibility, team_id, importance, version, updated_at, shared_at, embedding_a, expires_at, allowed_vendors, embedding_b, source_url) ON memories TO atrium_sharing;
GRANT SELECT (tenant_id, id, user_id, visibility, team_id, deleted_at, shared_at, expires_at, parent_id, allowed_vendors), UPDATE (visibility, team_id, deleted_at, shared_at, expires_at, allowed_vendors), DELETE ON memories TO atrium_trash;
GRANT SELECT (tenant_id, deleted_at, expires_at) ON memories TO atrium_worker;

-- How large each organisation's collection is, counted in the background.
CREATE TABLE memory_collections (
    tenant_id uuid NOT NULL,
    memories bigint NOT NULL,
    counted_at timestamp with time zone NOT NULL,
    lexemes_from bigint,
    lexemes_at timestamp with time zone,
    CONSTRAINT memory_collections_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT memory_collections_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT memory_collections_lexemes_check CHECK ((num_nonnulls(lexemes_from, lexemes_at) = ANY (ARRAY[0, 2]))),
    CONSTRAINT memory_collections_memories_check CHECK ((memories >= 0))
);
ALTER TABLE memory_collections ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY memory_collections_purge_delete ON memory_collections FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memory_collections_purge_select ON memory_collections FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memory_collections_search_insert ON memory_collections FOR INSERT TO atrium_search
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY memory_collections_search_select ON memory_collections FOR SELECT TO atrium_search
    USING ((tenant_id = :tenant));
CREATE POLICY memory_collections_search_update ON memory_collections FOR UPDATE TO atrium_search
    USING ((tenant_id = :tenant))
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY memory_collections_worker_select ON memory_collections FOR SELECT TO atrium_worker
    USING (true);
GRANT SELECT (tenant_id), DELETE ON memory_collections TO atrium_purge;
GRANT SELECT, INSERT, UPDATE (memories, counted_at, lexemes_from, lexemes_at) ON memory_collections TO atrium_search;
GRANT SELECT (tenant_id, counted_at) ON memory_collections TO atrium_worker;

-- About how many of an organisation's memories have a word; those that few have are left out.
CREATE TABLE memory_lexemes (
    tenant_id uuid NOT NULL,
    lexeme text COLLATE "C" NOT NULL,
    memories bigint NOT NULL,
    CONSTRAINT memory_lexemes_pkey PRIMARY KEY (tenant_id, lexeme),
    CONSTRAINT memory_lexemes_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT memory_lexemes_memories_check CHECK ((memories >= 1))
);
ALTER TABLE memory_lexemes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY memory_lexemes_purge_delete ON memory_lexemes FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memory_lexemes_purge_select ON memory_lexemes FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memory_lexemes_search_delete ON memory_lexemes FOR DELETE TO atrium_search
    USING ((tenant_id = :tenant));
CREATE POLICY memory_lexemes_search_insert ON memory_lexemes FOR INSERT TO atrium_search
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY memory_lexemes_search_select ON memory_lexemes FOR SELECT TO atrium_search
    USING ((tenant_id = :tenant));
GRANT SELECT (tenant_id), DELETE ON memory_lexemes TO atrium_purge;
GRANT SELECT, INSERT, DELETE ON memory_lexemes TO atrium_search;

-- Memories that their owners want to be shared, for those who decide it.
CREATE TABLE memory_proposals (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    memory_id uuid NOT NULL,
    memory_version integer NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    tags text[] NOT NULL,
    proposed_by uuid NOT NULL,
    to_visibility text NOT NULL,
    team_id uuid,
    team_name text,
    comment text NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    reviewed_by uuid,
    review_comment text,
    reviewed_at timestamp with time zone,
    replaces jsonb,
    attributes jsonb NOT NULL,
    CONSTRAINT memory_proposals_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT memory_proposals_memory_id_fkey FOREIGN KEY (tenant_id, memory_id) REFERENCES memories(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT memory_proposals_proposed_by_fkey FOREIGN KEY (tenant_id, proposed_by) REFERENCES users(tenant_id, id),
    CONSTRAINT memory_proposals_reviewed_by_fkey FOREIGN KEY (tenant_id, reviewed_by) REFERENCES users(tenant_id, id),
    CONSTRAINT memory_proposals_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id),
    CONSTRAINT memory_proposals_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT memory_proposals_attributes_check CHECK (((jsonb_typeof(attributes) = 'object'::text) AND (octet_length((attributes)::text) <= 100000))),
    CONSTRAINT memory_proposals_comment_check CHECK ((char_length(comment) <= 1000)),
    CONSTRAINT memory_proposals_memory_version_check CHECK ((memory_version >= 1)),
    CONSTRAINT memory_proposals_other_check CHECK ((reviewed_by <> proposed_by)),
    CONSTRAINT memory_proposals_replaces_check CHECK ((octet_length((replaces)::text) <= 1048576)),
    CONSTRAINT memory_proposals_review_comment_check CHECK ((char_length(review_comment) <= 1000)),
    CONSTRAINT memory_proposals_reviewed_check CHECK ((((status = 'pending'::text) = (reviewed_at IS NULL)) AND ((status = ANY (ARRAY['accepted'::text, 'declined'::text])) = (reviewed_by IS NOT NULL)))),
    CONSTRAINT memory_proposals_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'accepted'::text, 'declined'::text, 'withdrawn'::text]))),
    CONSTRAINT memory_proposals_team_check CHECK ((((to_visibility = 'team'::text) = (team_name IS NOT NULL)) AND ((team_id IS NULL) OR (to_visibility = 'team'::text)) AND ((team_id IS NOT NULL) OR (to_visibility = 'org'::text) OR (status <> 'pending'::text)))),
    CONSTRAINT memory_proposals_team_name_check CHECK (((char_length(team_name) >= 1) AND (char_length(team_name) <= 100))),
    CONSTRAINT memory_proposals_to_visibility_check CHECK ((to_visibility = ANY (ARRAY['team'::text, 'org'::text])))
);
CREATE INDEX memory_proposals_memory_id_idx ON public.memory_proposals USING btree (tenant_id, memory_id);
CREATE UNIQUE INDEX memory_proposals_pending_idx ON public.memory_proposals USING btree (tenant_id, memory_id) WHERE (status = 'pending'::text);
CREATE INDEX memory_proposals_proposed_by_idx ON public.memory_proposals USING btree (tenant_id, proposed_by, created_at DESC, id DESC);
CREATE INDEX memory_proposals_reviewed_by_idx ON public.memory_proposals USING btree (tenant_id, reviewed_by, created_at DESC, id DESC) WHERE (reviewed_by IS NOT NULL);
CREATE INDEX memory_proposals_team_id_idx ON public.memory_proposals USING btree (tenant_id, team_id) WHERE (team_id IS NOT NULL);
CREATE INDEX memory_proposals_waiting_idx ON public.memory_proposals USING btree (tenant_id, created_at DESC, id DESC) WHERE (status = 'pending'::text);
ALTER TABLE memory_proposals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY memory_proposals_app_insert ON memory_proposals FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((proposed_by = :user) AND (status = 'pending'::text) AND (:permissions && '{memory.share,system}'::text[]) AND ((to_visibility = 'org'::text) OR (team_id = ANY (:teams::uuid[]))))));
CREATE POLICY memory_proposals_app_select ON memory_proposals FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (((proposed_by = :user) OR (reviewed_by = :user) OR ((status = 'pending'::text) AND (proposed_by <> :user) AND ((:permissions && '{memory.review,system}'::text[]) OR ((:permissions && '{memory.share,system}'::text[]) AND (team_id = ANY (:led::uuid[])))))) AND ((:vendor IS NULL) OR (((attributes -> 'allowed_vendors'::text) ?| ARRAY['*'::text, :vendor]) AND ((replaces IS NULL) OR ((replaces -> 'allowed_vendors'::text) ?| ARRAY['*'::text, :vendor])))))));
CREATE POLICY memory_proposals_handover_select ON memory_proposals FOR SELECT TO atrium_handover
    USING (((tenant_id = :tenant) AND (:permissions && '{team.manage,member.manage,system}'::text[])));
CREATE POLICY memory_proposals_handover_update ON memory_proposals FOR UPDATE TO atrium_handover
    USING (((tenant_id = :tenant) AND (:permissions && '{team.manage,member.manage,system}'::text[])))
    WITH CHECK (((tenant_id = :tenant) AND (:permissions && '{team.manage,member.manage,system}'::text[])));
CREATE POLICY memory_proposals_purge_delete ON memory_proposals FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memory_proposals_purge_select ON memory_proposals FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memory_proposals_sharing_select ON memory_proposals FOR SELECT TO atrium_sharing
    USING (((tenant_id = :tenant) AND ((proposed_by = :user) OR (:permissions && '{memory.review,system}'::text[]) OR ((:permissions && '{memory.share,system}'::text[]) AND (team_id = ANY (:led::uuid[]))))));
CREATE POLICY memory_proposals_sharing_update ON memory_proposals FOR UPDATE TO atrium_sharing
    USING (((tenant_id = :tenant) AND ((proposed_by = :user) OR (:permissions && '{memory.review,system}'::text[]) OR ((:permissions && '{memory.share,system}'::text[]) AND (team_id = ANY (:led::uuid[]))))))
    WITH CHECK (((tenant_id = :tenant) AND ((proposed_by = :user) OR (:permissions && '{memory.review,system}'::text[]) OR ((:permissions && '{memory.share,system}'::text[]) AND (team_id = ANY (:led::uuid[]))))));
GRANT SELECT, INSERT ON memory_proposals TO atrium_app;
GRANT SELECT (tenant_id, id, proposed_by, team_id, status, review_comment, reviewed_at), UPDATE (team_id, status, review_comment, reviewed_at) ON memory_proposals TO atrium_handover;
GRANT SELECT (tenant_id), DELETE ON memory_proposals TO atrium_purge;
GRANT SELECT, UPDATE (status, reviewed_by, review_comment, reviewed_at) ON memory_proposals TO atrium_sharing;

-- Memories as they were before each change. Append-only.
CREATE TABLE memory_versions (
    tenant_id uuid NOT NULL,
    memory_id uuid NOT NULL,
    version integer NOT NULL,
    user_id uuid NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    tags text[] NOT NULL,
    visibility text NOT NULL,
    origin text NOT NULL,
    changed_by uuid NOT NULL,
    changed_at timestamp with time zone NOT NULL,
    change_reason text,
    team_id uuid,
    CONSTRAINT memory_versions_pkey PRIMARY KEY (tenant_id, memory_id, version),
    CONSTRAINT memory_versions_changed_by_fkey FOREIGN KEY (tenant_id, changed_by) REFERENCES users(tenant_id, id),
    CONSTRAINT memory_versions_memory_id_fkey FOREIGN KEY (tenant_id, memory_id) REFERENCES memories(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT memory_versions_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT memory_versions_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT memory_versions_change_reason_check CHECK ((char_length(change_reason) <= 500)),
    CONSTRAINT memory_versions_version_check CHECK ((version >= 1))
);
ALTER TABLE memory_versions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY memory_versions_app_insert ON memory_versions FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((user_id = :user) AND (changed_by = :user))));
CREATE POLICY memory_versions_app_select ON memory_versions FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY memory_versions_handover_insert ON memory_versions FOR INSERT TO atrium_handover
    WITH CHECK (((tenant_id = :tenant) AND ((changed_by = :user) AND (:permissions && '{team.manage,member.manage,system}'::text[]))));
CREATE POLICY memory_versions_purge_delete ON memory_versions FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memory_versions_purge_select ON memory_versions FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memory_versions_sharing_insert ON memory_versions FOR INSERT TO atrium_sharing
    WITH CHECK (((tenant_id = :tenant) AND (changed_by = :user)));
GRANT SELECT, INSERT ON memory_versions TO atrium_app;
GRANT INSERT ON memory_versions TO atrium_handover;
GRANT SELECT (tenant_id), DELETE ON memory_versions TO atrium_purge;
GRANT INSERT ON memory_versions TO atrium_sharing;

-- Saved questions and filters of members, each seen by its owner alone.
CREATE TABLE memory_views (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    sort_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
    query jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT memory_views_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT memory_views_name_key UNIQUE (tenant_id, user_id, sort_name),
    CONSTRAINT memory_views_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT memory_views_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT memory_views_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 60))),
    CONSTRAINT memory_views_query_check CHECK (((jsonb_typeof(query) = 'object'::text) AND (octet_length((query)::text) <= 16384)))
);
ALTER TABLE memory_views ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY memory_views_app_delete ON memory_views FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND ((user_id = :user) AND (:permissions && '{memory.read,system}'::text[]))));
CREATE POLICY memory_views_app_insert ON memory_views FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((user_id = :user) AND (:permissions && '{memory.read,system}'::text[]))));
CREATE POLICY memory_views_app_select ON memory_views FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY memory_views_app_update ON memory_views FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND ((user_id = :user) AND (:permissions && '{memory.read,system}'::text[]))))
    WITH CHECK (((tenant_id = :tenant) AND ((user_id = :user) AND (:permissions && '{memory.read,system}'::text[]))));
CREATE POLICY memory_views_purge_delete ON memory_views FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY memory_views_purge_select ON memory_views FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (name, updated_at), DELETE ON memory_views TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON memory_views TO atrium_purge;

-- What members are told on their own page.
CREATE TABLE notifications (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_by uuid,
    kind text NOT NULL,
    data jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    read_at timestamp with time zone,
    CONSTRAINT notifications_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT notifications_created_by_fkey FOREIGN KEY (tenant_id, created_by) REFERENCES users(tenant_id, id),
    CONSTRAINT notifications_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT notifications_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT notifications_data_check CHECK (((jsonb_typeof(data) = 'object'::text) AND (octet_length((data)::text) <= 8192))),
    CONSTRAINT notifications_kind_check CHECK ((kind ~ '^[a-z][a-z0-9_]{0,62}$'::text))
);
CREATE INDEX notifications_unread_idx ON public.notifications USING btree (tenant_id, user_id) WHERE (read_at IS NULL);
CREATE INDEX notifications_user_id_idx ON public.notifications USING btree (tenant_id, user_id, created_at DESC, id DESC);
ALTER TABLE notifications ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY notifications_app_insert ON notifications FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (((:permissions && '{system,system}'::text[]) AND (created_by IS NULL)) OR ((created_by = :user) AND (((kind = 'break_glass_opened'::text) AND (:permissions && '{memory.break_glass,system}'::text[])) OR ((kind = 'memory_proposed'::text) AND (:permissions && '{memory.share,system}'::text[])) OR ((kind = 'memory_proposal_decided'::text) AND (:permissions && '{memory.share,memory.review,system}'::text[])))))));
CREATE POLICY notifications_app_select ON notifications FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY notifications_app_update ON notifications FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)))
    WITH CHECK (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY notifications_purge_delete ON notifications FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY notifications_purge_select ON notifications FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (read_at) ON notifications TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON notifications TO atrium_purge;

-- Contexts of a member, such as work and home, that memories may belong to.
CREATE TABLE personas (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT personas_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT personas_name_key UNIQUE (tenant_id, user_id, name),
    CONSTRAINT personas_user_id_key UNIQUE (tenant_id, user_id, id),
    CONSTRAINT personas_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT personas_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT personas_description_check CHECK ((char_length(description) <= 500)),
    CONSTRAINT personas_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 50)))
);
ALTER TABLE personas ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY personas_app_delete ON personas FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY personas_app_insert ON personas FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY personas_app_select ON personas FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY personas_app_update ON personas FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (user_id = :user)))
    WITH CHECK (((tenant_id = :tenant) AND (user_id = :user)));
CREATE POLICY personas_purge_delete ON personas FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY personas_purge_select ON personas FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (name, description, updated_at), DELETE ON personas TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON personas TO atrium_purge;

-- Members who also run the installation. Named on the command line only.
CREATE TABLE platform_operators (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    granted_at timestamp with time zone NOT NULL,
    CONSTRAINT platform_operators_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT platform_operators_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT platform_operators_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
);
ALTER TABLE platform_operators ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY platform_operators_app_select ON platform_operators FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND ((user_id = :user) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY platform_operators_operator_delete ON platform_operators FOR DELETE TO atrium_operator
    USING ((tenant_id = :tenant));
CREATE POLICY platform_operators_operator_insert ON platform_operators FOR INSERT TO atrium_operator
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY platform_operators_operator_select ON platform_operators FOR SELECT TO atrium_operator
    USING ((tenant_id = :tenant));
CREATE POLICY platform_operators_purge_delete ON platform_operators FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY platform_operators_purge_select ON platform_operators FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT ON platform_operators TO atrium_app;
GRANT SELECT, INSERT, DELETE ON platform_operators TO atrium_operator;
GRANT SELECT (tenant_id), DELETE ON platform_operators TO atrium_purge;

-- Named sets of permissions. System roles come with the tenant and never change.
CREATE TABLE roles (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    permissions text[] NOT NULL,
    is_system boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    version integer NOT NULL,
    CONSTRAINT roles_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT roles_key_key UNIQUE (tenant_id, key),
    CONSTRAINT roles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT roles_description_check CHECK ((char_length(description) <= 500)),
    CONSTRAINT roles_key_check CHECK ((key ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT roles_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT roles_permissions_check CHECK ((array_position(permissions, NULL::text) IS NULL)),
    CONSTRAINT roles_system_permissions_check CHECK (((NOT is_system) OR (permissions = '{}'::text[]))),
    CONSTRAINT roles_version_check CHECK ((version >= 1))
);
ALTER TABLE roles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY roles_app_delete ON roles FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND ((:permissions && '{role.manage,system}'::text[]) AND (NOT is_system))));
CREATE POLICY roles_app_insert ON roles FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((:permissions && '{role.manage,system}'::text[]) AND (NOT is_system))));
CREATE POLICY roles_app_select ON roles FOR SELECT TO atrium_app
    USING ((tenant_id = :tenant));
CREATE POLICY roles_app_update ON roles FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND ((:permissions && '{role.manage,system}'::text[]) AND (NOT is_system))))
    WITH CHECK (((tenant_id = :tenant) AND ((:permissions && '{role.manage,system}'::text[]) AND (NOT is_system))));
CREATE POLICY roles_operator_insert ON roles FOR INSERT TO atrium_operator
    WITH CHECK ((tenant_id = :tenant));
CREATE POLICY roles_operator_select ON roles FOR SELECT TO atrium_operator
    USING ((tenant_id = :tenant));
CREATE POLICY roles_purge_delete ON roles FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY roles_purge_select ON roles FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (name, description, permissions, updated_at, version), DELETE ON roles TO atrium_app;
GRANT SELECT, INSERT ON roles TO atrium_operator;
GRANT SELECT (tenant_id), DELETE ON roles TO atrium_purge;

-- Who belongs to which team.
CREATE TABLE team_members (
    tenant_id uuid NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    added_at timestamp with time zone NOT NULL,
    source text NOT NULL,
    CONSTRAINT team_members_pkey PRIMARY KEY (tenant_id, team_id, user_id, source),
    CONSTRAINT team_members_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams(tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT team_members_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT team_members_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT team_members_role_check CHECK ((role = ANY (ARRAY['lead'::text, 'member'::text]))),
    CONSTRAINT team_members_source_check CHECK ((source = ANY (ARRAY['manual'::text, 'group'::text, 'app_role'::text])))
);
CREATE INDEX team_members_user_id_idx ON public.team_members USING btree (tenant_id, user_id);
ALTER TABLE team_members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY team_members_app_delete ON team_members FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND ((:permissions && '{team.manage,member.manage,system}'::text[]) OR ((:permissions && '{team.lead,system}'::text[]) AND (team_id = ANY (:led::uuid[]))))));
CREATE POLICY team_members_app_insert ON team_members FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((:permissions && '{team.manage,system}'::text[]) OR ((:permissions && '{team.lead,system}'::text[]) AND (team_id = ANY (:led::uuid[]))))));
CREATE POLICY team_members_app_select ON team_members FOR SELECT TO atrium_app
    USING ((tenant_id = :tenant));
CREATE POLICY team_members_app_update ON team_members FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND ((:permissions && '{team.manage,system}'::text[]) OR ((:permissions && '{team.lead,system}'::text[]) AND (team_id = ANY (:led::uuid[]))))))
    WITH CHECK (((tenant_id = :tenant) AND ((:permissions && '{team.manage,system}'::text[]) OR ((:permissions && '{team.lead,system}'::text[]) AND (team_id = ANY (:led::uuid[]))))));
CREATE POLICY team_members_purge_delete ON team_members FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY team_members_purge_select ON team_members FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (role), DELETE ON team_members TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON team_members TO atrium_purge;

-- Groups of members that share memories.
CREATE TABLE teams (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    sort_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
    CONSTRAINT teams_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT teams_name_key UNIQUE (tenant_id, name),
    CONSTRAINT teams_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT teams_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100)))
);
CREATE INDEX teams_sort_name_idx ON public.teams USING btree (tenant_id, sort_name, id);
ALTER TABLE teams ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY teams_app_delete ON teams FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{team.manage,system}'::text[])));
CREATE POLICY teams_app_insert ON teams FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (:permissions && '{team.manage,system}'::text[])));
CREATE POLICY teams_app_select ON teams FOR SELECT TO atrium_app
    USING ((tenant_id = :tenant));
CREATE POLICY teams_app_update ON teams FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND ((:permissions && '{team.manage,system}'::text[]) OR ((:permissions && '{team.lead,system}'::text[]) AND (id = ANY (:led::uuid[]))))))
    WITH CHECK (((tenant_id = :tenant) AND ((:permissions && '{team.manage,system}'::text[]) OR ((:permissions && '{team.lead,system}'::text[]) AND (id = ANY (:led::uuid[]))))));
CREATE POLICY teams_purge_delete ON teams FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY teams_purge_select ON teams FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (name, updated_at), DELETE ON teams TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON teams TO atrium_purge;

-- Organisations. A reference table: small, on every node when distributed.
CREATE TABLE tenants (
    id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    tier text NOT NULL,
    entra_tenant_id uuid,
    is_demo boolean NOT NULL,
    settings jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    version integer NOT NULL,
    status_reason text,
    status_changed_at timestamp with time zone,
    status_by_tenant_id uuid,
    status_by_user_id uuid,
    delete_after timestamp with time zone,
    CONSTRAINT tenants_pkey PRIMARY KEY (id),
    CONSTRAINT tenants_entra_tenant_id_key UNIQUE (entra_tenant_id),
    CONSTRAINT tenants_slug_key UNIQUE (slug),
    CONSTRAINT tenants_delete_after_check CHECK (((delete_after IS NULL) OR (status = 'deleted'::text))),
    CONSTRAINT tenants_name_check CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT tenants_settings_check CHECK (((jsonb_typeof(settings) = 'object'::text) AND (octet_length((settings)::text) <= 65536))),
    CONSTRAINT tenants_slug_check CHECK ((slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'::text)),
    CONSTRAINT tenants_status_by_check CHECK ((num_nonnulls(status_by_tenant_id, status_by_user_id) = ANY (ARRAY[0, 2]))),
    CONSTRAINT tenants_status_check CHECK ((status = ANY (ARRAY['active'::text, 'suspended'::text, 'deleted'::text]))),
    CONSTRAINT tenants_status_reason_check CHECK (((char_length(status_reason) >= 1) AND (char_length(status_reason) <= 500))),
    CONSTRAINT tenants_tier_check CHECK ((tier = ANY (ARRAY['free'::text, 'starter'::text, 'professional'::text, 'enterprise'::text]))),
    CONSTRAINT tenants_version_check CHECK ((version > 0))
);
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenants_app_select ON tenants FOR SELECT TO atrium_app
    USING ((id = :tenant));
CREATE POLICY tenants_app_update ON tenants FOR UPDATE TO atrium_app
    USING (((id = :tenant) AND (:permissions && '{settings.manage,system}'::text[])))
    WITH CHECK (((id = :tenant) AND (:permissions && '{settings.manage,system}'::text[])));
CREATE POLICY tenants_auth_select ON tenants FOR SELECT TO atrium_auth
    USING (true);
CREATE POLICY tenants_operator_insert ON tenants FOR INSERT TO atrium_operator
    WITH CHECK (true);
CREATE POLICY tenants_operator_select ON tenants FOR SELECT TO atrium_operator
    USING (true);
CREATE POLICY tenants_operator_update ON tenants FOR UPDATE TO atrium_operator
    USING (true)
    WITH CHECK (true);
CREATE POLICY tenants_purge_delete ON tenants FOR DELETE TO atrium_purge
    USING ((id = :tenant));
CREATE POLICY tenants_purge_select ON tenants FOR SELECT TO atrium_purge
    USING ((id = :tenant));
CREATE POLICY tenants_sharing_select ON tenants FOR SELECT TO atrium_sharing
    USING ((id = :tenant));
CREATE POLICY tenants_worker_select ON tenants FOR SELECT TO atrium_worker
    USING (true);
GRANT SELECT, UPDATE (name, settings, updated_at, version) ON tenants TO atrium_app;
GRANT SELECT (id, slug, name, status, entra_tenant_id, settings) ON tenants TO atrium_auth;
GRANT SELECT, INSERT, UPDATE (name, status, tier, entra_tenant_id, settings, updated_at, status_reason, status_changed_at, status_by_tenant_id, status_by_user_id, delete_after) ON tenants TO atrium_operator;
GRANT SELECT (id, status, delete_after), DELETE ON tenants TO atrium_purge;
GRANT SELECT (id, settings) ON tenants TO atrium_sharing;
GRANT SELECT (id, status) ON tenants TO atrium_worker;

-- Groups and app roles of each member as of the last sign-in or refresh.
CREATE TABLE user_claims (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    groups text[] NOT NULL,
    app_roles text[] NOT NULL,
    told_at timestamp with time zone NOT NULL,
    CONSTRAINT user_claims_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT user_claims_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT user_claims_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT user_claims_app_roles_check CHECK ((array_position(app_roles, NULL::text) IS NULL)),
    CONSTRAINT user_claims_groups_check CHECK ((array_position(groups, NULL::text) IS NULL))
);
ALTER TABLE user_claims ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY user_claims_app_insert ON user_claims FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (:permissions && '{system,system}'::text[])));
CREATE POLICY user_claims_app_select ON user_claims FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND ((user_id = :user) OR (:permissions && '{group_mapping.manage,system}'::text[]))));
CREATE POLICY user_claims_app_update ON user_claims FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{system,system}'::text[])))
    WITH CHECK (((tenant_id = :tenant) AND (:permissions && '{system,system}'::text[])));
CREATE POLICY user_claims_purge_delete ON user_claims FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY user_claims_purge_select ON user_claims FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (groups, app_roles, told_at) ON user_claims TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON user_claims TO atrium_purge;

-- Colours, time zone and formats, as a member chose them.
CREATE TABLE user_preferences (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    theme text,
    time_zone text,
    locale text,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT user_preferences_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT user_preferences_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT user_preferences_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT user_preferences_locale_check CHECK ((locale ~ '^[a-z]{2}-[A-Z]{2}$'::text)),
    CONSTRAINT user_preferences_theme_check CHECK ((theme = ANY (ARRAY['system'::text, 'light'::text, 'dark'::text]))),
    CONSTRAINT user_preferences_time_zone_check CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64)))
);
ALTER TABLE user_preferences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY user_preferences_app_insert ON user_preferences FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((user_id = :user) AND (:permissions && '{profile.manage,system}'::text[]))));
CREATE POLICY user_preferences_app_select ON user_preferences FOR SELECT TO atrium_app
    USING (((tenant_id = :tenant) AND ((user_id = :user) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY user_preferences_app_update ON user_preferences FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND ((user_id = :user) AND (:permissions && '{profile.manage,system}'::text[]))))
    WITH CHECK (((tenant_id = :tenant) AND ((user_id = :user) AND (:permissions && '{profile.manage,system}'::text[]))));
CREATE POLICY user_preferences_purge_delete ON user_preferences FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY user_preferences_purge_select ON user_preferences FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (theme, time_zone, locale, updated_at) ON user_preferences TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON user_preferences TO atrium_purge;

-- Which member holds which role, and why.
CREATE TABLE user_roles (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role_id uuid NOT NULL,
    source text NOT NULL,
    granted_by uuid,
    granted_at timestamp with time zone NOT NULL,
    CONSTRAINT user_roles_pkey PRIMARY KEY (tenant_id, user_id, role_id, source),
    CONSTRAINT user_roles_granted_by_fkey FOREIGN KEY (tenant_id, granted_by) REFERENCES users(tenant_id, id),
    CONSTRAINT user_roles_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES roles(tenant_id, id),
    CONSTRAINT user_roles_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT user_roles_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT user_roles_source_check CHECK ((source = ANY (ARRAY['manual'::text, 'group'::text, 'app_role'::text, 'scim'::text])))
);
CREATE INDEX user_roles_role_id_idx ON public.user_roles USING btree (tenant_id, role_id);
ALTER TABLE user_roles ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY user_roles_app_delete ON user_roles FOR DELETE TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{role.grant,member.manage,system}'::text[])));
CREATE POLICY user_roles_app_insert ON user_roles FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND (((:permissions && '{role.grant,system}'::text[]) AND (granted_by = :user)) OR (:permissions && '{system,system}'::text[]))));
CREATE POLICY user_roles_app_select ON user_roles FOR SELECT TO atrium_app
    USING ((tenant_id = :tenant));
CREATE POLICY user_roles_purge_delete ON user_roles FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY user_roles_purge_select ON user_roles FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, DELETE ON user_roles TO atrium_app;
GRANT SELECT (tenant_id), DELETE ON user_roles TO atrium_purge;

-- Members of one tenant: people, agents and services.
CREATE TABLE users (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    handle text,
    email text,
    display_name text NOT NULL,
    avatar_url text,
    kind text NOT NULL,
    parent_user_id uuid,
    status text NOT NULL,
    last_seen_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    sort_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(display_name)) STORED,
    CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_handle_key UNIQUE (tenant_id, handle),
    CONSTRAINT users_parent_user_id_fkey FOREIGN KEY (tenant_id, parent_user_id) REFERENCES users(tenant_id, id),
    CONSTRAINT users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
    CONSTRAINT users_avatar_url_check CHECK (((char_length(avatar_url) >= 1) AND (char_length(avatar_url) <= 2000))),
    CONSTRAINT users_display_name_check CHECK (((char_length(display_name) >= 1) AND (char_length(display_name) <= 200))),
    CONSTRAINT users_email_check CHECK (((char_length(email) >= 1) AND (char_length(email) <= 320))),
    CONSTRAINT users_handle_check CHECK ((handle ~ '^[a-z0-9][a-z0-9._-]{0,62}$'::text)),
    CONSTRAINT users_kind_check CHECK ((kind = ANY (ARRAY['human'::text, 'agent'::text, 'sub_agent'::text, 'service'::text]))),
    CONSTRAINT users_parent_check CHECK (((kind <> 'sub_agent'::text) OR (parent_user_id IS NOT NULL))),
    CONSTRAINT users_status_check CHECK ((status = ANY (ARRAY['invited'::text, 'active'::text, 'suspended'::text, 'deactivated'::text])))
);
CREATE INDEX users_sort_name_idx ON public.users USING btree (tenant_id, sort_name, id);
ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY users_app_insert ON users FOR INSERT TO atrium_app
    WITH CHECK (((tenant_id = :tenant) AND ((:permissions && '{member.manage,system}'::text[]) OR ((:permissions && '{api_key.manage,system}'::text[]) AND (kind = ANY (ARRAY['agent'::text, 'service'::text]))))));
CREATE POLICY users_app_select ON users FOR SELECT TO atrium_app
    USING ((tenant_id = :tenant));
CREATE POLICY users_app_update ON users FOR UPDATE TO atrium_app
    USING (((tenant_id = :tenant) AND (:permissions && '{member.manage,system}'::text[])))
    WITH CHECK (((tenant_id = :tenant) AND (:permissions && '{member.manage,system}'::text[])));
CREATE POLICY users_operator_select ON users FOR SELECT TO atrium_operator
    USING ((tenant_id = :tenant));
CREATE POLICY users_purge_delete ON users FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY users_purge_select ON users FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
GRANT SELECT, INSERT, UPDATE (handle, email, display_name, avatar_url, status, last_seen_at, updated_at) ON users TO atrium_app;
GRANT SELECT (tenant_id, kind, status, last_seen_at) ON users TO atrium_operator;
GRANT SELECT (tenant_id), DELETE ON users TO atrium_purge;

-- Signed-in browsers. Only a hash of the cookie's id is kept.
CREATE TABLE web_sessions (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    id_hash bytea NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    idle_expires_at timestamp with time zone NOT NULL,
    absolute_expires_at timestamp with time zone NOT NULL,
    ip inet,
    user_agent text,
    oidc_sid text,
    tokens_encrypted bytea,
    revoked_at timestamp with time zone,
    oidc_issuer text,
    oidc_subject text,
    refresh_at timestamp with time zone,
    refresh_lease_until timestamp with time zone,
    issuer_name text,
    identity_id uuid,
    privileges_hash bytea,
    previous_id_hash bytea,
    previous_id_until timestamp with time zone,
    CONSTRAINT web_sessions_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT web_sessions_id_hash_key UNIQUE (id_hash),
    CONSTRAINT web_sessions_id_hash_check CHECK ((octet_length(id_hash) = 32)),
    CONSTRAINT web_sessions_issuer_name_check CHECK ((char_length(issuer_name) <= 63)),
    CONSTRAINT web_sessions_oidc_issuer_check CHECK ((char_length(oidc_issuer) <= 2000)),
    CONSTRAINT web_sessions_oidc_sid_check CHECK ((char_length(oidc_sid) <= 255)),
    CONSTRAINT web_sessions_oidc_subject_check CHECK ((char_length(oidc_subject) <= 255)),
    CONSTRAINT web_sessions_previous_id_check CHECK (((previous_id_hash IS NULL) = (previous_id_until IS NULL))),
    CONSTRAINT web_sessions_previous_id_hash_check CHECK ((octet_length(previous_id_hash) = 32)),
    CONSTRAINT web_sessions_privileges_hash_check CHECK ((octet_length(privileges_hash) = 32)),
    CONSTRAINT web_sessions_tokens_encrypted_check CHECK ((octet_length(tokens_encrypted) <= 65536)),
    CONSTRAINT web_sessions_user_agent_check CHECK ((char_length(user_agent) <= 400))
);
CREATE INDEX web_sessions_expiry_idx ON public.web_sessions USING btree (absolute_expires_at);
CREATE INDEX web_sessions_oidc_sid_idx ON public.web_sessions USING btree (oidc_sid);
CREATE INDEX web_sessions_oidc_subject_idx ON public.web_sessions USING btree (oidc_issuer, oidc_subject);
CREATE INDEX web_sessions_previous_id_hash_idx ON public.web_sessions USING btree (previous_id_hash) WHERE (previous_id_hash IS NOT NULL);
CREATE INDEX web_sessions_user_id_idx ON public.web_sessions USING btree (tenant_id, user_id, last_seen_at DESC);
ALTER TABLE web_sessions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY web_sessions_auth_delete ON web_sessions FOR DELETE TO atrium_auth
    USING (true);
CREATE POLICY web_sessions_auth_insert ON web_sessions FOR INSERT TO atrium_auth
    WITH CHECK (true);
CREATE POLICY web_sessions_auth_select ON web_sessions FOR SELECT TO atrium_auth
    USING (true);
CREATE POLICY web_sessions_auth_update ON web_sessions FOR UPDATE TO atrium_auth
    USING (true)
    WITH CHECK (true);
CREATE POLICY web_sessions_operator_select ON web_sessions FOR SELECT TO atrium_operator
    USING ((tenant_id = :tenant));
CREATE POLICY web_sessions_purge_delete ON web_sessions FOR DELETE TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY web_sessions_purge_select ON web_sessions FOR SELECT TO atrium_purge
    USING ((tenant_id = :tenant));
CREATE POLICY web_sessions_session_select ON web_sessions FOR SELECT TO atrium_session
    USING (true);
GRANT SELECT, INSERT, UPDATE (id_hash, last_seen_at, idle_expires_at, tokens_encrypted, revoked_at, refresh_at, refresh_lease_until, privileges_hash, previous_id_hash, previous_id_until), DELETE ON web_sessions TO atrium_auth;
GRANT SELECT (tenant_id, idle_expires_at, absolute_expires_at, revoked_at) ON web_sessions TO atrium_operator;
GRANT SELECT (tenant_id), DELETE ON web_sessions TO atrium_purge;
GRANT SELECT (tenant_id, id, id_hash, user_id, last_seen_at, idle_expires_at, absolute_expires_at, revoked_at, refresh_at, refresh_lease_until, privileges_hash, previous_id_hash, previous_id_until) ON web_sessions TO atrium_session;

CREATE OR REPLACE FUNCTION public.actor_load(p_tenant_id uuid, p_user_id uuid)
 RETURNS TABLE(slug text, tenant_name text, tenant_status text, tenant_time_zone text, kind text, status text, display_name text, email text, theme text, time_zone text, locale text, role_keys text[], role_names text[], system_role_keys text[], permissions text[], team_ids uuid[], team_names text[], led_team_ids uuid[], is_operator boolean)
 LANGUAGE plpgsql
 STABLE ROWS 1
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    RETURN QUERY
    SELECT t.slug, t.name, t.status, t.settings ->> 'time_zone',
           u.kind, u.status, u.display_name, u.email,
           p.theme, p.time_zone, p.locale,
           coalesce(granted.keys, '{}'), coalesce(granted.names, '{}'), coalesce(granted.system_keys, '{}'),
           ARRAY(
               SELECT DISTINCT permission FROM public.roles AS r, unnest(r.permissions) AS permission
                WHERE r.tenant_id = p_tenant_id AND r.id IN (
                    SELECT ur.role_id FROM public.user_roles AS ur
                     WHERE ur.tenant_id = p_tenant_id AND ur.user_id = p_user_id)
           ),
           coalesce(joined.ids, '{}'), coalesce(joined.names, '{}'),
           ARRAY(
               SELECT DISTINCT m.team_id FROM public.team_members AS m
                WHERE m.tenant_id = p_tenant_id AND m.user_id = p_user_id AND m.role = 'lead'
           ),
           EXISTS (
               SELECT FROM public.platform_operators AS o
                WHERE o.tenant_id = p_tenant_id AND o.user_id = p_user_id
           )
      FROM public.users AS u
      JOIN public.tenants AS t ON t.id = u.tenant_id
      LEFT JOIN public.user_preferences AS p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
     CROSS JOIN LATERAL (
               SELECT array_agg(r.key ORDER BY r.key) AS keys, array_agg(r.name ORDER BY r.key) AS names,
                      array_agg(r.key) FILTER (WHERE r.is_system) AS system_keys
                 FROM public.roles AS r
                WHERE r.tenant_id = p_tenant_id AND r.id IN (
                    SELECT ur.role_id FROM public.user_roles AS ur
                     WHERE ur.tenant_id = p_tenant_id AND ur.user_id = p_user_id)
           ) AS granted
     CROSS JOIN LATERAL (
               SELECT array_agg(g.id ORDER BY g.name) AS ids, array_agg(g.name ORDER BY g.name) AS names
                 FROM public.teams AS g
                WHERE g.tenant_id = p_tenant_id AND g.id IN (
                    SELECT m.team_id FROM public.team_members AS m
                     WHERE m.tenant_id = p_tenant_id AND m.user_id = p_user_id)
           ) AS joined
     WHERE u.tenant_id = p_tenant_id AND u.id = p_user_id;
END
$function$;
REVOKE ALL ON ROUTINE actor_load(uuid,uuid) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE actor_load(uuid,uuid) TO atrium_app;

CREATE OR REPLACE FUNCTION public.audit_append(p_tenant_id uuid, p_at timestamp with time zone[], p_actor_user_id uuid[], p_actor_kind text[], p_actor_label text[], p_on_behalf_of uuid[], p_ip text[], p_user_agent text[], p_request_id uuid[], p_action text[], p_resource_type text[], p_resource_id text[], p_outcome text[], p_level text[], p_changes jsonb[], p_metadata jsonb[])
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_count constant int := cardinality(p_at);
    -- One dimension, counted from 1, as the loop and unnest both assume.
    v_dims constant text := '[1:' || v_count || ']';
    -- No literals, because a session's settings could change their meaning.
    v_leaf constant bytea := decode('00', 'hex');
    v_inner constant bytea := decode('01', 'hex');
    v_seq bigint;
    v_hash bytea;
    v_edge bytea[];
    v_depth int;
    v_left bigint;
    v_bytes bytea;
    v_node bytea;
    v_prev_hashes bytea[];
    v_hashes bytea[];
BEGIN
    IF p_tenant_id IS DISTINCT FROM nullif(current_setting('app.current_tenant_id', true), '')::uuid THEN
        RAISE EXCEPTION 'audit rows can only be written in the transaction''s own tenant'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (v_count BETWEEN 1 AND 10000) IS NOT TRUE THEN
        RAISE EXCEPTION 'between 1 and 10000 audit rows can be written at a time'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF (array_dims(p_at) = v_dims AND array_dims(p_actor_user_id) = v_dims AND array_dims(p_actor_kind) = v_dims
        AND array_dims(p_actor_label) = v_dims AND array_dims(p_on_behalf_of) = v_dims AND array_dims(p_ip) = v_dims
        AND array_dims(p_user_agent) = v_dims AND array_dims(p_request_id) = v_dims AND array_dims(p_action) = v_dims
        AND array_dims(p_resource_type) = v_dims AND array_dims(p_resource_id) = v_dims
        AND array_dims(p_outcome) = v_dims AND array_dims(p_level) = v_dims AND array_dims(p_changes) = v_dims
        AND array_dims(p_metadata) = v_dims) IS NOT TRUE
    THEN
        RAISE EXCEPTION 'the arrays of audit rows must have one dimension, begin at 1 and be equally long'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;

    SELECT seq, hash, edge INTO v_seq, v_hash, v_edge
      FROM public.audit_heads WHERE tenant_id = p_tenant_id FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO public.audit_heads (tenant_id, seq, hash, edge)
        VALUES (p_tenant_id, 0, decode(repeat('00', 32), 'hex'), '{}')
        ON CONFLICT (tenant_id) DO NOTHING;
        SELECT seq, hash, edge INTO STRICT v_seq, v_hash, v_edge
          FROM public.audit_heads WHERE tenant_id = p_tenant_id FOR UPDATE;
    END IF;
    v_depth := cardinality(v_edge);
    IF v_depth <> bit_count(int8send(v_seq)) THEN
        RAISE EXCEPTION 'the head of the audit log is damaged: run atrium audit verify'
            USING ERRCODE = 'data_corrupted';
    END IF;

    FOR i IN 1 .. v_count LOOP
        IF (p_at[i] >= timestamptz '1970-01-01 00:00+00' AND p_at[i] < timestamptz '9999-12-31 00:00+00') IS NOT TRUE
        THEN
            RAISE EXCEPTION 'the time of an audit row must lie between the years 1970 and 9999'
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        v_bytes := public.audit_row_bytes(
            p_tenant_id, v_seq + i, p_at[i], p_actor_user_id[i], p_actor_kind[i], p_actor_label[i], p_on_behalf_of[i],
            p_ip[i]::inet, p_user_agent[i], p_request_id[i], p_action[i], p_resource_type[i], p_resource_id[i],
            p_outcome[i], p_level[i], p_changes[i], p_metadata[i]
        );
        IF v_bytes IS NULL THEN
            RAISE EXCEPTION 'an audit row must say who did what, and how it ended'
                USING ERRCODE = 'not_null_violation';
        END IF;
        v_prev_hashes[i] := v_hash;
        v_hash := sha256(v_hash || v_bytes);
        v_hashes[i] := v_hash;
        -- Each trailing one bit of the number of earlier rows is a subtree as
        -- large as the node so far.
        v_node := sha256(v_leaf || v_bytes);
        v_left := v_seq + i - 1;
        WHILE v_left & 1 = 1 LOOP
            v_node := sha256(v_inner || v_edge[v_depth] || v_node);
            v_depth := v_depth - 1;
            v_left := v_left >> 1;
        END LOOP;
        v_depth := v_depth + 1;
        v_edge[v_depth] := v_node;
    END LOOP;

    INSERT INTO public.audit_log (
        tenant_id, at, seq, actor_user_id, actor_kind, actor_label, on_behalf_of, ip, user_agent, request_id,
        action, resource_type, resource_id, outcome, level, changes, metadata, prev_hash, hash
    )
    SELECT p_tenant_id, at, v_seq + place, actor_user_id, actor_kind, actor_label, on_behalf_of, host(ip::inet)::inet,
           user_agent, request_id, action, resource_type, resource_id, outcome, level, changes, metadata, prev_hash, hash
      FROM unnest(
               p_at, p_actor_user_id, p_actor_kind, p_actor_label, p_on_behalf_of, p_ip, p_user_agent, p_request_id,
               p_action, p_resource_type, p_resource_id, p_outcome, p_level, p_changes, p_metadata,
               v_prev_hashes, v_hashes
           ) WITH ORDINALITY AS rows (
               at, actor_user_id, actor_kind, actor_label, on_behalf_of, ip, user_agent, request_id,
               action, resource_type, resource_id, outcome, level, changes, metadata, prev_hash, hash, place
           );

    UPDATE public.audit_heads SET seq = v_seq + v_count, hash = v_hash, edge = v_edge[1:v_depth]
     WHERE tenant_id = p_tenant_id;
    RETURN v_seq + v_count;
END
$function$;
ALTER ROUTINE audit_append(uuid,timestamp with time zone[],uuid[],text[],text[],uuid[],text[],text[],uuid[],text[],text[],text[],text[],text[],jsonb[],jsonb[]) OWNER TO atrium_audit;
REVOKE ALL ON ROUTINE audit_append(uuid,timestamp with time zone[],uuid[],text[],text[],uuid[],text[],text[],uuid[],text[],text[],text[],text[],text[],jsonb[],jsonb[]) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE audit_append(uuid,timestamp with time zone[],uuid[],text[],text[],uuid[],text[],text[],uuid[],text[],text[],text[],text[],text[],jsonb[],jsonb[]) TO atrium_app;

CREATE OR REPLACE FUNCTION public.audit_partitions_ensure(p_from timestamp with time zone, p_months integer)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_month timestamp := date_trunc('month', p_from AT TIME ZONE 'UTC');
    v_name text;
    v_made int := 0;
BEGIN
    IF p_months NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'between 0 and 24 months can be prepared, not %', p_months
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('audit_partitions_ensure', 0));
    FOR i IN 0 .. p_months LOOP
        v_name := 'audit_log_' || to_char(v_month, '"y"YYYY"m"MM');
        IF to_regclass('public.' || v_name) IS NULL THEN
            BEGIN
                EXECUTE format(
                    'CREATE TABLE public.%I PARTITION OF public.audit_log FOR VALUES FROM (%L) TO (%L)',
                    v_name,
                    v_month AT TIME ZONE 'UTC',
                    (v_month + interval '1 month') AT TIME ZONE 'UTC'
                );
                CALL public.policies_copy('public.audit_log', ('public.' || v_name)::regclass);
                v_made := v_made + 1;
            EXCEPTION WHEN check_violation THEN
                NULL;
            END;
        END IF;
        v_month := v_month + interval '1 month';
    END LOOP;
    RETURN v_made;
END
$function$;
REVOKE ALL ON ROUTINE audit_partitions_ensure(timestamp with time zone,integer) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE audit_partitions_ensure(timestamp with time zone,integer) TO atrium_worker;

CREATE OR REPLACE FUNCTION public.audit_row_bytes(p_tenant_id uuid, p_seq bigint, p_at timestamp with time zone, p_actor_user_id uuid, p_actor_kind text, p_actor_label text, p_on_behalf_of uuid, p_ip inet, p_user_agent text, p_request_id uuid, p_action text, p_resource_type text, p_resource_id text, p_outcome text, p_level text, p_changes jsonb, p_metadata jsonb)
 RETURNS bytea
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE
AS $function$
DECLARE
    v_at text := (extract(epoch FROM p_at) * 1000000)::bigint;
    v_ip text := host(p_ip);
    v_changes text := p_changes;
    v_metadata text := p_metadata;
BEGIN
    -- A single expression without a query is computed once for each row.
    RETURN convert_to(
        '36:' || p_tenant_id::text || ','
        || octet_length(p_seq::text)::text || ':' || p_seq::text || ','
        || octet_length(v_at)::text || ':' || v_at || ','
        || coalesce('36:' || p_actor_user_id::text, '-') || ','
        || octet_length(p_actor_kind)::text || ':' || p_actor_kind || ','
        || octet_length(p_actor_label)::text || ':' || p_actor_label || ','
        || coalesce('36:' || p_on_behalf_of::text, '-') || ','
        || coalesce(octet_length(v_ip)::text || ':' || v_ip, '-') || ','
        || coalesce(octet_length(p_user_agent)::text || ':' || p_user_agent, '-') || ','
        || coalesce('36:' || p_request_id::text, '-') || ','
        || octet_length(p_action)::text || ':' || p_action || ','
        || coalesce(octet_length(p_resource_type)::text || ':' || p_resource_type, '-') || ','
        || coalesce(octet_length(p_resource_id)::text || ':' || p_resource_id, '-') || ','
        || octet_length(p_outcome)::text || ':' || p_outcome || ','
        || octet_length(p_level)::text || ':' || p_level || ','
        || coalesce(octet_length(v_changes)::text || ':' || v_changes, '-') || ','
        || coalesce(octet_length(v_metadata)::text || ':' || v_metadata, '-') || ',',
        'UTF8'
    );
END
$function$;

CREATE OR REPLACE PROCEDURE public.function_allow(IN p_function text, IN p_roles text[], IN p_owner text DEFAULT NULL::text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $procedure$
DECLARE
    v_function regprocedure := p_function::regproc;
    v_role text;
BEGIN
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', v_function);
    FOREACH v_role IN ARRAY p_roles LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', v_function, v_role);
    END LOOP;
    IF p_owner IS NOT NULL THEN
        -- Changing the owner requires CREATE on the schema.
        EXECUTE format('GRANT CREATE ON SCHEMA public TO %I', p_owner);
        EXECUTE format('ALTER ROUTINE %s OWNER TO %I', v_function, p_owner);
        EXECUTE format('REVOKE CREATE ON SCHEMA public FROM %I', p_owner);
    END IF;
END
$procedure$;
REVOKE ALL ON ROUTINE function_allow(text,text[],text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.memory_any_lexeme(p_lexemes text[])
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ((SELECT string_agg(((''''::text || replace(replace(lexemes.lexeme, '\'::text, '\\'::text), ''''::text, ''''''::text)) || ''''::text), ' | '::text) AS string_agg FROM unnest(memory_any_lexeme.p_lexemes) lexemes(lexeme)))::tsquery;

CREATE OR REPLACE FUNCTION public.memory_attributes(p_memory memories)
 RETURNS jsonb
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    SELECT jsonb_build_object(
        'expires_at', to_char(p_memory.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'importance', p_memory.importance,
        'allowed_vendors', to_jsonb(p_memory.allowed_vendors),
        'source_url', p_memory.source_url
    )
$function$;
REVOKE ALL ON ROUTINE memory_attributes(memories) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_attributes(memories) TO atrium_app, atrium_sharing;

CREATE OR REPLACE FUNCTION public.memory_collection_refresh(p_now timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_size bigint;
    v_before bigint;
    v_at timestamptz;
    -- The sample in 256ths, selected by the random last byte of the id.
    v_share bigint;
BEGIN
    IF v_tenant IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE 'SELECT count(*) FROM public.memories WHERE tenant_id = $1 AND deleted_at IS NULL'
       INTO v_size USING v_tenant;
    -- The row lock prevents two processes from counting words at once.
    INSERT INTO public.memory_collections AS known (tenant_id, memories, counted_at)
    VALUES (v_tenant, v_size, p_now)
    ON CONFLICT (tenant_id) DO UPDATE SET memories = excluded.memories, counted_at = excluded.counted_at
    RETURNING known.lexemes_from, known.lexemes_at INTO v_before, v_at;
    IF abs(v_size - v_before) <= v_before / 5 AND v_at > p_now - interval '7 days' THEN
        RETURN false;
    END IF;

    DELETE FROM public.memory_lexemes WHERE tenant_id = v_tenant;
    -- The words of a small collection are counted during a search.
    IF v_size >= 200 THEN
        v_share := least(256, ceil(256 * 20000.0 / v_size));
        INSERT INTO public.memory_lexemes (tenant_id, lexeme, memories)
        SELECT v_tenant, word, ndoc * 256 / v_share
          FROM ts_stat(format(
              'SELECT search FROM public.memories
                WHERE tenant_id = %L AND deleted_at IS NULL AND get_byte(uuid_send(id), 15) < %s',
              v_tenant, v_share))
         WHERE ndoc * 256 / v_share >= greatest(5, v_size / 500)
         ORDER BY ndoc DESC
         LIMIT 2000;
        UPDATE public.memory_collections SET lexemes_from = v_size, lexemes_at = p_now WHERE tenant_id = v_tenant;
    ELSE
        UPDATE public.memory_collections SET lexemes_from = NULL, lexemes_at = NULL WHERE tenant_id = v_tenant;
    END IF;
    RETURN v_size >= 200;
END
$function$;
ALTER ROUTINE memory_collection_refresh(timestamp with time zone) OWNER TO atrium_search;
REVOKE ALL ON ROUTINE memory_collection_refresh(timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_collection_refresh(timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_collection_size(p_cap bigint)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_size bigint;
    v_plan json;
BEGIN
    SELECT memories INTO v_size FROM public.memory_collections WHERE tenant_id = v_tenant;
    IF v_size >= p_cap THEN
        RETURN v_size;
    END IF;
    EXECUTE 'SELECT count(*) FROM (SELECT FROM public.memories WHERE tenant_id = $1 LIMIT $2) AS counted'
       INTO v_size USING v_tenant, p_cap;
    IF v_size >= p_cap THEN
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM public.memories WHERE tenant_id = %L', v_tenant) INTO v_plan;
        v_size := greatest(v_size, (v_plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric::bigint);
    END IF;
    RETURN v_size;
END
$function$;
ALTER ROUTINE memory_collection_size(bigint) OWNER TO atrium_search;
REVOKE ALL ON ROUTINE memory_collection_size(bigint) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_collection_size(bigint) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_edit(p_memory_id uuid, p_version integer, p_kind text, p_title text, p_content text, p_tags text[], p_attributes jsonb, p_reason text, p_at timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_led uuid[] := nullif(current_setting('app.led_team_ids', true), '')::uuid[];
    v_held text[] := string_to_array(current_setting('app.permissions', true), ',');
    v_vendor text := nullif(current_setting('app.vendor', true), '');
    v_before public.memories;
    v_after public.memories;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_memory_id::text, 24));
    SELECT * INTO v_before
      FROM public.memories
     WHERE tenant_id = v_tenant AND id = p_memory_id AND user_id = v_user AND version = p_version
       AND deleted_at IS NULL
       AND (v_vendor IS NULL OR allowed_vendors && ARRAY['*', v_vendor])
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Only memory_attributes and memory_replace decide which columns count.
    v_after := jsonb_populate_record(v_before, coalesce(p_attributes, '{}'));
    IF v_before.parent_id IS NOT NULL THEN
        v_after.expires_at := v_before.expires_at;
        v_after.allowed_vendors := v_before.allowed_vendors;
    END IF;
    v_after.kind := p_kind;
    v_after.title := p_title;
    v_after.content := p_content;
    v_after.tags := p_tags;
    v_after.tenant_id := v_before.tenant_id;
    v_after.id := v_before.id;
    IF NOT coalesce(v_vendor IS NULL OR v_after.allowed_vendors && ARRAY['*', v_vendor], false) THEN
        RAISE EXCEPTION 'a program would not see this any more' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF v_before.visibility <> 'private'
        AND public.memory_shown(v_before) IS DISTINCT FROM public.memory_shown(v_after)
        AND NOT coalesce(
            'memory.share' = ANY (v_held)
            AND (v_before.parent_id IS NOT NULL
                 OR 'memory.review' = ANY (v_held)
                 OR v_before.visibility = 'team' AND v_before.team_id = ANY (v_led)),
            false
        )
        AND NOT coalesce(
            v_before.parent_id IS NULL AND (SELECT (settings ->> 'owners_change_reviewed')::boolean FROM public.tenants WHERE id = v_tenant),
            false
        )
    THEN
        RAISE EXCEPTION 'others decide what becomes of this' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN public.memory_replace(v_after, p_reason, p_at);
END
$function$;
ALTER ROUTINE memory_edit(uuid,integer,text,text,text,text[],jsonb,text,timestamp with time zone) OWNER TO atrium_sharing;
REVOKE ALL ON ROUTINE memory_edit(uuid,integer,text,text,text,text[],jsonb,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_edit(uuid,integer,text,text,text,text[],jsonb,text,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_embedding(p_memory memories, p_slot text)
 RETURNS halfvec
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN CASE p_slot WHEN 'a'::text THEN (p_memory).embedding_a WHEN 'b'::text THEN (p_memory).embedding_b ELSE NULL::halfvec END;

CREATE OR REPLACE FUNCTION public.memory_embedding_counts(OUT total bigint, OUT private bigint, OUT in_a bigint, OUT in_b bigint, OUT left_a boolean, OUT left_b boolean)
 RETURNS record
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    SELECT count(*) FILTER (WHERE deleted_at IS NULL),
           count(*) FILTER (WHERE deleted_at IS NULL AND visibility = 'private'),
           count(*) FILTER (WHERE deleted_at IS NULL AND embedding_a IS NOT NULL),
           count(*) FILTER (WHERE deleted_at IS NULL AND embedding_b IS NOT NULL),
           coalesce(bool_or(embedding_a IS NOT NULL), false),
           coalesce(bool_or(embedding_b IS NOT NULL), false)
      FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
$function$;
ALTER ROUTINE memory_embedding_counts() OWNER TO atrium_search;
REVOKE ALL ON ROUTINE memory_embedding_counts() FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_embedding_counts() TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_embedding_owners(p_tenant_id uuid, p_slot text, p_filled boolean)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    -- Each query uses a separate index.
    CASE
        WHEN p_slot = 'a' AND NOT p_filled THEN
            RETURN QUERY SELECT DISTINCT user_id FROM public.memories
             WHERE tenant_id = p_tenant_id AND embedding_a IS NULL AND deleted_at IS NULL;
        WHEN p_slot = 'b' AND NOT p_filled THEN
            RETURN QUERY SELECT DISTINCT user_id FROM public.memories
             WHERE tenant_id = p_tenant_id AND embedding_b IS NULL AND deleted_at IS NULL;
        WHEN p_slot = 'a' THEN
            RETURN QUERY SELECT DISTINCT user_id FROM public.memories
             WHERE tenant_id = p_tenant_id AND embedding_a IS NOT NULL;
        ELSE
            RETURN QUERY SELECT DISTINCT user_id FROM public.memories
             WHERE tenant_id = p_tenant_id AND embedding_b IS NOT NULL;
    END CASE;
END
$function$;
ALTER ROUTINE memory_embedding_owners(uuid,text,boolean) OWNER TO atrium_search;
REVOKE ALL ON ROUTINE memory_embedding_owners(uuid,text,boolean) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_embedding_owners(uuid,text,boolean) TO atrium_worker;

CREATE OR REPLACE FUNCTION public.memory_expire(p_now timestamp with time zone, p_limit bigint)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
BEGIN
    PERFORM public.memory_system_only();
    RETURN QUERY
    WITH due AS (
        SELECT id FROM public.memories
         WHERE tenant_id = v_tenant AND expires_at <= p_now AND deleted_at IS NULL
         ORDER BY expires_at, id
         LIMIT p_limit
           FOR UPDATE SKIP LOCKED
    )
    UPDATE public.memories m SET deleted_at = p_now
     WHERE m.tenant_id = v_tenant AND m.deleted_at IS NULL AND m.expires_at <= p_now
       AND (m.id IN (SELECT due.id FROM due) OR m.parent_id IN (SELECT due.id FROM due))
    RETURNING m.id;
END
$function$;
ALTER ROUTINE memory_expire(timestamp with time zone,bigint) OWNER TO atrium_trash;
REVOKE ALL ON ROUTINE memory_expire(timestamp with time zone,bigint) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_expire(timestamp with time zone,bigint) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_fits(p_memory memories, p_filter jsonb)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
RETURN ((((p_memory).deleted_at IS NOT NULL) = (p_filter ? 'trash'::text)) AND (((p_filter ->> 'kind'::text) IS NULL) OR ((p_memory).kind = (p_filter ->> 'kind'::text))) AND (((p_filter ->> 'tags'::text) IS NULL) OR ((p_memory).tags @> string_to_array((p_filter ->> 'tags'::text), ','::text))) AND (((p_filter ->> 'persona'::text) IS NULL) OR ((p_memory).persona_id = ((p_filter ->> 'persona'::text))::uuid)) AND (((p_filter ->> 'persona_owner'::text) IS NULL) OR ((p_memory).user_id = ((p_filter ->> 'persona_owner'::text))::uuid)) AND (((p_filter ->> 'term'::text) IS NULL) OR ((p_memory).term = (p_filter ->> 'term'::text))) AND (((p_filter ->> 'owner'::text) IS NULL) OR ((p_memory).user_id = ((p_filter ->> 'owner'::text))::uuid)) AND (((p_filter ->> 'not_owner'::text) IS NULL) OR ((p_memory).user_id <> ((p_filter ->> 'not_owner'::text))::uuid)) AND (((p_filter ->> 'team'::text) IS NULL) OR ((p_memory).team_id = ((p_filter ->> 'team'::text))::uuid)) AND (((p_filter ->> 'origin'::text) IS NULL) OR ((p_memory).origin = (p_filter ->> 'origin'::text))) AND (((p_filter ->> 'visibility'::text) IS NULL) OR ((p_memory).visibility = (p_filter ->> 'visibility'::text))) AND (((p_filter ->> 'source_host'::text) IS NULL) OR ((p_memory).source_host = (p_filter ->> 'source_host'::text))) AND (((p_filter ->> 'from'::text) IS NULL) OR ((p_memory).updated_at >= to_timestamp(((p_filter ->> 'from'::text))::double precision))) AND (((p_filter ->> 'before'::text) IS NULL) OR ((p_memory).updated_at < to_timestamp(((p_filter ->> 'before'::text))::double precision))) AND (((p_filter ->> 'now'::text) IS NULL) OR ((p_memory).expires_at IS NULL) OR ((p_memory).expires_at > to_timestamp(((p_filter ->> 'now'::text))::double precision))));

CREATE OR REPLACE FUNCTION public.memory_insert(p_memories jsonb, p_at timestamp with time zone)
 RETURNS SETOF uuid
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    INSERT INTO public.memories (
        tenant_id, id, user_id, kind, title, content, tags, visibility, origin, source_digest, source_session_id,
        persona_id, parent_id, version, created_at, updated_at,
        expires_at, importance, allowed_vendors, source_url
    )
    SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid, new.id,
           nullif(current_setting('app.current_user_id', true), '')::uuid, new.kind, new.title, new.content, new.tags,
           'private', new.origin, new.source_digest, new.source_session_id,
           new.persona_id, new.parent_id, new.version, new.created_at, new.updated_at,
           new.expires_at, new.importance, new.allowed_vendors, new.source_url
      FROM jsonb_populate_recordset(NULL::public.memories, p_memories) AS new
     WHERE new.parent_id IS NULL
        OR EXISTS (
               SELECT FROM public.memories AS root
                WHERE root.tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
                  AND root.id = new.parent_id AND root.parent_id IS NULL AND root.deleted_at IS NULL
                  AND (root.expires_at IS NULL OR root.expires_at > p_at)
           )
    ON CONFLICT (tenant_id, user_id, source_digest) DO NOTHING
    RETURNING id
$function$;
REVOKE ALL ON ROUTINE memory_insert(jsonb,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_insert(jsonb,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_like_lexemes(p_memory_id uuid, p_limit bigint)
 RETURNS text[]
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_visible text;
    v_search tsvector;
BEGIN
    SELECT '(' || pg_get_expr(polqual, polrelid) || ')' INTO STRICT v_visible
      FROM pg_policy
     WHERE polrelid = 'public.memories'::regclass AND polname = 'memories_app_select';
    EXECUTE 'SELECT search FROM public.memories WHERE tenant_id = $1 AND id = $2 AND ' || v_visible
       INTO v_search USING v_tenant, p_memory_id;
    RETURN ARRAY (
        SELECT own.lexeme
          FROM unnest(v_search) AS own
          LEFT JOIN public.memory_lexemes AS known ON known.tenant_id = v_tenant AND known.lexeme = own.lexeme
         ORDER BY coalesce(known.memories, 0), own.positions[1], own.lexeme
         LIMIT p_limit
    );
END
$function$;
ALTER ROUTINE memory_like_lexemes(uuid,bigint) OWNER TO atrium_search;
REVOKE ALL ON ROUTINE memory_like_lexemes(uuid,bigint) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_like_lexemes(uuid,bigint) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_nearest(p_tenant_id uuid, p_slot text, p_vector halfvec, p_filter jsonb, p_phrases tsquery, p_excluded tsquery, p_exact boolean, p_limit bigint)
 RETURNS TABLE(memory_id uuid)
 LANGUAGE plpgsql
 STABLE
AS $function$
DECLARE
    v_column text := CASE p_slot WHEN 'a' THEN 'embedding_a' WHEN 'b' THEN 'embedding_b' END;
    v_length integer := vector_dims(p_vector);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT memories.id FROM memories
          WHERE tenant_id = $1 AND vector_dims(%1$I) = %2$s AND memory_fits(memories, $3)',
        v_column, v_length)
        || CASE WHEN p_phrases IS NULL THEN '' ELSE ' AND search @@ $4' END
        || CASE WHEN p_excluded IS NULL THEN '' ELSE ' AND NOT search @@ $5' END
        || CASE WHEN p_exact THEN format(' ORDER BY (%I <=> $2) + 0', v_column)
                ELSE format(' ORDER BY %1$I::halfvec(%2$s) <=> $2::halfvec(%2$s)', v_column, v_length) END
        || ' LIMIT $6'
    USING p_tenant_id, p_vector, p_filter, p_phrases, p_excluded, p_limit;
END
$function$;

CREATE OR REPLACE FUNCTION public.memory_page(p_filter jsonb, p_own boolean, p_others boolean, p_trash boolean, p_sort text, p_descending boolean, p_at timestamp with time zone, p_key text, p_id uuid, p_limit bigint)
 RETURNS TABLE(id uuid, title text, excerpt text, kind text, tags text[], visibility text, owner_id uuid, origin text, expires_at timestamp with time zone, parent_id uuid, deleted_at timestamp with time zone, created_at timestamp with time zone, updated_at timestamp with time zone, sort_key text)
 LANGUAGE plpgsql
 STABLE ROWS 100
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_bitmapscan TO 'off'
 SET enable_seqscan TO 'off'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
#variable_conflict use_column
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    -- Values, so that they are index conditions with and without a cursor.
    v_at timestamptz := coalesce(p_at, CASE WHEN p_descending THEN 'infinity' ELSE '-infinity' END::timestamptz);
    v_id uuid := CASE WHEN p_at IS NULL AND p_descending THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff' ELSE p_id END;
BEGIN
    IF p_filter - 'now' = '{}' THEN
        PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
    END IF;
    CASE
    WHEN p_sort = 'updated_at' AND p_descending THEN
        RETURN QUERY
        SELECT page.id, page.title, left(page.content, 280), page.kind, page.tags, page.visibility, page.user_id, page.origin,
               page.expires_at, page.parent_id, page.deleted_at, page.created_at, page.updated_at, public.sort_time(page.updated_at)
          FROM (
            (SELECT * FROM public.memories
              WHERE tenant_id = v_tenant AND user_id = v_user AND deleted_at IS NULL AND p_own
                AND public.memory_fits(memories, p_filter)
                AND (parent_id IS NULL OR NOT EXISTS (
                         SELECT FROM public.memories AS root WHERE root.tenant_id = v_tenant AND root.id = memories.parent_id))
                AND (updated_at, id) < (v_at, v_id)
              ORDER BY updated_at DESC, id DESC LIMIT p_limit)
            UNION ALL
            (SELECT * FROM public.memories
              WHERE tenant_id = v_tenant AND user_id <> v_user AND deleted_at IS NULL AND visibility <> 'private' AND p_others
                AND public.memory_fits(memories, p_filter)
                AND parent_id IS NULL
                AND (updated_at, id) < (v_at, v_id)
              ORDER BY updated_at DESC, id DESC LIMIT p_limit)
            UNION ALL
            (SELECT * FROM public.memories
              WHERE tenant_id = v_tenant AND user_id = v_user AND deleted_at IS NOT NULL AND p_trash
                AND public.memory_fits(memories, p_filter)
                AND (updated_at, id) < (v_at, v_id)
              ORDER BY updated_at DESC, id DESC LIMIT p_limit)
            ORDER BY updated_at DESC, id DESC LIMIT p_limit
        ) AS page;
    WHEN p_sort = 'created_at' AND NOT p_descending THEN
        RETURN QUERY
        SELECT page.id, page.title, left(page.content, 280), page.kind, page.tags, page.visibility, page.user_id, page.origin,
               page.expires_at, page.parent_id, page.deleted_at, page.created_at, page.updated_at, public.sort_time(page.created_at)
          FROM (
            (SELECT * FROM public.memories
              WHERE tenant_id = v_tenant AND user_id = v_user AND deleted_at IS NULL AND p_own
                AND public.memory_fits(memories, p_filter)
                AND (parent_id IS NULL OR NOT EXISTS (
                         SELECT FROM public.memories AS root WHERE root.tenant_id = v_tenant AND root.id = memories.parent_id))
                AND (created_at, id) > (v_at, v_id)
              ORDER BY created_at, id LIMIT p_limit)
            UNION ALL
            (SELECT * FROM public.memories
              WHERE tenant_id = v_tenant AND user_id <> v_user AND deleted_at IS NULL AND visibility <> 'private' AND p_others
                AND public.memory_fits(memories, p_filter)
                AND parent_id IS NULL
                AND (created_at, id) > (v_at, v_id)
              ORDER BY created_at, id LIMIT p_limit)
            UNION ALL
            (SELECT * FROM public.memories
              WHERE tenant_id = v_tenant AND user_id = v_user AND deleted_at IS NOT NULL AND p_trash
                AND public.memory_fits(memories, p_filter)
                AND (created_at, id) > (v_at, v_id)
              ORDER BY created_at, id LIMIT p_limit)
            ORDER BY created_at, id LIMIT p_limit
        ) AS page;
    ELSE
        RETURN QUERY
        SELECT page.id, page.title, left(page.content, 280), page.kind, page.tags, page.visibility, page.user_id, page.origin,
               page.expires_at, page.parent_id, page.deleted_at, page.created_at, page.updated_at, page.key
          FROM (
            SELECT *,
                   CASE p_sort WHEN 'title' THEN lower(coalesce(nullif(title, ''), left(content, 100)))
                               WHEN 'kind' THEN kind
                               WHEN 'created_at' THEN public.sort_time(created_at)
                               ELSE public.sort_time(updated_at) END COLLATE "C" AS key
              FROM public.memories
             WHERE tenant_id = v_tenant AND public.memory_fits(memories, p_filter)
               AND (user_id = v_user AND deleted_at IS NULL AND p_own
                        AND (parent_id IS NULL OR NOT EXISTS (
                                 SELECT FROM public.memories AS root
                                  WHERE root.tenant_id = v_tenant AND root.id = memories.parent_id))
                    OR user_id <> v_user AND deleted_at IS NULL AND visibility <> 'private' AND p_others
                        AND parent_id IS NULL
                    OR user_id = v_user AND deleted_at IS NOT NULL AND p_trash)
        ) AS page
         WHERE p_key IS NULL
            OR CASE WHEN p_descending THEN (page.key, page.id) < (p_key, p_id)
                    ELSE (page.key, page.id) > (p_key, p_id) END
         ORDER BY CASE WHEN p_descending THEN page.key END DESC,
                  CASE WHEN p_descending THEN page.id END DESC,
                  page.key, page.id
         LIMIT p_limit;
    END CASE;
END
$function$;
REVOKE ALL ON ROUTINE memory_page(jsonb,boolean,boolean,boolean,text,boolean,timestamp with time zone,text,uuid,bigint) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_page(jsonb,boolean,boolean,boolean,text,boolean,timestamp with time zone,text,uuid,bigint) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_page_total(p_filter jsonb, p_own boolean, p_others boolean, p_trash boolean)
 RETURNS bigint
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET enable_bitmapscan TO 'off'
 SET enable_seqscan TO 'off'
 SET plan_cache_mode TO 'force_custom_plan'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
BEGIN
    IF p_filter - 'now' = '{}' THEN
        PERFORM set_config('plan_cache_mode', 'force_generic_plan', true);
    END IF;
    RETURN (
        SELECT count(*) FROM (
            (SELECT FROM public.memories
              WHERE tenant_id = v_tenant AND user_id = v_user AND deleted_at IS NULL AND p_own
                AND public.memory_fits(memories, p_filter)
                AND (parent_id IS NULL OR NOT EXISTS (
                         SELECT FROM public.memories AS root WHERE root.tenant_id = v_tenant AND root.id = memories.parent_id))
              LIMIT 1001)
            UNION ALL
            (SELECT FROM public.memories
              WHERE tenant_id = v_tenant AND user_id <> v_user AND deleted_at IS NULL AND visibility <> 'private' AND p_others
                AND public.memory_fits(memories, p_filter)
                AND parent_id IS NULL
              LIMIT 1001)
            UNION ALL
            (SELECT FROM public.memories
              WHERE tenant_id = v_tenant AND user_id = v_user AND deleted_at IS NOT NULL AND p_trash
                AND public.memory_fits(memories, p_filter)
              LIMIT 1001)
            LIMIT 1001
        ) AS counted
    );
END
$function$;
REVOKE ALL ON ROUTINE memory_page_total(jsonb,boolean,boolean,boolean) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_page_total(jsonb,boolean,boolean,boolean) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_phrases(p_phrases text[], p_all boolean)
 RETURNS tsquery
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ((SELECT string_agg((('('::text || (query.query)::text) || ')'::text), CASE WHEN memory_phrases.p_all THEN ' & '::text ELSE ' | '::text END) AS string_agg FROM unnest(memory_phrases.p_phrases) phrases(phrase), LATERAL phraseto_tsquery('english'::regconfig, memory_words(phrases.phrase)) query(query) WHERE (numnode(query.query) > 0)))::tsquery;

CREATE OR REPLACE FUNCTION public.memory_proposal_accept(p_proposal_id uuid, p_comment text, p_reason text, p_at timestamp with time zone, OUT shared_id uuid, OUT shared_version integer)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_led uuid[] := nullif(current_setting('app.led_team_ids', true), '')::uuid[];
    v_held text[] := string_to_array(current_setting('app.permissions', true), ',');
    v_proposal public.memory_proposals;
    v_memory public.memories;
BEGIN
    SELECT * INTO v_proposal
      FROM public.memory_proposals
     WHERE tenant_id = v_tenant AND id = p_proposal_id AND status = 'pending'
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF NOT coalesce(
        v_proposal.proposed_by <> v_user
        AND ('memory.review' = ANY (v_held) OR 'memory.share' = ANY (v_held) AND v_proposal.team_id = ANY (v_led)),
        false
    ) THEN
        RAISE EXCEPTION 'others decide this proposal' USING ERRCODE = 'insufficient_privilege';
    END IF;

    shared_id := v_proposal.memory_id;
    PERFORM pg_advisory_xact_lock(hashtextextended(shared_id::text, 24));
    SELECT * INTO v_memory
      FROM public.memories
     WHERE tenant_id = v_tenant AND id = shared_id AND user_id = v_proposal.proposed_by
       AND version = v_proposal.memory_version AND parent_id IS NULL AND deleted_at IS NULL
       AND (expires_at IS NULL OR expires_at > p_at)
       -- The memory must have exactly the text that was reviewed.
       AND CASE
               WHEN v_proposal.replaces IS NULL THEN
                   (kind, title, content, tags)
                   = (v_proposal.kind, v_proposal.title, v_proposal.content, v_proposal.tags)
               ELSE
                   (visibility, team_id) IS NOT DISTINCT FROM (v_proposal.to_visibility, v_proposal.team_id)
                   AND coalesce((v_proposal.attributes ->> 'expires_at')::timestamptz > p_at, true)
                   -- Nulls aside, because an older proposal lacks newer attributes.
                   AND jsonb_strip_nulls(public.memory_shown(memories)) = jsonb_strip_nulls(v_proposal.replaces)
           END
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF v_proposal.replaces IS NULL THEN
        PERFORM public.memory_version_keep(shared_id, p_reason, p_at);
        UPDATE public.memories
           SET visibility = v_proposal.to_visibility, team_id = v_proposal.team_id, version = version + 1,
               updated_at = p_at, shared_at = p_at
         WHERE tenant_id = v_tenant AND id = shared_id
        RETURNING version INTO STRICT shared_version;
        PERFORM public.memory_replies_follow(shared_id);
    ELSE
        v_memory := jsonb_populate_record(v_memory, v_proposal.attributes);
        v_memory.tenant_id := v_tenant;
        v_memory.id := shared_id;
        v_memory.kind := v_proposal.kind;
        v_memory.title := v_proposal.title;
        v_memory.content := v_proposal.content;
        v_memory.tags := v_proposal.tags;
        shared_version := public.memory_replace(v_memory, p_reason, p_at);
    END IF;
    UPDATE public.memory_proposals
       SET status = 'accepted', reviewed_by = v_user, review_comment = p_comment, reviewed_at = p_at
     WHERE tenant_id = v_tenant AND id = p_proposal_id;
END
$function$;
ALTER ROUTINE memory_proposal_accept(uuid,text,text,timestamp with time zone) OWNER TO atrium_sharing;
REVOKE ALL ON ROUTINE memory_proposal_accept(uuid,text,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_proposal_accept(uuid,text,text,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_proposal_close(p_proposal_id uuid, p_decline boolean, p_comment text, p_at timestamp with time zone)
 RETURNS boolean
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    WITH closed AS (
        UPDATE public.memory_proposals
           SET status = CASE WHEN p_decline THEN 'declined' ELSE 'withdrawn' END,
               reviewed_by = CASE WHEN p_decline THEN nullif(current_setting('app.current_user_id', true), '')::uuid END,
               review_comment = p_comment,
               reviewed_at = p_at
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND id = p_proposal_id AND status = 'pending'
           -- Only reviewers can see another member's proposal.
           AND (proposed_by <> nullif(current_setting('app.current_user_id', true), '')::uuid) = p_decline
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM closed)
$function$;
ALTER ROUTINE memory_proposal_close(uuid,boolean,text,timestamp with time zone) OWNER TO atrium_sharing;
REVOKE ALL ON ROUTINE memory_proposal_close(uuid,boolean,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_proposal_close(uuid,boolean,text,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_replace(p_after memories, p_reason text, p_at timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_version integer;
BEGIN
    PERFORM public.memory_version_keep(p_after.id, p_reason, p_at);
    UPDATE public.memories
       SET kind = p_after.kind, title = p_after.title, content = p_after.content, tags = p_after.tags,
           expires_at = p_after.expires_at, importance = p_after.importance,
           allowed_vendors = p_after.allowed_vendors, source_url = p_after.source_url, version = version + 1,
           updated_at = p_at,
           -- Embeddings belong to the earlier text.
           embedding_a = CASE WHEN (title, content, tags) = (p_after.title, p_after.content, p_after.tags)
                              THEN embedding_a END,
           embedding_b = CASE WHEN (title, content, tags) = (p_after.title, p_after.content, p_after.tags)
                              THEN embedding_b END
     WHERE tenant_id = p_after.tenant_id AND id = p_after.id
    RETURNING version INTO STRICT v_version;
    UPDATE public.memories
       SET expires_at = p_after.expires_at, allowed_vendors = p_after.allowed_vendors
     WHERE tenant_id = p_after.tenant_id AND parent_id = p_after.id
       AND (expires_at, allowed_vendors) IS DISTINCT FROM (p_after.expires_at, p_after.allowed_vendors);
    RETURN v_version;
END
$function$;
REVOKE ALL ON ROUTINE memory_replace(memories,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_replace(memories,text,timestamp with time zone) TO atrium_sharing;

CREATE OR REPLACE FUNCTION public.memory_replies_follow(p_root uuid)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    UPDATE public.memories AS reply
       SET visibility = root.visibility, team_id = root.team_id, shared_at = root.shared_at
      FROM public.memories AS root
     WHERE reply.tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
       AND reply.parent_id = p_root
       AND root.tenant_id = reply.tenant_id AND root.id = p_root
$function$;
REVOKE ALL ON ROUTINE memory_replies_follow(uuid) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_replies_follow(uuid) TO atrium_sharing;

CREATE OR REPLACE FUNCTION public.memory_reply_publish(p_reply uuid)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_teams uuid[] := nullif(current_setting('app.current_team_ids', true), '')::uuid[];
    v_held text[] := string_to_array(current_setting('app.permissions', true), ',');
    v_vendor text := nullif(current_setting('app.vendor', true), '');
    v_root record;
BEGIN
    SELECT root.visibility, root.team_id, root.shared_at, root.allowed_vendors, root.expires_at INTO v_root
      FROM public.memories AS reply
      JOIN public.memories AS root ON root.tenant_id = reply.tenant_id AND root.id = reply.parent_id
     WHERE reply.tenant_id = v_tenant AND reply.id = p_reply AND reply.user_id = v_user
       AND root.parent_id IS NULL AND root.deleted_at IS NULL
       AND (root.user_id = v_user OR root.visibility = 'org' OR root.visibility = 'team' AND root.team_id = ANY (v_teams))
       AND (v_vendor IS NULL OR root.allowed_vendors && ARRAY['*', v_vendor]);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such reply to a memory in sight' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF v_root.visibility <> 'private' AND NOT coalesce('memory.share' = ANY (v_held), false) THEN
        RAISE EXCEPTION 'a reply to what others see is seen by them: that needs memory.share'
            USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'memory_reply_share';
    END IF;
    UPDATE public.memories
       SET visibility = v_root.visibility, team_id = v_root.team_id, shared_at = v_root.shared_at,
           allowed_vendors = v_root.allowed_vendors, expires_at = v_root.expires_at
     WHERE tenant_id = v_tenant AND id = p_reply;
END
$function$;
ALTER ROUTINE memory_reply_publish(uuid) OWNER TO atrium_sharing;
REVOKE ALL ON ROUTINE memory_reply_publish(uuid) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_reply_publish(uuid) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_search_words(p_lexemes text[], p_phrases tsquery, p_excluded tsquery, p_filter jsonb, p_rare bigint, p_limit bigint)
 RETURNS TABLE(memory_id uuid)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_visible text;
    v_search text;
    v_chosen tsquery := p_phrases;
    v_left text[] := p_lexemes;
    v_common text[] := '{}';
    v_rare text[] := '{}';
    v_cap bigint := p_rare;
    v_lexeme text;
    v_count bigint;
    v_least bigint;
BEGIN
    SELECT '(' || pg_get_expr(polqual, polrelid) || ')' INTO STRICT v_visible
      FROM pg_policy
     WHERE polrelid = 'public.memories'::regclass AND polname = 'memories_app_select';
    v_search := 'SELECT memories.id FROM public.memories WHERE tenant_id = $1 AND search @@ $2 AND ' || v_visible
        || ' AND public.memory_fits(memories, $3)'
        || CASE WHEN p_excluded IS NULL THEN '' ELSE ' AND NOT search @@ $4' END
        || ' ORDER BY ts_rank(search, $5) DESC, id LIMIT $6';

    IF v_chosen IS NULL THEN
        IF EXISTS (SELECT FROM public.memory_collections WHERE tenant_id = v_tenant AND lexemes_at IS NOT NULL) THEN
            SELECT coalesce(array_agg(asked.lexeme) FILTER (WHERE coalesce(known.memories, 0) <= p_rare), '{}'),
                   coalesce(array_agg(asked.lexeme ORDER BY known.memories, asked.lexeme)
                            FILTER (WHERE known.memories > p_rare), '{}')
              INTO v_rare, v_common
              FROM unnest(p_lexemes) AS asked (lexeme)
              LEFT JOIN public.memory_lexemes AS known ON known.tenant_id = v_tenant AND known.lexeme = asked.lexeme;
        ELSE
            -- Counting stops at the cap, which grows while every word is above it.
            LOOP
                v_common := '{}';
                FOREACH v_lexeme IN ARRAY v_left LOOP
                    EXECUTE 'SELECT count(*) FROM (SELECT FROM public.memories WHERE tenant_id = $1 AND search @@ $2 AND '
                        || v_visible || ' LIMIT $3) AS counted'
                       INTO v_count
                      USING v_tenant, public.memory_any_lexeme(ARRAY[v_lexeme]), v_cap + 1;
                    IF v_count > v_cap THEN
                        v_common := v_common || v_lexeme;
                    ELSIF v_count > 0 AND v_cap = p_rare THEN
                        v_rare := v_rare || v_lexeme;
                    ELSIF v_count > 0 AND (v_least IS NULL OR v_count < v_least) THEN
                        v_rare := ARRAY[v_lexeme];
                        v_least := v_count;
                    END IF;
                END LOOP;
                EXIT WHEN v_rare <> '{}' OR v_common = '{}';
                v_left := v_common;
                v_cap := v_cap * 4;
            END LOOP;
            v_common := '{}';
        END IF;
        v_chosen := public.memory_any_lexeme(v_rare);
    END IF;

    LOOP
        IF v_chosen IS NOT NULL THEN
            RETURN QUERY EXECUTE v_search
            USING v_tenant, v_chosen, p_filter, p_excluded, public.memory_any_lexeme(p_lexemes), p_limit;
        END IF;
        EXIT WHEN v_chosen IS NOT NULL AND FOUND OR v_common = '{}';
        v_chosen := public.memory_any_lexeme(v_common[1:1]);
        v_common := v_common[2:];
    END LOOP;
END
$function$;
ALTER ROUTINE memory_search_words(text[],tsquery,tsquery,jsonb,bigint,bigint) OWNER TO atrium_search;
REVOKE ALL ON ROUTINE memory_search_words(text[],tsquery,tsquery,jsonb,bigint,bigint) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_search_words(text[],tsquery,tsquery,jsonb,bigint,bigint) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_share(p_memory_id uuid, p_version integer, p_visibility text, p_team_id uuid, p_reason text, p_at timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_teams uuid[] := nullif(current_setting('app.current_team_ids', true), '')::uuid[];
    v_led uuid[] := nullif(current_setting('app.led_team_ids', true), '')::uuid[];
    v_held text[] := string_to_array(current_setting('app.permissions', true), ',');
    v_before record;
    v_version integer;
BEGIN
    -- A concurrent reply holds this lock in shared mode.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_memory_id::text, 24));
    SELECT visibility, team_id INTO v_before
      FROM public.memories
     WHERE tenant_id = v_tenant AND id = p_memory_id AND user_id = v_user AND version = coalesce(p_version, version)
       AND parent_id IS NULL
       AND (p_visibility = 'private' OR deleted_at IS NULL AND (expires_at IS NULL OR expires_at > p_at))
       FOR UPDATE;
    IF NOT FOUND OR (v_before.visibility, v_before.team_id) IS NOT DISTINCT FROM (p_visibility, p_team_id) THEN
        RETURN NULL;
    END IF;
    IF NOT coalesce(
        p_visibility = 'private'
        OR v_before.visibility = 'org' AND p_visibility = 'team' AND p_team_id = ANY (v_teams)
        OR 'memory.share' = ANY (v_held)
           AND ('memory.review' = ANY (v_held) OR p_visibility = 'team' AND p_team_id = ANY (v_led)),
        false
    ) THEN
        RAISE EXCEPTION 'others decide whether this is shared' USING ERRCODE = 'insufficient_privilege';
    END IF;

    PERFORM public.memory_version_keep(p_memory_id, p_reason, p_at);
    UPDATE public.memories
       SET visibility = p_visibility, team_id = p_team_id, version = version + 1, updated_at = p_at,
           shared_at = CASE WHEN p_visibility <> 'private' THEN p_at END
     WHERE tenant_id = v_tenant AND id = p_memory_id
    RETURNING version INTO STRICT v_version;
    PERFORM public.memory_replies_follow(p_memory_id);
    -- Pending proposals are of an earlier version now.
    UPDATE public.memory_proposals SET status = 'withdrawn', reviewed_at = p_at
     WHERE tenant_id = v_tenant AND memory_id = p_memory_id AND proposed_by = v_user AND status = 'pending';
    RETURN v_version;
END
$function$;
ALTER ROUTINE memory_share(uuid,integer,text,uuid,text,timestamp with time zone) OWNER TO atrium_sharing;
REVOKE ALL ON ROUTINE memory_share(uuid,integer,text,uuid,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_share(uuid,integer,text,uuid,text,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_shown(p_memory memories)
 RETURNS jsonb
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    SELECT public.memory_attributes(p_memory) || jsonb_build_object(
        'kind', p_memory.kind,
        'title', p_memory.title,
        'content', p_memory.content,
        'tags', to_jsonb(p_memory.tags)
    )
$function$;
REVOKE ALL ON ROUTINE memory_shown(memories) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_shown(memories) TO atrium_app, atrium_sharing;

CREATE OR REPLACE FUNCTION public.memory_system_only()
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    IF NOT coalesce('system' = ANY (string_to_array(current_setting('app.permissions', true), ',')), false) THEN
        RAISE EXCEPTION 'only Atrium itself sweeps' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$function$;
REVOKE ALL ON ROUTINE memory_system_only() FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_system_only() TO atrium_trash;

CREATE OR REPLACE FUNCTION public.memory_tags_text(p_tags text[])
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN array_to_string(p_tags, ' '::text);

CREATE OR REPLACE FUNCTION public.memory_thread_follow(p_root uuid, p_back_from timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS bigint
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_root record;
    v_count bigint;
BEGIN
    -- Waits for a concurrent reply, which holds this lock in shared mode.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_root::text, 24));
    SELECT visibility, team_id, shared_at, allowed_vendors, expires_at, deleted_at INTO v_root
      FROM public.memories
     WHERE tenant_id = v_tenant AND id = p_root AND user_id = v_user AND parent_id IS NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE public.memories
       SET visibility = v_root.visibility, team_id = v_root.team_id, shared_at = v_root.shared_at,
           allowed_vendors = v_root.allowed_vendors, expires_at = v_root.expires_at,
           deleted_at = CASE
               WHEN v_root.deleted_at IS NOT NULL THEN coalesce(deleted_at, v_root.deleted_at)
               WHEN deleted_at IS DISTINCT FROM p_back_from THEN deleted_at
           END
     WHERE tenant_id = v_tenant AND parent_id = p_root;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$function$;
ALTER ROUTINE memory_thread_follow(uuid,timestamp with time zone) OWNER TO atrium_trash;
REVOKE ALL ON ROUTINE memory_thread_follow(uuid,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_thread_follow(uuid,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_trash_empty(p_id uuid, p_limit bigint)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_vendor text := nullif(current_setting('app.vendor', true), '');
BEGIN
    RETURN QUERY
    WITH chosen AS (
        SELECT id FROM public.memories m
         WHERE tenant_id = v_tenant AND user_id = v_user AND deleted_at IS NOT NULL AND (p_id IS NULL OR id = p_id)
           AND (v_vendor IS NULL OR allowed_vendors && ARRAY['*', v_vendor])
           AND NOT EXISTS (
                   SELECT FROM public.memories r
                    WHERE r.tenant_id = v_tenant AND r.parent_id = m.id AND r.deleted_at IS NULL
               )
         ORDER BY deleted_at, id
         LIMIT p_limit
    )
    DELETE FROM public.memories m
     WHERE m.tenant_id = v_tenant AND m.deleted_at IS NOT NULL
       AND (m.id IN (SELECT chosen.id FROM chosen) OR m.parent_id IN (SELECT chosen.id FROM chosen))
    RETURNING m.id;
END
$function$;
ALTER ROUTINE memory_trash_empty(uuid,bigint) OWNER TO atrium_trash;
REVOKE ALL ON ROUTINE memory_trash_empty(uuid,bigint) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_trash_empty(uuid,bigint) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_trash_purge(p_before timestamp with time zone, p_limit bigint)
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
BEGIN
    PERFORM public.memory_system_only();
    RETURN QUERY
    WITH due AS (
        SELECT id FROM public.memories m
         WHERE tenant_id = v_tenant AND deleted_at <= p_before
           AND NOT EXISTS (
                   SELECT FROM public.memories r
                    WHERE r.tenant_id = v_tenant AND r.parent_id = m.id
                      AND (r.deleted_at IS NULL OR r.deleted_at > p_before)
               )
         ORDER BY deleted_at, id
         LIMIT p_limit
    )
    DELETE FROM public.memories m
     WHERE m.tenant_id = v_tenant AND m.deleted_at <= p_before
       AND (m.id IN (SELECT due.id FROM due) OR m.parent_id IN (SELECT due.id FROM due))
    RETURNING m.id;
END
$function$;
ALTER ROUTINE memory_trash_purge(timestamp with time zone,bigint) OWNER TO atrium_trash;
REVOKE ALL ON ROUTINE memory_trash_purge(timestamp with time zone,bigint) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_trash_purge(timestamp with time zone,bigint) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_version_keep(p_memory_id uuid, p_reason text, p_at timestamp with time zone)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    INSERT INTO public.memory_versions (
        tenant_id, memory_id, version, user_id, kind, title, content, tags, visibility, team_id, origin,
        changed_by, changed_at, change_reason
    )
    SELECT tenant_id, id, version, user_id, kind, title, content, tags, visibility, team_id, origin,
           nullif(current_setting('app.current_user_id', true), '')::uuid, p_at, p_reason
      FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid AND id = p_memory_id
$function$;
REVOKE ALL ON ROUTINE memory_version_keep(uuid,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_version_keep(uuid,text,timestamp with time zone) TO atrium_handover, atrium_sharing;

CREATE OR REPLACE FUNCTION public.memory_viewers(p_owner uuid, p_visibility text, p_team_id uuid, p_deleted_at timestamp with time zone, p_roles text[], p_limit bigint)
 RETURNS TABLE(viewer_id uuid, viewer_name text, viewer_kind text, people bigint, programs bigint)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_sees text;
BEGIN
    SELECT pg_get_expr(polqual, polrelid) INTO STRICT v_sees
      FROM pg_policy
     WHERE polrelid = 'public.memories'::regclass AND polname = 'memories_app_select';
    v_sees := replace(
        v_sees, $q$(NULLIF(current_setting('app.current_user_id'::text, true), ''::text))::uuid$q$, 'viewer.id'
    );
    v_sees := replace(
        v_sees,
        $q$(NULLIF(current_setting('app.current_team_ids'::text, true), ''::text))::uuid[]$q$,
        'ARRAY(SELECT belongs.team_id FROM public.team_members belongs
                WHERE belongs.tenant_id = viewer.tenant_id AND belongs.user_id = viewer.id)'
    );
    -- People read in a browser, to which no vendor limits apply.
    v_sees := replace(v_sees, $q$current_setting('app.vendor'::text, true)$q$, $q$''::text$q$);
    IF replace(v_sees, 'app.current_tenant_id', '') LIKE '%''app.%' THEN
        RAISE EXCEPTION 'the policy on memories asks for what memory_viewers does not know: %', v_sees;
    END IF;

    RETURN QUERY EXECUTE
        'WITH memory AS MATERIALIZED (
             SELECT * FROM jsonb_populate_record(NULL::public.memories, $1)
         ), viewers AS (
             SELECT viewer.id, viewer.display_name, viewer.kind, viewer.sort_name
               FROM public.users viewer
              WHERE viewer.tenant_id = $2 AND viewer.status = ''active''
                AND EXISTS (
                    SELECT FROM public.user_roles held
                      JOIN public.roles ON roles.tenant_id = held.tenant_id AND roles.id = held.role_id
                     WHERE held.tenant_id = viewer.tenant_id AND held.user_id = viewer.id
                       AND (roles.is_system AND roles.key = ANY ($3) OR ''memory.read'' = ANY (roles.permissions)))
                AND EXISTS (SELECT FROM memory WHERE ' || v_sees || ')
         )
         SELECT id, display_name, kind,
                count(*) FILTER (WHERE kind = ''human'') OVER (),
                count(*) FILTER (WHERE kind <> ''human'') OVER ()
           FROM viewers
          ORDER BY kind <> ''human'', sort_name, id
          LIMIT $4'
    USING jsonb_build_object(
              'tenant_id', v_tenant, 'user_id', p_owner, 'visibility', p_visibility, 'team_id', p_team_id,
              'deleted_at', p_deleted_at, 'allowed_vendors', '{*}'::text[]
          ),
          v_tenant, p_roles, p_limit;
END
$function$;
REVOKE ALL ON ROUTINE memory_viewers(uuid,text,uuid,timestamp with time zone,text[],bigint) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE memory_viewers(uuid,text,uuid,timestamp with time zone,text[],bigint) TO atrium_app;

CREATE OR REPLACE FUNCTION public.memory_words(p_text text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN translate(p_text, '<>'::text, ''::text);

CREATE OR REPLACE FUNCTION public.memory_words_shown(p_text text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN translate(p_text, ''::text, '<>'::text);

CREATE OR REPLACE PROCEDURE public.policies_copy(IN p_parent regclass, IN p_partition regclass)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $procedure$
DECLARE
    v_policy record;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', p_partition);
    FOR v_policy IN
        SELECT polname,
               CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
               (SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles WHERE oid = ANY (polroles)) AS roles,
               pg_get_expr(polqual, polrelid) AS condition,
               pg_get_expr(polwithcheck, polrelid) AS check_condition
          FROM pg_policy
         WHERE polrelid = p_parent
    LOOP
        EXECUTE format(
            'CREATE POLICY %I ON %s FOR %s TO %s %s %s',
            v_policy.polname,
            p_partition,
            v_policy.command,
            v_policy.roles,
            'USING (' || v_policy.condition || ')',
            'WITH CHECK (' || v_policy.check_condition || ')'
        );
    END LOOP;
END
$procedure$;
REVOKE ALL ON ROUTINE policies_copy(regclass,regclass) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE public.policies_create(IN p_table regclass, IN p_role text, IN p_commands text[], IN p_condition text DEFAULT NULL::text, IN p_check text DEFAULT NULL::text, IN p_suffix text DEFAULT NULL::text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $procedure$
BEGIN
    CALL public.policies_write(
        p_table,
        p_role,
        p_commands,
        public.policy_condition(p_table, p_condition),
        public.policy_condition(p_table, coalesce(p_check, p_condition)),
        p_suffix
    );
    CALL public.purge_allow(p_table);
END
$procedure$;
REVOKE ALL ON ROUTINE policies_create(regclass,text,text[],text,text,text) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE public.policies_create_open(IN p_table regclass, IN p_role text, IN p_commands text[])
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $procedure$
BEGIN
    CALL public.policies_write(p_table, p_role, p_commands, 'true', 'true');
    CALL public.purge_allow(p_table);
END
$procedure$;
REVOKE ALL ON ROUTINE policies_create_open(regclass,text,text[]) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE public.policies_write(IN p_table regclass, IN p_role text, IN p_commands text[], IN p_using text, IN p_check text, IN p_suffix text DEFAULT NULL::text)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $procedure$
DECLARE
    v_name text := (SELECT relname FROM pg_class WHERE oid = p_table);
    v_table regclass;
    v_command text;
BEGIN
    FOR v_table IN SELECT p_table UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = p_table LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v_table);
        FOREACH v_command IN ARRAY p_commands LOOP
            EXECUTE format(
                'CREATE POLICY %I ON %s FOR %s TO %I %s %s',
                concat_ws('_', v_name, replace(p_role, 'atrium_', ''), v_command, p_suffix),
                v_table,
                v_command,
                p_role,
                CASE WHEN v_command <> 'insert' THEN format('USING (%s)', p_using) END,
                CASE WHEN v_command IN ('insert', 'update') THEN format('WITH CHECK (%s)', p_check) END
            );
        END LOOP;
    END LOOP;
END
$procedure$;
REVOKE ALL ON ROUTINE policies_write(regclass,text,text[],text,text,text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.policy_condition(p_table regclass, p_condition text)
 RETURNS text
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $function$
DECLARE
    v_condition text := format(
        '%s = nullif(current_setting(''app.current_tenant_id'', true), '''')::uuid',
        -- In `tenants` the tenant's own row is found by `id`.
        CASE WHEN p_table = 'tenants'::regclass THEN 'id' ELSE 'tenant_id' END
    );
    v_is_direct boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'citus');
    v_setting record;
BEGIN
    IF p_condition IS NULL THEN
        RETURN v_condition;
    END IF;
    v_condition := format(
        '%s AND (%s)',
        v_condition,
        regexp_replace(p_condition, ':may\(([a-z_.,]+)\)', '(:permissions && ''{\1,system}''::text[])', 'g')
    );
    FOR v_setting IN
        SELECT * FROM (VALUES
            (':user', 'nullif(current_setting(''app.current_user_id'', true), '''')::uuid', ''),
            (':teams', 'nullif(current_setting(''app.current_team_ids'', true), '''')::uuid[]', '::uuid[]'),
            (':led', 'nullif(current_setting(''app.led_team_ids'', true), '''')::uuid[]', '::uuid[]'),
            (':permissions', 'string_to_array(current_setting(''app.permissions'', true), '','')', '::text[]'),
            (':vendor', 'nullif(current_setting(''app.vendor'', true), '''')', ''),
            (':break_glass', 'nullif(current_setting(''app.break_glass_user_id'', true), '''')::uuid', '')
        ) AS settings (name, value, type)
    LOOP
        v_condition := replace(
            v_condition,
            v_setting.name,
            -- With the type, `= ANY (…)` takes an array and not a subquery.
            CASE WHEN v_is_direct THEN v_setting.value ELSE format('(SELECT %s)%s', v_setting.value, v_setting.type) END
        );
    END LOOP;
    RETURN v_condition;
END
$function$;
REVOKE ALL ON ROUTINE policy_condition(regclass,text) FROM PUBLIC;

CREATE OR REPLACE PROCEDURE public.purge_allow(IN p_table regclass)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'public', 'pg_temp'
AS $procedure$
BEGIN
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = p_table AND 'atrium_purge'::regrole = ANY (polroles))
        OR NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = p_table AND attname = 'tenant_id' AND NOT attisdropped
        )
    THEN
        RETURN;
    END IF;
    CALL public.policies_write(
        p_table, 'atrium_purge', '{select,delete}', public.policy_condition(p_table, NULL), NULL
    );
    EXECUTE format('GRANT SELECT (tenant_id), DELETE ON %s TO atrium_purge', p_table);
END
$procedure$;
REVOKE ALL ON ROUTINE purge_allow(regclass) FROM PUBLIC;

CREATE OR REPLACE FUNCTION public.session_enter(p_id_hash bytea, p_now timestamp with time zone, OUT tenant_id uuid, OUT user_id uuid, OUT session_id uuid, OUT last_seen_at timestamp with time zone, OUT privileges_hash bytea, OUT by_previous_id boolean, OUT refresh_is_due boolean)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
BEGIN
    SELECT s.tenant_id, s.user_id, s.id, s.last_seen_at, s.privileges_hash, s.id_hash <> p_id_hash,
           coalesce(s.refresh_at <= p_now, false) AND coalesce(s.refresh_lease_until <= p_now, true)
      INTO tenant_id, user_id, session_id, last_seen_at, privileges_hash, by_previous_id, refresh_is_due
      FROM public.web_sessions AS s
     WHERE (s.id_hash = p_id_hash OR s.previous_id_hash = p_id_hash AND s.previous_id_until > p_now)
       AND s.revoked_at IS NULL AND s.idle_expires_at > p_now AND s.absolute_expires_at > p_now;
    PERFORM set_config('app.current_tenant_id', coalesce(tenant_id::text, ''), true),
            set_config('app.current_user_id', coalesce(user_id::text, ''), true);
END
$function$;
ALTER ROUTINE session_enter(bytea,timestamp with time zone) OWNER TO atrium_session;
REVOKE ALL ON ROUTINE session_enter(bytea,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE session_enter(bytea,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.sort_time(p_at timestamp with time zone)
 RETURNS text
 LANGUAGE sql
 STABLE PARALLEL SAFE
RETURN COALESCE(lpad((((EXTRACT(epoch FROM p_at) * (1000000)::numeric))::bigint)::text, 20, '0'::text), ''::text);
REVOKE ALL ON ROUTINE sort_time(timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE sort_time(timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.team_memories_count(p_team_id uuid)
 RETURNS bigint
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    SELECT count(*) FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
       AND team_id = p_team_id AND deleted_at IS NULL
$function$;
ALTER ROUTINE team_memories_count(uuid) OWNER TO atrium_handover;
REVOKE ALL ON ROUTINE team_memories_count(uuid) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE team_memories_count(uuid) TO atrium_app;

CREATE OR REPLACE FUNCTION public.team_memories_release(p_team_id uuid, p_limit bigint, p_reason text, p_at timestamp with time zone)
 RETURNS TABLE(released_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_ids uuid[];
BEGIN
    SELECT array_agg(id) INTO v_ids
      FROM (
          SELECT id FROM public.memories
           WHERE tenant_id = v_tenant AND team_id = p_team_id
           ORDER BY id LIMIT p_limit
             FOR UPDATE
      ) AS due;
    PERFORM public.memory_version_keep(due, p_reason, p_at) FROM unnest(v_ids) AS due;
    RETURN QUERY
        UPDATE public.memories
           SET visibility = 'private', team_id = NULL, shared_at = NULL, version = version + 1, updated_at = p_at
         WHERE tenant_id = v_tenant AND id = ANY (v_ids)
        RETURNING id;
END
$function$;
ALTER ROUTINE team_memories_release(uuid,bigint,text,timestamp with time zone) OWNER TO atrium_handover;
REVOKE ALL ON ROUTINE team_memories_release(uuid,bigint,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE team_memories_release(uuid,bigint,text,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.team_proposals_release(p_team_id uuid, p_comment text, p_at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    WITH ended AS (
        UPDATE public.memory_proposals
           SET status = 'withdrawn', review_comment = p_comment, reviewed_at = p_at, team_id = NULL
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND team_id = p_team_id AND status = 'pending'
        RETURNING 1
    ), released AS (
        UPDATE public.memory_proposals SET team_id = NULL
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND team_id = p_team_id AND status <> 'pending'
    )
    SELECT count(*) FROM ended
$function$;
ALTER ROUTINE team_proposals_release(uuid,text,timestamp with time zone) OWNER TO atrium_handover;
REVOKE ALL ON ROUTINE team_proposals_release(uuid,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE team_proposals_release(uuid,text,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.tenant_purge(p_tenant_id uuid, p_now timestamp with time zone, OUT head_seq bigint, OUT head_hash bytea, OUT purged jsonb)
 RETURNS record
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_left oid[];
    v_table oid;
    v_name text;
    v_count bigint;
BEGIN
    IF p_tenant_id IS DISTINCT FROM nullif(current_setting('app.current_tenant_id', true), '')::uuid THEN
        RAISE EXCEPTION 'only the transaction''s own tenant can be purged'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM FROM public.tenants WHERE id = p_tenant_id AND status = 'deleted' AND delete_after <= p_now;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the tenant is not deleted, or its time of grace is not over'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT seq, hash INTO head_seq, head_hash FROM public.audit_heads WHERE tenant_id = p_tenant_id;

    SELECT array_agg(c.oid) INTO v_left
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition;
    purged := '{}';
    WHILE cardinality(v_left) > 0 LOOP
        -- A table that none of the remaining tables references.
        SELECT t, c.relname INTO v_table, v_name
          FROM unnest(v_left) AS t
          JOIN pg_class c ON c.oid = t
         WHERE NOT EXISTS (
                   SELECT FROM pg_constraint k
                    WHERE k.contype = 'f' AND k.confrelid = t AND k.conrelid <> t AND k.conrelid = ANY (v_left)
               )
         ORDER BY c.relname
         LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'tables refer to each other in a circle';
        END IF;
        EXECUTE format('DELETE FROM public.%I WHERE tenant_id = $1', v_name) USING p_tenant_id;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count > 0 THEN
            purged := purged || jsonb_build_object(v_name, v_count);
        END IF;
        v_left := array_remove(v_left, v_table);
    END LOOP;

    DELETE FROM public.tenants WHERE id = p_tenant_id AND status = 'deleted' AND delete_after <= p_now;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the tenant was resumed in the meantime'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$function$;
ALTER ROUTINE tenant_purge(uuid,timestamp with time zone) OWNER TO atrium_purge;
REVOKE ALL ON ROUTINE tenant_purge(uuid,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE tenant_purge(uuid,timestamp with time zone) TO atrium_operator;

CREATE OR REPLACE FUNCTION public.user_memories_count(p_user_id uuid, OUT shared bigint, OUT private bigint)
 RETURNS record
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    SELECT count(*) FILTER (WHERE visibility <> 'private'), count(*) FILTER (WHERE visibility = 'private')
      FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
       AND user_id = p_user_id AND deleted_at IS NULL
$function$;
ALTER ROUTINE user_memories_count(uuid) OWNER TO atrium_handover;
REVOKE ALL ON ROUTINE user_memories_count(uuid) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE user_memories_count(uuid) TO atrium_app;

CREATE OR REPLACE FUNCTION public.user_memories_hand_over(p_from uuid, p_to uuid, p_limit bigint, p_reason text, p_at timestamp with time zone)
 RETURNS TABLE(handed_id uuid)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_ids uuid[];
BEGIN
    SELECT array_agg(id) INTO v_ids
      FROM (
          SELECT id FROM public.memories
           WHERE tenant_id = v_tenant AND user_id = p_from AND visibility <> 'private' AND deleted_at IS NULL
           ORDER BY id LIMIT p_limit
             FOR UPDATE
      ) AS due;
    PERFORM public.memory_version_keep(due, p_reason, p_at) FROM unnest(v_ids) AS due;
    RETURN QUERY
        UPDATE public.memories
           SET user_id = p_to, source_digest = NULL, persona_id = NULL, version = version + 1
         WHERE tenant_id = v_tenant AND id = ANY (v_ids)
        RETURNING id;
END
$function$;
ALTER ROUTINE user_memories_hand_over(uuid,uuid,bigint,text,timestamp with time zone) OWNER TO atrium_handover;
REVOKE ALL ON ROUTINE user_memories_hand_over(uuid,uuid,bigint,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE user_memories_hand_over(uuid,uuid,bigint,text,timestamp with time zone) TO atrium_app;

CREATE OR REPLACE FUNCTION public.user_proposals_withdraw(p_user_id uuid, p_comment text, p_at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
    WITH ended AS (
        UPDATE public.memory_proposals SET status = 'withdrawn', review_comment = p_comment, reviewed_at = p_at
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND proposed_by = p_user_id AND status = 'pending'
        RETURNING 1
    )
    SELECT count(*) FROM ended
$function$;
ALTER ROUTINE user_proposals_withdraw(uuid,text,timestamp with time zone) OWNER TO atrium_handover;
REVOKE ALL ON ROUTINE user_proposals_withdraw(uuid,text,timestamp with time zone) FROM PUBLIC;
GRANT EXECUTE ON ROUTINE user_proposals_withdraw(uuid,text,timestamp with time zone) TO atrium_app;
