DROP TABLE login_attempts;
DROP TABLE web_sessions;
DROP TABLE identities;
DROP TABLE team_members;
DROP TABLE teams;
DROP TABLE user_roles;
DROP TABLE roles;
DROP TABLE users;
