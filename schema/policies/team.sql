-- Leads of a team change it; its other members don't.
CALL policies_create('teams', 'atrium_app', '{select}');
CALL policies_create('teams', 'atrium_app', '{insert,delete}', ':may(team.manage)');
CALL policies_create('teams', 'atrium_app', '{update}', ':may(team.manage) OR :may(team.lead) AND id = ANY (:led)');
GRANT SELECT, INSERT, UPDATE (name, updated_at), DELETE ON teams TO atrium_app;

CALL policies_create('team_members', 'atrium_app', '{select}');
CALL policies_create('team_members', 'atrium_app', '{insert,update}',
    ':may(team.manage) OR :may(team.lead) AND team_id = ANY (:led)');
CALL policies_create('team_members', 'atrium_app', '{delete}',
    ':may(team.manage,member.manage) OR :may(team.lead) AND team_id = ANY (:led)');
GRANT SELECT, INSERT, UPDATE (role), DELETE ON team_members TO atrium_app;
