DROP FUNCTION memory_trash_empty(uuid, bigint);
DROP FUNCTION memory_trash_purge(timestamptz, bigint);
DROP FUNCTION memory_expire(timestamptz, bigint);
DROP FUNCTION memory_system_only();
DROP FUNCTION memory_thread_follow(uuid, timestamptz);
REVOKE SELECT (expires_at) ON memories FROM atrium_worker;
DROP INDEX memories_deleted_at_idx;
REVOKE DELETE ON memories FROM atrium_trash;
REVOKE UPDATE (visibility, team_id, shared_at, allowed_vendors, expires_at, deleted_at) ON memories FROM atrium_trash;
REVOKE SELECT (
    tenant_id, id, user_id, parent_id, visibility, team_id, shared_at, allowed_vendors, expires_at, deleted_at
) ON memories FROM atrium_trash;
DROP POLICY memories_trash_select ON memories;
DROP POLICY memories_trash_update ON memories;
DROP POLICY memories_trash_delete ON memories;
REVOKE USAGE ON SCHEMA public FROM atrium_trash;
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = 'atrium_trash'::regrole
    ) THEN
        DROP ROLE atrium_trash;
    END IF;
EXCEPTION
    WHEN dependent_objects_still_exist OR undefined_object OR insufficient_privilege THEN
        NULL;
END
$$;
ALTER TABLE memory_versions
    DROP CONSTRAINT memory_versions_memory_id_fkey,
    ADD CONSTRAINT memory_versions_memory_id_fkey
        FOREIGN KEY (tenant_id, memory_id) REFERENCES memories (tenant_id, id);
DROP POLICY memories_app_select ON memories;
DROP POLICY memories_app_insert ON memories;
CALL policies_create('memories', 'atrium_app', '{select}',
    $$user_id = :user OR (deleted_at IS NULL AND (visibility = 'org' OR (visibility = 'team' AND team_id = ANY (:teams))))$$);
CALL policies_create('memories', 'atrium_app', '{insert}',
    $$user_id = :user AND (visibility <> 'team' OR team_id = ANY (:teams))$$);
ALTER TABLE memories DROP CONSTRAINT memories_allowed_vendors_known_check;
ALTER TABLE api_keys DROP COLUMN vendor;
