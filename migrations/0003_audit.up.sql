-- Who did what: append-only, gapless and chained by hash, per tenant.

CREATE TABLE audit_log (
    tenant_id uuid NOT NULL,
    at timestamptz NOT NULL,
    seq bigint NOT NULL
        CONSTRAINT audit_log_seq_check CHECK (seq > 0),
    actor_user_id uuid,
    actor_kind text NOT NULL
        CONSTRAINT audit_log_actor_kind_check CHECK (actor_kind IN ('human', 'agent', 'sub_agent', 'service', 'system')),
    actor_label text NOT NULL,
    on_behalf_of uuid,
    ip inet,
    user_agent text,
    request_id uuid,
    action text NOT NULL
        CONSTRAINT audit_log_action_check CHECK (action ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$'),
    resource_type text,
    resource_id text,
    outcome text NOT NULL
        CONSTRAINT audit_log_outcome_check CHECK (outcome IN ('success', 'denied', 'failure')),
    level text NOT NULL
        CONSTRAINT audit_log_level_check CHECK (level IN ('info', 'warning', 'error', 'critical')),
    -- Redacted before and after.
    changes jsonb
        CONSTRAINT audit_log_changes_check CHECK (octet_length(changes::text) <= 65536),
    metadata jsonb
        CONSTRAINT audit_log_metadata_check CHECK (octet_length(metadata::text) <= 65536),
    prev_hash bytea NOT NULL
        CONSTRAINT audit_log_prev_hash_check CHECK (octet_length(prev_hash) = 32),
    hash bytea NOT NULL
        CONSTRAINT audit_log_hash_check CHECK (octet_length(hash) = 32),
    -- Read backwards, this is also the index of the audit page.
    CONSTRAINT audit_log_pkey PRIMARY KEY (tenant_id, at, seq)
) PARTITION BY RANGE (at);
COMMENT ON TABLE audit_log IS 'Audit rows. Written by audit_append only, never changed.';
CREATE INDEX audit_log_seq_idx ON audit_log (tenant_id, seq);

CALL policies_create('audit_log', 'atrium_app', '{select}');
CALL policies_create('audit_log', 'atrium_audit', '{insert}');
GRANT SELECT ON audit_log TO atrium_app;
GRANT INSERT ON audit_log TO atrium_audit;

-- Takes what no month has been prepared for, so that an audit row can always
-- be written.
CREATE TABLE audit_log_default PARTITION OF audit_log DEFAULT;
CALL policies_copy('audit_log', 'audit_log_default');

CREATE TABLE audit_heads (
    tenant_id uuid NOT NULL
        CONSTRAINT audit_heads_pkey PRIMARY KEY,
    seq bigint NOT NULL
        CONSTRAINT audit_heads_seq_check CHECK (seq >= 0),
    hash bytea NOT NULL
        CONSTRAINT audit_heads_hash_check CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE audit_heads IS 'The last link of each tenant''s audit chain.';

CALL policies_create('audit_heads', 'atrium_app', '{select}');
CALL policies_create('audit_heads', 'atrium_audit', '{select,insert,update}');
GRANT SELECT ON audit_heads TO atrium_app;
GRANT SELECT, INSERT ON audit_heads TO atrium_audit;
GRANT UPDATE (seq, hash) ON audit_heads TO atrium_audit;

-- Appends rows to the chain of the transaction's tenant and returns the last
-- sequence number. The arrays run in parallel, one element a row. The head row
-- is locked once: appends of one tenant queue up until commit, which is what
-- makes the sequence gapless.
--
-- A row's hash is SHA-256 over the hash before it and the row's fields in the
-- order below, each as its length in bytes, a colon and its UTF-8 text, or as
-- a minus sign when NULL, each followed by a comma. `store::audit` computes
-- the same in Rust to verify.
CREATE FUNCTION audit_append(
    p_tenant_id uuid,
    p_at timestamptz[],
    p_actor_user_id uuid[],
    p_actor_kind text[],
    p_actor_label text[],
    p_on_behalf_of uuid[],
    p_ip text[],
    p_user_agent text[],
    p_request_id uuid[],
    p_action text[],
    p_resource_type text[],
    p_resource_id text[],
    p_outcome text[],
    p_level text[],
    p_changes jsonb[],
    p_metadata jsonb[]
) RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_count int := cardinality(p_at);
    v_seq bigint;
    v_hash bytea;
    v_prev_hashes bytea[];
    v_hashes bytea[];
BEGIN
    IF p_tenant_id IS DISTINCT FROM nullif(current_setting('app.current_tenant_id', true), '')::uuid THEN
        RAISE EXCEPTION 'audit rows can only be written in the transaction''s own tenant'
            USING ERRCODE = 'insufficient_privilege';
    END IF;

    SELECT seq, hash INTO v_seq, v_hash FROM public.audit_heads WHERE tenant_id = p_tenant_id FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO public.audit_heads (tenant_id, seq, hash)
        VALUES (p_tenant_id, 0, decode(repeat('00', 32), 'hex'))
        ON CONFLICT (tenant_id) DO NOTHING;
        SELECT seq, hash INTO STRICT v_seq, v_hash FROM public.audit_heads WHERE tenant_id = p_tenant_id FOR UPDATE;
    END IF;

    FOR i IN 1 .. v_count LOOP
        v_prev_hashes[i] := v_hash;
        v_hash := sha256(v_hash || convert_to((
            SELECT string_agg(coalesce(octet_length(field) || ':' || field, '-') || ',', '' ORDER BY place)
              FROM unnest(ARRAY[
                  p_tenant_id::text,
                  (v_seq + i)::text,
                  (extract(epoch FROM p_at[i]) * 1000000)::bigint::text,
                  p_actor_user_id[i]::text,
                  p_actor_kind[i],
                  p_actor_label[i],
                  p_on_behalf_of[i]::text,
                  host(p_ip[i]::inet),
                  p_user_agent[i],
                  p_request_id[i]::text,
                  p_action[i],
                  p_resource_type[i],
                  p_resource_id[i],
                  p_outcome[i],
                  p_level[i],
                  p_changes[i]::text,
                  p_metadata[i]::text
              ]) WITH ORDINALITY AS fields (field, place)
        ), 'UTF8'));
        v_hashes[i] := v_hash;
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

    UPDATE public.audit_heads SET seq = v_seq + v_count, hash = v_hash WHERE tenant_id = p_tenant_id;
    RETURN v_seq + v_count;
END
$$;

-- Before the function changes hands: afterwards only its new owner could.
REVOKE EXECUTE ON FUNCTION audit_append(
    uuid, timestamptz[], uuid[], text[], text[], uuid[], text[], text[], uuid[], text[], text[], text[], text[], text[],
    jsonb[], jsonb[]
) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_append(
    uuid, timestamptz[], uuid[], text[], text[], uuid[], text[], text[], uuid[], text[], text[], text[], text[], text[],
    jsonb[], jsonb[]
) TO atrium_app;

GRANT CREATE ON SCHEMA public TO atrium_audit;
ALTER FUNCTION audit_append(
    uuid, timestamptz[], uuid[], text[], text[], uuid[], text[], text[], uuid[], text[], text[], text[], text[], text[],
    jsonb[], jsonb[]
) OWNER TO atrium_audit;
REVOKE CREATE ON SCHEMA public FROM atrium_audit;

-- Prepares the month of p_from and p_months further ones (UTC) and returns how
-- many it made. A month whose rows already went to the default partition stays
-- there.
CREATE FUNCTION audit_partitions_ensure(p_from timestamptz, p_months int) RETURNS int
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
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
$$;

REVOKE EXECUTE ON FUNCTION audit_partitions_ensure(timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_partitions_ensure(timestamptz, int) TO atrium_worker;
