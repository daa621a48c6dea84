CALL policies_create('invites', 'atrium_app', '{select}', ':may(member.invite)');
-- An invite without an inviter rests on nobody's permissions, so a member can
-- neither make one nor touch one.
CALL policies_create('invites', 'atrium_app', '{insert}',
    ':may(member.invite) AND invited_by = :user OR :may(system)');
-- An open invite rests on the permissions of the member who made or renewed it,
-- so nobody puts another's name there; and only the system marks it accepted.
CALL policies_create('invites', 'atrium_app', '{update}',
    ':may(member.invite) AND invited_by IS NOT NULL OR :may(system)',
    p_check => $$:may(member.invite) AND (status = 'pending' AND invited_by = :user
                                          OR status = 'revoked' AND invited_by IS NOT NULL)
                 OR :may(system)$$);
GRANT SELECT (tenant_id, id, email, role_id, team_id, invited_by, status, created_at, expires_at, accepted_at,
    accepted_by, renewals) ON invites TO atrium_app;
GRANT INSERT, UPDATE (token_hash, invited_by, status, expires_at, accepted_at, accepted_by, renewals)
    ON invites TO atrium_app;

-- The link is all that a visitor brings.
CALL policies_create_open('invites', 'atrium_auth', '{select}');
GRANT SELECT (tenant_id, id, token_hash) ON invites TO atrium_auth;
