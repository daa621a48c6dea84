DROP TABLE logout_tokens;
DROP INDEX web_sessions_oidc_subject_idx;
DROP INDEX web_sessions_oidc_sid_idx;
ALTER TABLE web_sessions
    DROP COLUMN refresh_lease_until,
    DROP COLUMN refresh_at,
    DROP COLUMN oidc_subject,
    DROP COLUMN oidc_issuer;
