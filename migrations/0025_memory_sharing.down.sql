DROP FUNCTION user_proposals_withdraw(uuid, text, timestamptz);
DROP FUNCTION user_memories_hand_over(uuid, uuid, bigint, text, timestamptz);
CREATE FUNCTION user_memories_hand_over(p_from uuid, p_to uuid) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH handed AS (
        UPDATE public.memories SET user_id = p_to, source_digest = NULL, persona_id = NULL
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND user_id = p_from AND visibility <> 'private' AND deleted_at IS NULL
        RETURNING 1
    )
    SELECT count(*) FROM handed
$$;
DROP FUNCTION team_proposals_release(uuid, text, timestamptz);
DROP FUNCTION team_memories_release(uuid, bigint, text, timestamptz);
CREATE FUNCTION team_memories_release(p_team_id uuid) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH released AS (
        UPDATE public.memories SET visibility = 'private', team_id = NULL, shared_at = NULL
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND team_id = p_team_id
        RETURNING 1
    )
    SELECT count(*) FROM released
$$;
REVOKE EXECUTE ON FUNCTION team_memories_release(uuid), user_memories_hand_over(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION team_memories_release(uuid), user_memories_hand_over(uuid, uuid) TO atrium_app;
GRANT CREATE ON SCHEMA public TO atrium_handover;
ALTER FUNCTION team_memories_release(uuid) OWNER TO atrium_handover;
ALTER FUNCTION user_memories_hand_over(uuid, uuid) OWNER TO atrium_handover;
REVOKE CREATE ON SCHEMA public FROM atrium_handover;
DROP FUNCTION memory_viewers(uuid, text, uuid, timestamptz, text[], bigint);
DROP FUNCTION memory_proposal_close(uuid, boolean, text, timestamptz);
DROP FUNCTION memory_proposal_accept(uuid, text, text, timestamptz);
DROP FUNCTION memory_share(uuid, integer, text, uuid, text, timestamptz);
DROP FUNCTION memory_replies_follow(uuid);
DROP FUNCTION memory_version_keep(uuid, text, timestamptz);

DROP POLICY notifications_app_insert ON notifications;
CALL policies_create('notifications', 'atrium_app', '{insert}',
    ':may(system) AND created_by IS NULL
     OR created_by = :user AND kind = ''break_glass_opened'' AND :may(memory.break_glass)');
DROP TABLE memory_proposals;

REVOKE UPDATE (version, updated_at) ON memories FROM atrium_handover;
REVOKE SELECT (kind, title, content, tags, origin, version) ON memories FROM atrium_handover;
REVOKE INSERT ON memory_versions FROM atrium_handover, atrium_sharing;
DROP POLICY memory_versions_handover_insert ON memory_versions;
DROP POLICY memory_versions_sharing_insert ON memory_versions;
ALTER TABLE memory_versions DROP COLUMN team_id;

REVOKE UPDATE (visibility, team_id, shared_at, version, updated_at) ON memories FROM atrium_sharing;
REVOKE SELECT (
    tenant_id, id, user_id, kind, title, content, tags, visibility, team_id, origin, version, parent_id, expires_at,
    deleted_at, shared_at
) ON memories FROM atrium_sharing;
DROP POLICY memories_sharing_update ON memories;
DROP POLICY memories_sharing_select ON memories;
DROP POLICY memories_app_insert ON memories;
DO $$
DECLARE
    v_vendor text := $q$nullif(current_setting('app.vendor', true), '')$q$;
    v_may_read text := 'true';
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_vendor := format('(SELECT %s)', v_vendor);
    END IF;
    -- As 0024 has it, where it was there.
    IF EXISTS (
        SELECT FROM pg_attribute
         WHERE attrelid = 'api_keys'::regclass AND attname = 'vendor' AND NOT attisdropped
    ) THEN
        v_may_read := format('(%1$s IS NULL OR allowed_vendors && ARRAY[''*'', %1$s])', v_vendor);
    END IF;
    CALL policies_create('memories', 'atrium_app', '{insert}',
        'user_id = :user AND (visibility <> ''team'' OR team_id = ANY (:teams)) AND ' || v_may_read);
END
$$;
REVOKE USAGE ON SCHEMA public FROM atrium_sharing;
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = 'atrium_sharing'::regrole
    ) THEN
        DROP ROLE atrium_sharing;
    END IF;
EXCEPTION
    WHEN dependent_objects_still_exist OR undefined_object OR insufficient_privilege THEN
        NULL;
END
$$;

DROP POLICY team_members_app_delete ON team_members;
DROP POLICY team_members_app_update ON team_members;
DROP POLICY team_members_app_insert ON team_members;
CALL policies_create('team_members', 'atrium_app', '{insert,update}',
    ':may(team.manage) OR :may(team.lead) AND team_id = ANY (:teams)');
CALL policies_create('team_members', 'atrium_app', '{delete}',
    ':may(team.manage,member.manage) OR :may(team.lead) AND team_id = ANY (:teams)');
DROP POLICY teams_app_update ON teams;
CALL policies_create('teams', 'atrium_app', '{update}', ':may(team.manage) OR :may(team.lead) AND id = ANY (:teams)');

CREATE OR REPLACE PROCEDURE policies_create(
    p_table regclass,
    p_role text,
    p_commands text[],
    p_condition text DEFAULT NULL
)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    CALL public.policies_write(p_table, p_role, p_commands, p_condition);
    CALL public.purge_allow(p_table);
END
$$;
