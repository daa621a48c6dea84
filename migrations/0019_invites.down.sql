ALTER TABLE login_attempts
    DROP CONSTRAINT login_attempts_invite_check,
    DROP COLUMN invite_id,
    DROP COLUMN invite_tenant_id;
DROP TABLE invites;
