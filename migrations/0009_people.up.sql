-- Members are listed by name, looked up in the audit log, and given roles that
-- the organisation makes itself.

-- What the list of members is sorted by. A column, because row security lets
-- an index answer a comparison only when nothing in it could leak.
ALTER TABLE users ADD COLUMN sort_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(display_name)) STORED;
CREATE INDEX users_sort_name_idx ON users (tenant_id, sort_name, id);
DROP INDEX users_display_name_idx;

-- What a member did, and what was done to one, newest first.
CREATE INDEX audit_log_actor_user_id_idx ON audit_log (tenant_id, actor_user_id, at DESC, seq DESC);
CREATE INDEX audit_log_resource_id_idx ON audit_log (tenant_id, resource_id, at DESC, seq DESC)
    WHERE resource_id IS NOT NULL;

-- Custom roles: an organisation's own, changed by version so that no edit is
-- lost. What came with the organisation stays as it is.
ALTER TABLE roles ADD COLUMN version integer NOT NULL DEFAULT 1
    CONSTRAINT roles_version_check CHECK (version >= 1);
ALTER TABLE roles ALTER COLUMN version DROP DEFAULT;

CALL policies_create('roles', 'atrium_app', '{insert,update,delete}', ':may(role.manage) AND NOT is_system');
GRANT INSERT, DELETE ON roles TO atrium_app;
GRANT UPDATE (name, description, permissions, version, updated_at) ON roles TO atrium_app;
