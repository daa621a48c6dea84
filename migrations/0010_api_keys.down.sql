DROP POLICY users_app_insert ON users;
CALL policies_create('users', 'atrium_app', '{insert}', ':may(member.manage)');
DROP TABLE api_keys;
