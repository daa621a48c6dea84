-- The two indexes in the order of creation also hold the columns of the policy
-- that decides who sees a memory, so that memories are counted from them alone.
DROP INDEX memories_own_created_idx;
CREATE INDEX memories_own_created_idx ON memories (tenant_id, user_id, created_at, id)
    INCLUDE (visibility, team_id, deleted_at, allowed_vendors)
    WHERE deleted_at IS NULL;
DROP INDEX memories_shared_created_idx;
CREATE INDEX memories_shared_created_idx ON memories (tenant_id, created_at, id)
    INCLUDE (user_id, visibility, team_id, deleted_at, allowed_vendors)
    WHERE deleted_at IS NULL AND visibility <> 'private';
