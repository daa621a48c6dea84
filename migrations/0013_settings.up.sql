-- What an organisation's administrators set for it.

-- Goes up with each change; an edit names the one it started from.
ALTER TABLE tenants
    ADD COLUMN version integer NOT NULL DEFAULT 1
        CONSTRAINT tenants_version_check CHECK (version > 0);
ALTER TABLE tenants ALTER COLUMN version DROP DEFAULT;

CALL policies_create('tenants', 'atrium_app', '{update}', ':may(settings.manage)');
GRANT UPDATE (name, settings, version, updated_at) ON tenants TO atrium_app;

-- Signing in needs the lifetimes of sessions.
GRANT SELECT (settings) ON tenants TO atrium_auth;
