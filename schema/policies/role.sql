CALL policies_create('roles', 'atrium_app', '{select}');
CALL policies_create('roles', 'atrium_app', '{insert,update,delete}', ':may(role.manage) AND NOT is_system');
GRANT SELECT, INSERT, UPDATE (name, description, permissions, updated_at, version), DELETE ON roles TO atrium_app;

-- A new organisation gets its system roles.
CALL policies_create('roles', 'atrium_operator', '{select,insert}');
GRANT SELECT, INSERT ON roles TO atrium_operator;

CALL policies_create('user_roles', 'atrium_app', '{select}');
CALL policies_create('user_roles', 'atrium_app', '{insert}', ':may(role.grant) AND granted_by = :user OR :may(system)');
CALL policies_create('user_roles', 'atrium_app', '{delete}', ':may(role.grant,member.manage)');
GRANT SELECT, INSERT, DELETE ON user_roles TO atrium_app;
