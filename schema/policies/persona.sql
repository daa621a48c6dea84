CALL policies_create('personas', 'atrium_app', '{select,insert,update,delete}', 'user_id = :user');
GRANT SELECT, INSERT, UPDATE (name, description, updated_at), DELETE ON personas TO atrium_app;
