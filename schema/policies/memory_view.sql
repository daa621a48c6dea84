CALL policies_create('memory_views', 'atrium_app', '{select}', 'user_id = :user');
CALL policies_create('memory_views', 'atrium_app', '{insert,update,delete}', 'user_id = :user AND :may(memory.read)');
GRANT SELECT, INSERT, UPDATE (name, updated_at), DELETE ON memory_views TO atrium_app;
