CALL policies_create('group_mappings', 'atrium_app', '{select}');
CALL policies_create('group_mappings', 'atrium_app', '{insert,update,delete}', ':may(group_mapping.manage)');
GRANT SELECT, INSERT, UPDATE (source, group_id, label, role_id, team_id, priority, updated_at), DELETE
    ON group_mappings TO atrium_app;

-- Written during sign-in only: nobody edits the claims of the issuer.
CALL policies_create('user_claims', 'atrium_app', '{select}', 'user_id = :user OR :may(group_mapping.manage)');
CALL policies_create('user_claims', 'atrium_app', '{insert,update}', ':may(system)');
GRANT SELECT, INSERT, UPDATE (groups, app_roles, told_at) ON user_claims TO atrium_app;
