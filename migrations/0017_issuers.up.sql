-- Several issuers, directories that become organisations, and people who
-- belong to several of them.

ALTER TABLE web_sessions
    -- By which of the configured issuers it was opened, and as which identity;
    -- NULL for sessions of before.
    ADD COLUMN issuer_name text
        CONSTRAINT web_sessions_issuer_name_check CHECK (char_length(issuer_name) <= 63),
    ADD COLUMN identity_id uuid;

ALTER TABLE login_attempts
    ADD COLUMN issuer_name text NOT NULL DEFAULT 'oidc'
        CONSTRAINT login_attempts_issuer_name_check CHECK (char_length(issuer_name) <= 63);
ALTER TABLE login_attempts ALTER COLUMN issuer_name DROP DEFAULT;

-- The front door finds the organisation of a directory.
GRANT SELECT (entra_tenant_id) ON tenants TO atrium_auth;
CREATE INDEX identities_subject_idx ON identities (issuer, subject);
CREATE INDEX identities_entra_idx ON identities (entra_tid, entra_oid);
