-- The append-only audit log: a hash chain and a Merkle tree (RFC 6962) for each
-- tenant, in monthly partitions.

-- Serialises a row for hashing. Each field, in the order of the parameters, is
-- its length in bytes, a colon and its UTF-8 text, or a minus sign if NULL, and a
-- comma. `store::audit` computes the same in Rust.
CREATE OR REPLACE FUNCTION audit_row_bytes(
    p_tenant_id uuid,
    p_seq bigint,
    p_at timestamptz,
    p_actor_user_id uuid,
    p_actor_kind text,
    p_actor_label text,
    p_on_behalf_of uuid,
    p_ip inet,
    p_user_agent text,
    p_request_id uuid,
    p_action text,
    p_resource_type text,
    p_resource_id text,
    p_outcome text,
    p_level text,
    p_changes jsonb,
    p_metadata jsonb
) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
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
$$;

-- Appends rows to the tenant's audit log and returns the last sequence number.
-- Input that would make a row fail verification is an error.
CREATE OR REPLACE FUNCTION audit_append(
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
$$;
CALL function_allow('audit_append', '{atrium_app}', 'atrium_audit');

-- Creates the partitions of the month of p_from and of p_months more (UTC) and
-- returns the number of new ones. A month with rows in the default partition gets
-- no partition.
CREATE OR REPLACE FUNCTION audit_partitions_ensure(p_from timestamptz, p_months int) RETURNS int
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
CALL function_allow('audit_partitions_ensure', '{atrium_worker}');
