-- Vectors of memories, in two slots: one of the active model, one for the next.

-- The vector in a slot.
CREATE OR REPLACE FUNCTION memory_embedding(p_memory memories, p_slot text) RETURNS halfvec
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE p_slot WHEN 'a' THEN (p_memory).embedding_a WHEN 'b' THEN (p_memory).embedding_b END;

-- Numbers of memories, of private ones and of vectors in each slot, without the
-- trash, and true if a slot contains any vector, trash included. Counts the memories of all members,
-- so it runs as a role that can read them.
CREATE OR REPLACE FUNCTION memory_embedding_counts(
    OUT total bigint, OUT private bigint, OUT in_a bigint, OUT in_b bigint, OUT left_a boolean, OUT left_b boolean
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FILTER (WHERE deleted_at IS NULL),
           count(*) FILTER (WHERE deleted_at IS NULL AND visibility = 'private'),
           count(*) FILTER (WHERE deleted_at IS NULL AND embedding_a IS NOT NULL),
           count(*) FILTER (WHERE deleted_at IS NULL AND embedding_b IS NOT NULL),
           coalesce(bool_or(embedding_a IS NOT NULL), false),
           coalesce(bool_or(embedding_b IS NOT NULL), false)
      FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
$$;
CALL function_allow('memory_embedding_counts', '{atrium_app}', 'atrium_search');

-- Owners of memories with or without a vector in the slot. Lets a worker find
-- work without reading memories.
CREATE OR REPLACE FUNCTION memory_embedding_owners(p_tenant_id uuid, p_slot text, p_filled boolean) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
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
$$;
CALL function_allow('memory_embedding_owners', '{atrium_worker}', 'atrium_search');

-- The memories nearest to a vector, under the caller's row security. The statement
-- is built for one slot and one length, because an index is used only if its
-- expression is literal. It is planned for each call, because a generic plan would
-- be bad for every tenant. `p_exact` compares with every memory: the sum prevents
-- the use of the graph index.
CREATE OR REPLACE FUNCTION memory_nearest(
    p_tenant_id uuid,
    p_slot text,
    p_vector halfvec,
    p_filter jsonb,
    p_phrases tsquery,
    p_excluded tsquery,
    p_exact boolean,
    p_limit bigint
) RETURNS TABLE (memory_id uuid)
LANGUAGE plpgsql STABLE
AS $$
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
$$;
