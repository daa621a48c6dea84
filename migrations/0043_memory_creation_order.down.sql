DROP INDEX memories_own_created_idx;
DROP INDEX memories_shared_created_idx;
DROP INDEX memories_trash_created_idx;
