DROP INDEX memories_own_created_idx;
CREATE INDEX memories_own_created_idx ON memories (tenant_id, user_id, created_at, id)
    WHERE deleted_at IS NULL;
DROP INDEX memories_shared_created_idx;
CREATE INDEX memories_shared_created_idx ON memories (tenant_id, created_at, id)
    WHERE deleted_at IS NULL AND visibility <> 'private';
