DROP FUNCTION team_memories_release(uuid);
DROP FUNCTION team_memories_count(uuid);
DROP POLICY memories_handover_update ON memories;
DROP POLICY memories_handover_select ON memories;
REVOKE ALL ON memories FROM atrium_handover;
REVOKE USAGE ON SCHEMA public FROM atrium_handover;
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = 'atrium_handover'::regrole
    ) THEN
        DROP ROLE atrium_handover;
    END IF;
EXCEPTION
    WHEN dependent_objects_still_exist OR undefined_object OR insufficient_privilege THEN
        NULL;
END
$$;
DROP INDEX teams_sort_name_idx;
ALTER TABLE teams DROP COLUMN sort_name;
REVOKE UPDATE (role) ON team_members FROM atrium_app;
DROP POLICY team_members_app_update ON team_members;
REVOKE DELETE ON teams FROM atrium_app;
DROP POLICY teams_app_delete ON teams;
