-- The owner is bound by row security too, and would find nothing to delete.
ALTER TABLE team_members NO FORCE ROW LEVEL SECURITY;
DELETE FROM team_members WHERE source <> 'manual';
ALTER TABLE team_members FORCE ROW LEVEL SECURITY;
ALTER TABLE team_members
    DROP CONSTRAINT team_members_pkey,
    ADD CONSTRAINT team_members_pkey PRIMARY KEY (tenant_id, team_id, user_id);
ALTER TABLE team_members DROP COLUMN source;
DROP TABLE user_claims;
DROP TABLE group_mappings;
