-- Memories and proposals of a team that is deleted. None of these functions
-- returns content, and without the permission they match no rows.

-- Number of memories that are shared with a team.
CREATE OR REPLACE FUNCTION team_memories_count(p_team_id uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
       AND team_id = p_team_id AND deleted_at IS NULL
$$;
CALL function_allow('team_memories_count', '{atrium_app}', 'atrium_handover');

-- Makes at most p_limit of a team's memories private again, each with a version,
-- and returns their ids.
CREATE OR REPLACE FUNCTION team_memories_release(p_team_id uuid, p_limit bigint, p_reason text, p_at timestamptz)
RETURNS TABLE (released_id uuid)
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
$$;
CALL function_allow('team_memories_release', '{atrium_app}', 'atrium_handover');

-- Withdraws the team's pending proposals, removes the team from decided ones, and
-- returns the number of those withdrawn.
CREATE OR REPLACE FUNCTION team_proposals_release(p_team_id uuid, p_comment text, p_at timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
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
$$;
CALL function_allow('team_proposals_release', '{atrium_app}', 'atrium_handover');
