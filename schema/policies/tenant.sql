CALL policies_create('tenants', 'atrium_app', '{select}');
CALL policies_create('tenants', 'atrium_app', '{update}', ':may(settings.manage)');
GRANT SELECT, UPDATE (name, settings, updated_at, version) ON tenants TO atrium_app;

-- Sign-in finds the organisation by its slug or directory before the member is
-- known, and reads the lifetimes of sessions.
CALL policies_create_open('tenants', 'atrium_auth', '{select}');
GRANT SELECT (id, slug, name, status, entra_tenant_id, settings) ON tenants TO atrium_auth;

-- The command line creates and lists all tenants.
CALL policies_create_open('tenants', 'atrium_operator', '{select,insert,update}');
GRANT SELECT, INSERT ON tenants TO atrium_operator;
GRANT UPDATE (name, status, tier, entra_tenant_id, settings, updated_at, status_reason, status_changed_at,
    status_by_tenant_id, status_by_user_id, delete_after) ON tenants TO atrium_operator;

-- Workers skip the jobs of organisations that are not active.
CALL policies_create_open('tenants', 'atrium_worker', '{select}');
GRANT SELECT (id, status) ON tenants TO atrium_worker;

-- memory_edit reads a setting.
CALL policies_create('tenants', 'atrium_sharing', '{select}');
GRANT SELECT (id, settings) ON tenants TO atrium_sharing;

CALL policies_create('tenants', 'atrium_purge', '{select,delete}');
GRANT SELECT (id, status, delete_after), DELETE ON tenants TO atrium_purge;

-- Added on the command line only: the application reads whether the caller is one.
CALL policies_create('platform_operators', 'atrium_app', '{select}', 'user_id = :user OR :may(system)');
CALL policies_create('platform_operators', 'atrium_operator', '{select,insert,delete}');
GRANT SELECT ON platform_operators TO atrium_app;
GRANT SELECT, INSERT, DELETE ON platform_operators TO atrium_operator;
