-- Purging a deleted organisation.

-- Deletes all rows of the transaction's tenant, and the tenant, which must be
-- deleted with its grace period over at p_now. Returns the head of its audit log
-- and the number of rows by table. Fails if a table does not allow it.
CREATE OR REPLACE FUNCTION tenant_purge(
    p_tenant_id uuid,
    p_now timestamptz,
    OUT head_seq bigint,
    OUT head_hash bytea,
    OUT purged jsonb
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
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
$$;
CALL function_allow('tenant_purge', '{atrium_operator}', 'atrium_purge');
