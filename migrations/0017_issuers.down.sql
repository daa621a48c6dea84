DROP INDEX identities_entra_idx;
DROP INDEX identities_subject_idx;
REVOKE SELECT (entra_tenant_id) ON tenants FROM atrium_auth;
ALTER TABLE login_attempts DROP COLUMN issuer_name;
ALTER TABLE web_sessions
    DROP COLUMN identity_id,
    DROP COLUMN issuer_name;
