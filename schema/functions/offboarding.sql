-- Memories and proposals of a member who leaves. None of these functions returns
-- content, and without the permission they match no rows.

-- Numbers of a member's shared and private memories.
CREATE OR REPLACE FUNCTION user_memories_count(p_user_id uuid, OUT shared bigint, OUT private bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FILTER (WHERE visibility <> 'private'), count(*) FILTER (WHERE visibility = 'private')
      FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
       AND user_id = p_user_id AND deleted_at IS NULL
$$;
CALL function_allow('user_memories_count', '{atrium_app}', 'atrium_handover');

-- Transfers at most p_limit of a member's shared memories to another, each with a
-- version, and returns their ids. Private ones stay, and earlier versions too,
-- because they may contain what was removed before sharing. The source is cleared,
-- because the new owner may have imported the same record.
CREATE OR REPLACE FUNCTION user_memories_hand_over(p_from uuid, p_to uuid, p_limit bigint, p_reason text, p_at timestamptz)
RETURNS TABLE (handed_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
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
$$;
CALL function_allow('user_memories_hand_over', '{atrium_app}', 'atrium_handover');

-- Withdraws the member's pending proposals and returns their number.
CREATE OR REPLACE FUNCTION user_proposals_withdraw(p_user_id uuid, p_comment text, p_at timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH ended AS (
        UPDATE public.memory_proposals SET status = 'withdrawn', review_comment = p_comment, reviewed_at = p_at
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND proposed_by = p_user_id AND status = 'pending'
        RETURNING 1
    )
    SELECT count(*) FROM ended
$$;
CALL function_allow('user_proposals_withdraw', '{atrium_app}', 'atrium_handover');
