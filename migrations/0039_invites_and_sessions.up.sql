-- A renewed link ends the sign-ins that the one before began.

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
