-- Teams can go, and their members can lead them. What was shared with a team
-- that goes stays with its owner.

CALL policies_create('teams', 'atrium_app', '{delete}', ':may(team.manage)');
GRANT DELETE ON teams TO atrium_app;
CALL policies_create('team_members', 'atrium_app', '{update}',
    ':may(team.manage) OR :may(team.lead) AND team_id = ANY (:teams)');
GRANT UPDATE (role) ON team_members TO atrium_app;
-- As for members.
ALTER TABLE teams ADD COLUMN sort_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(name)) STORED;
CREATE INDEX teams_sort_name_idx ON teams (tenant_id, sort_name, id);

-- Owns the functions that change whose or how visible somebody else's memories
-- are; nobody takes it. They run for administrators, who must not read those
-- memories, so none of them returns a word; without the permission they find
-- none.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'atrium_handover') THEN
        BEGIN
            CREATE ROLE atrium_handover NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        AND NOT pg_has_role(current_user, 'atrium_handover', 'SET')
    THEN
        GRANT atrium_handover TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
    END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO atrium_handover;
CALL policies_create('memories', 'atrium_handover', '{select,update}', ':may(team.manage)');
GRANT SELECT (tenant_id, id, user_id, visibility, team_id, deleted_at) ON memories TO atrium_handover;
GRANT UPDATE (visibility, team_id, shared_at) ON memories TO atrium_handover;

-- How many memories are shared with a team, whoever's they are.
CREATE FUNCTION team_memories_count(p_team_id uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
       AND team_id = p_team_id AND deleted_at IS NULL
$$;

-- Takes a team's memories back to their owners, who alone see them from then
-- on, and returns how many there were.
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

REVOKE EXECUTE ON FUNCTION team_memories_count(uuid), team_memories_release(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION team_memories_count(uuid), team_memories_release(uuid) TO atrium_app;
GRANT CREATE ON SCHEMA public TO atrium_handover;
ALTER FUNCTION team_memories_count(uuid) OWNER TO atrium_handover;
ALTER FUNCTION team_memories_release(uuid) OWNER TO atrium_handover;
REVOKE CREATE ON SCHEMA public FROM atrium_handover;
