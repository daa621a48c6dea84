CALL policies_create('users', 'atrium_app', '{select}');
-- Members who manage keys create agents and service accounts; people join in
-- other ways.
CALL policies_create('users', 'atrium_app', '{insert}',
    $$:may(member.manage) OR :may(api_key.manage) AND kind IN ('agent', 'service')$$);
CALL policies_create('users', 'atrium_app', '{update}', ':may(member.manage)');
GRANT SELECT, INSERT, UPDATE (handle, email, display_name, avatar_url, status, last_seen_at, updated_at)
    ON users TO atrium_app;

CALL policies_create('users', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, kind, status, last_seen_at) ON users TO atrium_operator;
