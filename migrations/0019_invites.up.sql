-- People come in by a link, and leave nothing to the issuer's say.

CREATE TABLE invites (
    tenant_id uuid NOT NULL
        CONSTRAINT invites_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    -- For whom it is meant. A hint: who accepts is whoever has the link.
    email text
        CONSTRAINT invites_email_check CHECK (char_length(email) BETWEEN 3 AND 254),
    token_hash bytea NOT NULL
        CONSTRAINT invites_token_hash_check CHECK (octet_length(token_hash) = 32),
    role_id uuid,
    team_id uuid,
    -- Whose permissions it rests on; NULL for Atrium's own, which the operator
    -- asked for.
    invited_by uuid,
    -- Whether its time is over is seen from `expires_at`.
    status text NOT NULL
        CONSTRAINT invites_status_check CHECK (status IN ('pending', 'accepted', 'revoked')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_at timestamptz,
    accepted_by uuid,
    CONSTRAINT invites_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT invites_token_hash_key UNIQUE (tenant_id, token_hash),
    CONSTRAINT invites_role_id_fkey FOREIGN KEY (tenant_id, role_id)
        REFERENCES roles (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT invites_team_id_fkey FOREIGN KEY (tenant_id, team_id)
        REFERENCES teams (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT invites_invited_by_fkey FOREIGN KEY (tenant_id, invited_by) REFERENCES users (tenant_id, id),
    CONSTRAINT invites_accepted_by_fkey FOREIGN KEY (tenant_id, accepted_by) REFERENCES users (tenant_id, id),
    CONSTRAINT invites_accepted_check CHECK (
        (status = 'accepted') = (accepted_at IS NOT NULL) AND (status = 'accepted') = (accepted_by IS NOT NULL)
    )
);
COMMENT ON TABLE invites IS 'Links by which people join. Only a hash of each is kept.';
CREATE INDEX invites_created_at_idx ON invites (tenant_id, created_at DESC, id DESC);
CREATE INDEX invites_role_id_idx ON invites (tenant_id, role_id);
CREATE INDEX invites_team_id_idx ON invites (tenant_id, team_id);
-- The link is all that a visitor brings: the tenant is found by it.
CREATE INDEX invites_token_hash_idx ON invites (token_hash);

CALL policies_create('invites', 'atrium_app', '{select}', ':may(member.invite)');
-- An invite without an inviter rests on nobody's permissions, so a member can
-- neither make one nor touch one.
CALL policies_create('invites', 'atrium_app', '{insert}', ':may(member.invite) AND invited_by = :user OR :may(system)');
CALL policies_create('invites', 'atrium_app', '{update}',
    ':may(member.invite) AND invited_by IS NOT NULL OR :may(system)');
GRANT SELECT (tenant_id, id, email, role_id, team_id, invited_by, status, created_at, expires_at, accepted_at, accepted_by)
    ON invites TO atrium_app;
GRANT INSERT ON invites TO atrium_app;
GRANT UPDATE (token_hash, invited_by, status, expires_at, accepted_at, accepted_by) ON invites TO atrium_app;

CALL policies_create_open('invites', 'atrium_auth', '{select}');
GRANT SELECT (tenant_id, id, token_hash) ON invites TO atrium_auth;

-- By which invite somebody signs in, if by any.
ALTER TABLE login_attempts
    ADD COLUMN invite_tenant_id uuid,
    ADD COLUMN invite_id uuid,
    ADD CONSTRAINT login_attempts_invite_check CHECK (num_nonnulls(invite_tenant_id, invite_id) IN (0, 2));
