-- Keys with which programs act as a member, and what was answered to them.

-- Read before a tenant is known, like sessions: so it stays on the coordinator
-- when the schema is distributed and has no foreign keys.
CREATE TABLE api_keys (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    -- As whom it acts.
    user_id uuid NOT NULL,
    label text NOT NULL
        CONSTRAINT api_keys_label_check CHECK (char_length(label) BETWEEN 1 AND 100),
    -- How the key begins, for showing; nothing is looked up by it.
    prefix text NOT NULL
        CONSTRAINT api_keys_prefix_check CHECK (char_length(prefix) BETWEEN 1 AND 16),
    key_hash bytea NOT NULL
        CONSTRAINT api_keys_key_hash_check CHECK (octet_length(key_hash) = 32),
    scopes text[] NOT NULL
        CONSTRAINT api_keys_scopes_check CHECK (array_position(scopes, NULL) IS NULL AND cardinality(scopes) <= 200),
    created_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id),
    -- The key is all that a request brings: the tenant is found by it.
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash)
);
COMMENT ON TABLE api_keys IS 'Keys of programs. Only a hash of each is kept.';
CREATE INDEX api_keys_created_at_idx ON api_keys (tenant_id, created_at DESC, id DESC);
CREATE INDEX api_keys_user_id_idx ON api_keys (tenant_id, user_id, created_at DESC, id DESC);

-- Whoever may end a member's access sees that member's keys and ends them.
CALL policies_create('api_keys', 'atrium_app', '{select}', 'user_id = :user OR :may(api_key.manage,member.manage)');
CALL policies_create('api_keys', 'atrium_app', '{insert}',
    'user_id = :user AND :may(api_key.own) OR :may(api_key.manage)');
CALL policies_create('api_keys', 'atrium_app', '{update}',
    'user_id = :user AND :may(api_key.own) OR :may(api_key.manage,member.manage)');
GRANT SELECT (tenant_id, id, user_id, label, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at)
    ON api_keys TO atrium_app;
GRANT INSERT ON api_keys TO atrium_app;
GRANT UPDATE (revoked_at) ON api_keys TO atrium_app;

CALL policies_create_open('api_keys', 'atrium_auth', '{select,update}');
GRANT SELECT (tenant_id, id, user_id, key_hash, scopes, expires_at, last_used_at, revoked_at) ON api_keys TO atrium_auth;
GRANT UPDATE (last_used_at) ON api_keys TO atrium_auth;

-- Whoever manages keys makes the agents and services that have them; people
-- come in by other ways.
DROP POLICY users_app_insert ON users;
CALL policies_create('users', 'atrium_app', '{insert}',
    ':may(member.manage) OR :may(api_key.manage) AND kind IN (''agent'', ''service'')');
