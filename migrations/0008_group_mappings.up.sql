-- What a person's groups and app roles at the issuer grant here.

CREATE TABLE group_mappings (
    tenant_id uuid NOT NULL
        CONSTRAINT group_mappings_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    source text NOT NULL
        CONSTRAINT group_mappings_source_check CHECK (source IN ('group', 'app_role')),
    -- Entra: the group's object id. Any other issuer: as its `groups` claim
    -- spells it. An app role: its value.
    group_id text NOT NULL
        CONSTRAINT group_mappings_group_id_check CHECK (char_length(group_id) BETWEEN 1 AND 255),
    -- For people: object ids say nothing.
    label text NOT NULL
        CONSTRAINT group_mappings_label_check CHECK (char_length(label) BETWEEN 1 AND 255),
    role_id uuid,
    team_id uuid,
    priority integer NOT NULL
        CONSTRAINT group_mappings_priority_check CHECK (priority BETWEEN 0 AND 1000),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT group_mappings_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT group_mappings_grant_key UNIQUE NULLS NOT DISTINCT (tenant_id, source, group_id, role_id, team_id),
    CONSTRAINT group_mappings_grant_check CHECK (num_nonnulls(role_id, team_id) > 0),
    CONSTRAINT group_mappings_role_id_fkey FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id),
    CONSTRAINT group_mappings_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
COMMENT ON TABLE group_mappings IS 'Which group or app role of the issuer grants which role and team.';
CREATE INDEX group_mappings_priority_idx ON group_mappings (tenant_id, priority DESC, group_id, id);
CREATE INDEX group_mappings_role_id_idx ON group_mappings (tenant_id, role_id);
CREATE INDEX group_mappings_team_id_idx ON group_mappings (tenant_id, team_id);

CALL policies_create('group_mappings', 'atrium_app', '{select}');
CALL policies_create('group_mappings', 'atrium_app', '{insert,update,delete}', ':may(group_mapping.manage)');
GRANT SELECT, INSERT, DELETE ON group_mappings TO atrium_app;
GRANT UPDATE (source, group_id, label, role_id, team_id, priority, updated_at) ON group_mappings TO atrium_app;

-- What the issuer said of a member last: with it, a changed rule can be tried
-- on today's members before anybody signs in.
CREATE TABLE user_claims (
    tenant_id uuid NOT NULL
        CONSTRAINT user_claims_tenant_id_fkey REFERENCES tenants (id),
    user_id uuid NOT NULL,
    groups text[] NOT NULL
        CONSTRAINT user_claims_groups_check CHECK (array_position(groups, NULL) IS NULL),
    app_roles text[] NOT NULL
        CONSTRAINT user_claims_app_roles_check CHECK (array_position(app_roles, NULL) IS NULL),
    told_at timestamptz NOT NULL,
    CONSTRAINT user_claims_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT user_claims_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE user_claims IS 'Groups and app roles of each member as of the last sign-in or refresh.';

CALL policies_create('user_claims', 'atrium_app', '{select}', 'user_id = :user OR :may(group_mapping.manage)');
-- Only signing in tells: nobody edits what the issuer said.
CALL policies_create('user_claims', 'atrium_app', '{insert,update}', ':may(system)');
GRANT SELECT, INSERT ON user_claims TO atrium_app;
GRANT UPDATE (groups, app_roles, told_at) ON user_claims TO atrium_app;

-- A membership can be held for several reasons; each comes and goes by itself,
-- as with `user_roles`.
ALTER TABLE team_members
    ADD COLUMN source text NOT NULL DEFAULT 'manual'
        CONSTRAINT team_members_source_check CHECK (source IN ('manual', 'group', 'app_role'));
ALTER TABLE team_members ALTER COLUMN source DROP DEFAULT;
ALTER TABLE team_members
    DROP CONSTRAINT team_members_pkey,
    ADD CONSTRAINT team_members_pkey PRIMARY KEY (tenant_id, team_id, user_id, source);
