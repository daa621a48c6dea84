DROP FUNCTION user_memories_hand_over(uuid, uuid);
DROP FUNCTION user_memories_count(uuid);
REVOKE UPDATE (user_id, source_digest) ON memories FROM atrium_handover;
REVOKE SELECT (source_digest) ON memories FROM atrium_handover;
DROP POLICY memories_handover_select ON memories;
DROP POLICY memories_handover_update ON memories;
CALL policies_create('memories', 'atrium_handover', '{select,update}', ':may(team.manage)');
DROP POLICY team_members_app_delete ON team_members;
CALL policies_create('team_members', 'atrium_app', '{delete}',
    ':may(team.manage) OR :may(team.lead) AND team_id = ANY (:teams)');
DROP POLICY user_roles_app_delete ON user_roles;
CALL policies_create('user_roles', 'atrium_app', '{delete}', ':may(role.grant)');
