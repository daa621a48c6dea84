ALTER TABLE web_sessions
    DROP COLUMN previous_id_until,
    DROP COLUMN previous_id_hash,
    DROP COLUMN privileges_hash;
ALTER TABLE login_attempts
    DROP CONSTRAINT login_attempts_invite_check,
    DROP COLUMN invite_renewals,
    ADD CONSTRAINT login_attempts_invite_check CHECK (num_nonnulls(invite_tenant_id, invite_id) IN (0, 2));
ALTER TABLE invites DROP COLUMN renewals;
