-- Memories in the order of their creation, for clients that copy all of them.
CREATE INDEX memories_own_created_idx ON memories (tenant_id, user_id, created_at, id)
    WHERE deleted_at IS NULL;
CREATE INDEX memories_shared_created_idx ON memories (tenant_id, created_at, id)
    WHERE deleted_at IS NULL AND visibility <> 'private';
CREATE INDEX memories_trash_created_idx ON memories (tenant_id, user_id, created_at, id)
    WHERE deleted_at IS NOT NULL;
