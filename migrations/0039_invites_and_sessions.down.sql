ALTER TABLE login_attempts
    DROP CONSTRAINT login_attempts_invite_check,
    DROP COLUMN invite_renewals,
    ADD CONSTRAINT login_attempts_invite_check CHECK (num_nonnulls(invite_tenant_id, invite_id) IN (0, 2));
ALTER TABLE invites DROP COLUMN renewals;
