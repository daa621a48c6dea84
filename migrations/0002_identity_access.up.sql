-- Who may come in, as whom, and what they may do.

CREATE TABLE users (
    tenant_id uuid NOT NULL
        CONSTRAINT users_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    handle text
        CONSTRAINT users_handle_check CHECK (handle ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    -- As the issuer tells it. Not unique and never used to identify.
    email text
        CONSTRAINT users_email_check CHECK (char_length(email) BETWEEN 1 AND 320),
    display_name text NOT NULL
        CONSTRAINT users_display_name_check CHECK (char_length(display_name) BETWEEN 1 AND 200),
    avatar_url text
        CONSTRAINT users_avatar_url_check CHECK (char_length(avatar_url) BETWEEN 1 AND 2000),
    kind text NOT NULL
        CONSTRAINT users_kind_check CHECK (kind IN ('human', 'agent', 'sub_agent', 'service')),
    parent_user_id uuid,
    status text NOT NULL
        CONSTRAINT users_status_check CHECK (status IN ('invited', 'active', 'suspended', 'deactivated')),
    last_seen_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT users_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT users_handle_key UNIQUE (tenant_id, handle),
    CONSTRAINT users_parent_user_id_fkey FOREIGN KEY (tenant_id, parent_user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT users_parent_check CHECK (kind <> 'sub_agent' OR parent_user_id IS NOT NULL)
);
COMMENT ON TABLE users IS 'Members of one tenant: people, agents and services.';
CREATE INDEX users_display_name_idx ON users (tenant_id, display_name, id);

CALL policies_create('users', 'atrium_app', '{select,insert,update}');
GRANT SELECT, INSERT ON users TO atrium_app;
GRANT UPDATE (handle, email, display_name, avatar_url, status, last_seen_at, updated_at) ON users TO atrium_app;

CREATE TABLE roles (
    tenant_id uuid NOT NULL
        CONSTRAINT roles_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    key text NOT NULL
        CONSTRAINT roles_key_check CHECK (key ~ '^[a-z][a-z0-9_]{0,62}$'),
    name text NOT NULL
        CONSTRAINT roles_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
    description text NOT NULL
        CONSTRAINT roles_description_check CHECK (char_length(description) <= 500),
    permissions text[] NOT NULL
        CONSTRAINT roles_permissions_check CHECK (array_position(permissions, NULL) IS NULL),
    is_system boolean NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT roles_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT roles_key_key UNIQUE (tenant_id, key)
);
COMMENT ON TABLE roles IS 'Named sets of permissions. System roles come with the tenant and never change.';

-- The application reads roles; only the command line seeds a tenant's own.
CALL policies_create('roles', 'atrium_app', '{select}');
CALL policies_create('roles', 'atrium_operator', '{select,insert}');
GRANT SELECT ON roles TO atrium_app;
GRANT SELECT, INSERT ON roles TO atrium_operator;

CREATE TABLE user_roles (
    tenant_id uuid NOT NULL
        CONSTRAINT user_roles_tenant_id_fkey REFERENCES tenants (id),
    user_id uuid NOT NULL,
    role_id uuid NOT NULL,
    -- A role can be held for several reasons; each comes and goes by itself.
    source text NOT NULL
        CONSTRAINT user_roles_source_check CHECK (source IN ('manual', 'group', 'app_role', 'scim')),
    granted_by uuid,
    granted_at timestamptz NOT NULL,
    CONSTRAINT user_roles_pkey PRIMARY KEY (tenant_id, user_id, role_id, source),
    CONSTRAINT user_roles_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT user_roles_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id),
    CONSTRAINT user_roles_granted_by_fkey FOREIGN KEY (tenant_id, granted_by) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE user_roles IS 'Which member holds which role, and why.';
CREATE INDEX user_roles_role_id_idx ON user_roles (tenant_id, role_id);

CALL policies_create('user_roles', 'atrium_app', '{select,insert,delete}');
GRANT SELECT, INSERT, DELETE ON user_roles TO atrium_app;

CREATE TABLE teams (
    tenant_id uuid NOT NULL
        CONSTRAINT teams_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL
        CONSTRAINT teams_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT teams_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT teams_name_key UNIQUE (tenant_id, name)
);
COMMENT ON TABLE teams IS 'Groups of members that share memories.';

CALL policies_create('teams', 'atrium_app', '{select,insert,update}');
GRANT SELECT, INSERT ON teams TO atrium_app;
GRANT UPDATE (name, updated_at) ON teams TO atrium_app;

CREATE TABLE team_members (
    tenant_id uuid NOT NULL
        CONSTRAINT team_members_tenant_id_fkey REFERENCES tenants (id),
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL
        CONSTRAINT team_members_role_check CHECK (role IN ('lead', 'member')),
    added_at timestamptz NOT NULL,
    CONSTRAINT team_members_pkey PRIMARY KEY (tenant_id, team_id, user_id),
    CONSTRAINT team_members_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT team_members_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE team_members IS 'Who belongs to which team.';
CREATE INDEX team_members_user_id_idx ON team_members (tenant_id, user_id);

CALL policies_create('team_members', 'atrium_app', '{select,insert,delete}');
GRANT SELECT, INSERT, DELETE ON team_members TO atrium_app;

-- The front door. These tables are read before a tenant is known, so the
-- wall is the role: no other role has any privilege on them. They stay on the
-- coordinator when the schema is distributed and so have no foreign keys.

CREATE TABLE identities (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    issuer text,
    subject text,
    entra_tid uuid,
    entra_oid uuid,
    created_at timestamptz NOT NULL,
    CONSTRAINT identities_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT identities_subject_key UNIQUE (tenant_id, issuer, subject),
    CONSTRAINT identities_entra_key UNIQUE (tenant_id, entra_tid, entra_oid),
    -- Entra is keyed by its tenant and object id, any other issuer by subject:
    -- exactly one of the two.
    CONSTRAINT identities_key_check CHECK (
        (num_nonnulls(issuer, subject) = 2 AND num_nonnulls(entra_tid, entra_oid) = 0)
        OR (num_nonnulls(issuer, subject) = 0 AND num_nonnulls(entra_tid, entra_oid) = 2)
    ),
    CONSTRAINT identities_length_check CHECK (char_length(issuer) <= 2000 AND char_length(subject) <= 255)
);
COMMENT ON TABLE identities IS 'What an issuer calls a person, and which member that is.';
CREATE INDEX identities_user_id_idx ON identities (tenant_id, user_id);

CALL policies_create_open('identities', 'atrium_auth', '{select,insert,delete}');
GRANT SELECT, INSERT, DELETE ON identities TO atrium_auth;

CREATE TABLE web_sessions (
    tenant_id uuid NOT NULL,
    -- Public: shown in the list of sessions. The cookie can't be derived from it.
    id uuid NOT NULL,
    id_hash bytea NOT NULL
        CONSTRAINT web_sessions_id_hash_check CHECK (octet_length(id_hash) = 32),
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    absolute_expires_at timestamptz NOT NULL,
    ip inet,
    user_agent text
        CONSTRAINT web_sessions_user_agent_check CHECK (char_length(user_agent) <= 400),
    oidc_sid text
        CONSTRAINT web_sessions_oidc_sid_check CHECK (char_length(oidc_sid) <= 255),
    data bytea NOT NULL
        CONSTRAINT web_sessions_data_check CHECK (octet_length(data) <= 65536),
    tokens_encrypted bytea
        CONSTRAINT web_sessions_tokens_encrypted_check CHECK (octet_length(tokens_encrypted) <= 65536),
    revoked_at timestamptz,
    CONSTRAINT web_sessions_pkey PRIMARY KEY (tenant_id, id),
    -- The cookie is all that a request brings: the tenant is found by it.
    CONSTRAINT web_sessions_id_hash_key UNIQUE (id_hash)
);
COMMENT ON TABLE web_sessions IS 'Signed-in browsers. Only a hash of the cookie''s id is kept.';
CREATE INDEX web_sessions_user_id_idx ON web_sessions (tenant_id, user_id, last_seen_at DESC);
CREATE INDEX web_sessions_expiry_idx ON web_sessions (absolute_expires_at);

CALL policies_create_open('web_sessions', 'atrium_auth', '{select,insert,update,delete}');
GRANT SELECT, INSERT, DELETE ON web_sessions TO atrium_auth;
GRANT UPDATE (id_hash, last_seen_at, idle_expires_at, data, tokens_encrypted, revoked_at) ON web_sessions TO atrium_auth;

CREATE TABLE login_attempts (
    state_hash bytea NOT NULL
        CONSTRAINT login_attempts_pkey PRIMARY KEY
        CONSTRAINT login_attempts_state_hash_check CHECK (octet_length(state_hash) = 32),
    browser_hash bytea NOT NULL
        CONSTRAINT login_attempts_browser_hash_check CHECK (octet_length(browser_hash) = 32),
    issuer text NOT NULL
        CONSTRAINT login_attempts_issuer_check CHECK (char_length(issuer) <= 2000),
    nonce text NOT NULL
        CONSTRAINT login_attempts_nonce_check CHECK (char_length(nonce) <= 200),
    pkce_verifier text NOT NULL
        CONSTRAINT login_attempts_pkce_verifier_check CHECK (char_length(pkce_verifier) <= 200),
    return_to text NOT NULL
        CONSTRAINT login_attempts_return_to_check CHECK (char_length(return_to) <= 2000),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
COMMENT ON TABLE login_attempts IS 'Sign-ins on their way to the issuer and back; each row is used once.';
CREATE INDEX login_attempts_expires_at_idx ON login_attempts (expires_at);

CALL policies_create_open('login_attempts', 'atrium_auth', '{select,insert,delete}');
GRANT SELECT, INSERT, DELETE ON login_attempts TO atrium_auth;
