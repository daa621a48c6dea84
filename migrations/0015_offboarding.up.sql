-- Who lets a leaver go takes their roles and teams, and gives what they shared
-- to somebody else, without reading it.

DROP POLICY user_roles_app_delete ON user_roles;
CALL policies_create('user_roles', 'atrium_app', '{delete}', ':may(role.grant,member.manage)');
DROP POLICY team_members_app_delete ON team_members;
CALL policies_create('team_members', 'atrium_app', '{delete}',
    ':may(team.manage,member.manage) OR :may(team.lead) AND team_id = ANY (:teams)');

DROP POLICY memories_handover_select ON memories;
DROP POLICY memories_handover_update ON memories;
CALL policies_create('memories', 'atrium_handover', '{select,update}', ':may(team.manage,member.manage)');
GRANT SELECT (source_digest) ON memories TO atrium_handover;
GRANT UPDATE (user_id, source_digest) ON memories TO atrium_handover;

-- How many memories of a member others can see, and how many nobody else can.
CREATE FUNCTION user_memories_count(p_user_id uuid, OUT shared bigint, OUT private bigint)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FILTER (WHERE visibility <> 'private'), count(*) FILTER (WHERE visibility = 'private')
      FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
       AND user_id = p_user_id AND deleted_at IS NULL
$$;

-- Gives a member's shared memories to another and returns how many there were.
-- Private ones stay; earlier versions too, as they may hold what was taken out
-- before sharing. The new owner may have imported the same record, so where it
-- came from is forgotten.
CREATE FUNCTION user_memories_hand_over(p_from uuid, p_to uuid) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH handed AS (
        UPDATE public.memories SET user_id = p_to, source_digest = NULL
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND user_id = p_from AND visibility <> 'private' AND deleted_at IS NULL
        RETURNING 1
    )
    SELECT count(*) FROM handed
$$;

REVOKE EXECUTE ON FUNCTION user_memories_count(uuid), user_memories_hand_over(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION user_memories_count(uuid), user_memories_hand_over(uuid, uuid) TO atrium_app;
GRANT CREATE ON SCHEMA public TO atrium_handover;
ALTER FUNCTION user_memories_count(uuid) OWNER TO atrium_handover;
ALTER FUNCTION user_memories_hand_over(uuid, uuid) OWNER TO atrium_handover;
REVOKE CREATE ON SCHEMA public FROM atrium_handover;
