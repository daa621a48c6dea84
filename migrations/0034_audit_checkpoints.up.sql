-- A Merkle tree over each tenant's audit rows, and signed checkpoints of it.
--
-- The chain of hashes says which row was touched first. The tree's root is what
-- a checkpoint signs: RFC 6962, so that other programs understand it. Its
-- leaves are the bytes that the chain hashes, without the hash before them: a
-- row's place is in the tree already, and so it can be proved by itself.

-- For the counting below, where the owner is no superuser.
ALTER TABLE audit_log NO FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_heads NO FORCE ROW LEVEL SECURITY;

-- Within what Postgres, Rust's `time` and the audit page can all say. Rows that
-- are there already may break it.
ALTER TABLE audit_log
    ADD CONSTRAINT audit_log_at_check CHECK (at >= '1970-01-01 00:00+00' AND at < '9999-12-31 00:00+00') NOT VALID;

-- A row's fields in the order below, each as its length in bytes, a colon and
-- its UTF-8 text, or as a minus sign when NULL, each followed by a comma.
-- `store::audit` computes the same in Rust.
CREATE FUNCTION audit_row_bytes(
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
    -- One expression without a query: it is computed once a row.
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

-- The edge of the tree: the roots of the perfect subtrees that the rows up to
-- seq consist of, largest first, one for each bit of seq.
ALTER TABLE audit_heads ADD COLUMN edge bytea[]
    CONSTRAINT audit_heads_edge_check CHECK (cardinality(edge) <= 64);

-- The tree of the rows that are there. A row that is missing, which `audit
-- verify` tells anyway, is a leaf of zeros: the log must go on.
DO $$
DECLARE
    v_head record;
    v_row record;
    v_leaves bytea[];
    v_edge bytea[];
    v_depth int;
    v_node bytea;
    v_count bigint;
    v_left bigint;
    v_missing constant bytea := decode(repeat('00', 32), 'hex');
    v_is_last boolean;
BEGIN
    FOR v_head IN SELECT tenant_id, seq FROM public.audit_heads LOOP
        v_edge := '{}';
        v_depth := 0;
        v_count := 0;
        FOR v_row IN
            SELECT seq,
                   sha256(decode('00', 'hex') || public.audit_row_bytes(
                       tenant_id, seq, at, actor_user_id, actor_kind, actor_label, on_behalf_of, ip, user_agent,
                       request_id, action, resource_type, resource_id, outcome, level, changes, metadata
                   )) AS leaf
              FROM public.audit_log
             WHERE tenant_id = v_head.tenant_id AND seq <= v_head.seq
            UNION ALL
            -- Fills up to the head.
            SELECT v_head.seq + 1, NULL
             ORDER BY 1
        LOOP
            WHILE v_count < least(v_row.seq, v_head.seq) LOOP
                v_node := CASE WHEN v_count + 1 = v_row.seq THEN v_row.leaf ELSE v_missing END;
                v_left := v_count;
                WHILE v_left & 1 = 1 LOOP
                    v_node := sha256(decode('01', 'hex') || v_edge[v_depth] || v_node);
                    v_depth := v_depth - 1;
                    v_left := v_left >> 1;
                END LOOP;
                v_depth := v_depth + 1;
                v_edge[v_depth] := v_node;
                v_count := v_count + 1;
            END LOOP;
        END LOOP;
        UPDATE public.audit_heads SET edge = v_edge[1:v_depth] WHERE tenant_id = v_head.tenant_id;
    END LOOP;
END
$$;
ALTER TABLE audit_heads ALTER COLUMN edge SET NOT NULL;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
ALTER TABLE audit_heads FORCE ROW LEVEL SECURITY;
GRANT UPDATE (edge) ON audit_heads TO atrium_audit;

-- As in 0003, and it keeps the tree's edge; and nothing that it is called with
-- becomes a row that does not verify.
DROP FUNCTION audit_append(
    uuid, timestamptz[], uuid[], text[], text[], uuid[], text[], text[], uuid[], text[], text[], text[], text[], text[],
    jsonb[], jsonb[]
);
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
    v_count constant int := cardinality(p_at);
    -- One dimension, counted from 1: what a loop from 1 and unnest agree on.
    v_dims constant text := '[1:' || v_count || ']';
    -- Not literals, which a session's settings could change the meaning of.
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
        -- Each trailing one bit of the number of rows before is a subtree as
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

CREATE TABLE audit_checkpoints (
    tenant_id uuid NOT NULL
        CONSTRAINT audit_checkpoints_tenant_id_fkey REFERENCES tenants (id),
    -- The number of rows that it is of.
    size bigint NOT NULL
        CONSTRAINT audit_checkpoints_size_check CHECK (size > 0),
    -- The edge of the tree then, of which the note signs the root: what the
    -- next checkpoint must follow from.
    edge bytea[] NOT NULL
        CONSTRAINT audit_checkpoints_edge_check CHECK (cardinality(edge) <= 64),
    -- The signed note.
    note text NOT NULL
        CONSTRAINT audit_checkpoints_note_check CHECK (octet_length(note) <= 2000),
    created_at timestamptz NOT NULL,
    CONSTRAINT audit_checkpoints_pkey PRIMARY KEY (tenant_id, size)
);
COMMENT ON TABLE audit_checkpoints IS
    'Signed notes of how the audit log was at a size. The key is not in the database, and copies are kept outside.';

CALL policies_create('audit_checkpoints', 'atrium_app', '{select}');
GRANT SELECT ON audit_checkpoints TO atrium_app;
-- A background task finds heads that moved and writes what it signed.
CALL policies_create('audit_checkpoints', 'atrium_worker', '{insert}');
CALL policies_create_open('audit_checkpoints', 'atrium_worker', '{select}');
CALL policies_create_open('audit_heads', 'atrium_worker', '{select}');
GRANT SELECT, INSERT ON audit_checkpoints TO atrium_worker;
GRANT SELECT (tenant_id, seq, edge) ON audit_heads TO atrium_worker;
