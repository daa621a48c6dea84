CALL policies_create('invites', 'atrium_app', '{select}', ':may(member.invite)');
-- An invite without an inviter is checked against no permissions, so a member can
-- neither create nor change one.
CALL policies_create('invites', 'atrium_app', '{insert}',
    ':may(member.invite) AND invited_by = :user OR :may(system)');
-- An open invite is checked against the permissions of the member who created or
-- renewed it, so nobody can enter another's name; and only the system marks it
-- accepted.
CALL policies_create('invites', 'atrium_app', '{update}',
    ':may(member.invite) AND invited_by IS NOT NULL OR :may(system)',
    p_check => $$:may(member.invite) AND (status = 'pending' AND invited_by = :user
                                          OR status = 'revoked' AND invited_by IS NOT NULL)
                 OR :may(system)$$);
GRANT SELECT (tenant_id, id, email, role_id, team_id, invited_by, status, created_at, expires_at, accepted_at,
    accepted_by, renewals) ON invites TO atrium_app;
GRANT INSERT, UPDATE (token_hash, invited_by, status, expires_at, accepted_at, accepted_by, renewals)
    ON invites TO atrium_app;

-- A visitor identifies an invite by its link alone.
CALL policies_create_open('invites', 'atrium_auth', '{select}');
GRANT SELECT (tenant_id, id, token_hash) ON invites TO atrium_auth;
