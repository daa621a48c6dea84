GRANT CREATE ON SCHEMA public TO atrium_handover;
SET ROLE atrium_handover;
CREATE OR REPLACE FUNCTION user_memories_hand_over(p_from uuid, p_to uuid) RETURNS bigint
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
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM atrium_handover;
REVOKE UPDATE (importance) ON memories FROM atrium_app;

ALTER TABLE memories
    DROP CONSTRAINT memories_origin_check,
    DROP COLUMN source_session_id,
    DROP COLUMN allowed_vendors,
    DROP COLUMN parent_id,
    DROP COLUMN persona_id,
    DROP COLUMN term,
    DROP COLUMN expires_at;
-- What came from elsewhere came from outside, which is what the older schema
-- can say.
ALTER TABLE memories NO FORCE ROW LEVEL SECURITY;
UPDATE memories SET origin = 'import' WHERE origin NOT IN ('dashboard', 'import');
ALTER TABLE memories FORCE ROW LEVEL SECURITY;
ALTER TABLE memories ADD CONSTRAINT memories_origin_check CHECK (origin IN ('dashboard', 'import'));
DROP TABLE personas;
