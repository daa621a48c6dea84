DROP TABLE audit_checkpoints;
DROP POLICY audit_heads_worker_select ON audit_heads;
REVOKE SELECT (tenant_id, seq, edge) ON audit_heads FROM atrium_worker;

DROP FUNCTION audit_append(
    uuid, timestamptz[], uuid[], text[], text[], uuid[], text[], text[], uuid[], text[], text[], text[], text[], text[],
    jsonb[], jsonb[]
);
ALTER TABLE audit_heads DROP COLUMN edge;
DROP FUNCTION audit_row_bytes(
    uuid, bigint, timestamptz, uuid, text, text, uuid, inet, text, uuid, text, text, text, text, text, jsonb, jsonb
);
ALTER TABLE audit_log DROP CONSTRAINT audit_log_at_check;

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
