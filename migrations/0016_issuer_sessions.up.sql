-- Sessions that the issuer can end and renew.

ALTER TABLE web_sessions
    -- `iss` and `sub` of the ID token, by which the issuer names a session
    -- beside its own id.
    ADD COLUMN oidc_issuer text
        CONSTRAINT web_sessions_oidc_issuer_check CHECK (char_length(oidc_issuer) <= 2000),
    ADD COLUMN oidc_subject text
        CONSTRAINT web_sessions_oidc_subject_check CHECK (char_length(oidc_subject) <= 255),
    -- When the refresh token is to be used; NULL without one.
    ADD COLUMN refresh_at timestamptz,
    -- Until when one process may use it, and the others leave it alone.
    ADD COLUMN refresh_lease_until timestamptz;
GRANT UPDATE (refresh_at, refresh_lease_until) ON web_sessions TO atrium_auth;
CREATE INDEX web_sessions_oidc_sid_idx ON web_sessions (oidc_sid);
CREATE INDEX web_sessions_oidc_subject_idx ON web_sessions (oidc_issuer, oidc_subject);

CREATE TABLE logout_tokens (
    id_hash bytea NOT NULL
        CONSTRAINT logout_tokens_pkey PRIMARY KEY
        CONSTRAINT logout_tokens_id_hash_check CHECK (octet_length(id_hash) = 32),
    used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE logout_tokens IS 'Logout tokens that were used; each counts once.';
CREATE INDEX logout_tokens_expires_at_idx ON logout_tokens (expires_at);

CALL policies_create_open('logout_tokens', 'atrium_auth', '{select,insert,delete}');
GRANT SELECT, INSERT, DELETE ON logout_tokens TO atrium_auth;
