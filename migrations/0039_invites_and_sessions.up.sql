-- A renewed link ends the sign-ins that the one before began, and a session has
-- another id once its member may do other things.

-- How often an invite got another link. Sign-ins on their way by the links of
-- before are begun anew.
ALTER TABLE invites
    ADD COLUMN renewals integer NOT NULL DEFAULT 0
        CONSTRAINT invites_renewals_check CHECK (renewals >= 0);
ALTER TABLE invites ALTER COLUMN renewals DROP DEFAULT;
GRANT SELECT (renewals), UPDATE (renewals) ON invites TO atrium_app;

-- The table's owner is held by row security like anybody.
ALTER TABLE login_attempts NO FORCE ROW LEVEL SECURITY;
DELETE FROM login_attempts WHERE invite_id IS NOT NULL;
ALTER TABLE login_attempts FORCE ROW LEVEL SECURITY;
ALTER TABLE login_attempts
    ADD COLUMN invite_renewals integer,
    DROP CONSTRAINT login_attempts_invite_check,
    ADD CONSTRAINT login_attempts_invite_check
        CHECK (num_nonnulls(invite_tenant_id, invite_id, invite_renewals) IN (0, 3));

-- SHA-256 of what the member could do when the id was given; the id before it,
-- and until when requests that had it already are still answered.
ALTER TABLE web_sessions
    ADD COLUMN privileges_hash bytea
        CONSTRAINT web_sessions_privileges_hash_check CHECK (octet_length(privileges_hash) = 32),
    ADD COLUMN previous_id_hash bytea
        CONSTRAINT web_sessions_previous_id_hash_check CHECK (octet_length(previous_id_hash) = 32),
    ADD COLUMN previous_id_until timestamptz,
    ADD CONSTRAINT web_sessions_previous_id_check
        CHECK ((previous_id_hash IS NULL) = (previous_id_until IS NULL));
GRANT UPDATE (privileges_hash, previous_id_hash, previous_id_until) ON web_sessions TO atrium_auth;
CREATE INDEX web_sessions_previous_id_hash_idx ON web_sessions (previous_id_hash) WHERE previous_id_hash IS NOT NULL;
