REVOKE INSERT, DELETE ON roles FROM atrium_app;
REVOKE UPDATE (name, description, permissions, version, updated_at) ON roles FROM atrium_app;
DROP POLICY roles_app_delete ON roles;
DROP POLICY roles_app_update ON roles;
DROP POLICY roles_app_insert ON roles;
ALTER TABLE roles DROP COLUMN version;

DROP INDEX audit_log_resource_id_idx;
DROP INDEX audit_log_actor_user_id_idx;
CREATE INDEX users_display_name_idx ON users (tenant_id, display_name, id);
DROP INDEX users_sort_name_idx;
ALTER TABLE users DROP COLUMN sort_name;
