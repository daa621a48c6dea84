REVOKE SELECT (settings) ON tenants FROM atrium_auth;
REVOKE UPDATE (name, settings, version, updated_at) ON tenants FROM atrium_app;
DROP POLICY tenants_app_update ON tenants;
ALTER TABLE tenants DROP COLUMN version;
