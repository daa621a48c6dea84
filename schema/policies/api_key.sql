-- Members who may end another member's access can see and revoke that member's
-- keys. A key is created in one's own name, with permissions that its creator has.
CALL policies_create('api_keys', 'atrium_app', '{select}', 'user_id = :user OR :may(api_key.manage,member.manage)');
CALL policies_create('api_keys', 'atrium_app', '{insert}',
    '(user_id = :user AND :may(api_key.own) OR :may(api_key.manage)) AND created_by = :user AND scopes <@ :permissions');
CALL policies_create('api_keys', 'atrium_app', '{update}',
    'user_id = :user AND :may(api_key.own) OR :may(api_key.manage,member.manage)');
GRANT SELECT (tenant_id, id, user_id, label, prefix, scopes, created_by, created_at, expires_at, last_used_at,
    revoked_at, vendor) ON api_keys TO atrium_app;
GRANT INSERT, UPDATE (revoked_at) ON api_keys TO atrium_app;

-- A request identifies a key by its text alone.
CALL policies_create_open('api_keys', 'atrium_auth', '{select,update}');
GRANT SELECT (tenant_id, id, user_id, key_hash, scopes, expires_at, last_used_at, revoked_at, vendor)
    ON api_keys TO atrium_auth;
GRANT UPDATE (last_used_at) ON api_keys TO atrium_auth;

CALL policies_create('api_keys', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, expires_at, revoked_at) ON api_keys TO atrium_operator;
