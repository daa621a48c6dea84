-- Read before a tenant is known, so isolation depends on the role: no role for
-- members' requests has any privilege on these tables.
CALL policies_create_open('identities', 'atrium_auth', '{select,insert,delete}');
GRANT SELECT, INSERT, DELETE ON identities TO atrium_auth;

CALL policies_create_open('web_sessions', 'atrium_auth', '{select,insert,update,delete}');
GRANT SELECT, INSERT, DELETE ON web_sessions TO atrium_auth;
GRANT UPDATE (id_hash, last_seen_at, idle_expires_at, tokens_encrypted, revoked_at, refresh_at,
    refresh_lease_until, privileges_hash, previous_id_hash, previous_id_until) ON web_sessions TO atrium_auth;

-- session_enter finds a session by the hash of its token.
CALL policies_create_open('web_sessions', 'atrium_session', '{select}');
GRANT SELECT (tenant_id, id, id_hash, user_id, last_seen_at, idle_expires_at, absolute_expires_at, revoked_at,
    refresh_at, refresh_lease_until, privileges_hash, previous_id_hash, previous_id_until)
    ON web_sessions TO atrium_session;

CALL policies_create_open('login_attempts', 'atrium_auth', '{select,insert,delete}');
GRANT SELECT, INSERT, DELETE ON login_attempts TO atrium_auth;

CALL policies_create_open('logout_tokens', 'atrium_auth', '{select,insert,delete}');
GRANT SELECT, INSERT, DELETE ON logout_tokens TO atrium_auth;

-- The operator links an identity to a member that it adds, and reads none.
CALL policies_create('identities', 'atrium_operator', '{insert}');
GRANT INSERT ON identities TO atrium_operator;
CALL policies_create('web_sessions', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, idle_expires_at, absolute_expires_at, revoked_at) ON web_sessions TO atrium_operator;
