CALL policies_create('user_preferences', 'atrium_app', '{select}', 'user_id = :user OR :may(system)');
CALL policies_create('user_preferences', 'atrium_app', '{insert,update}', 'user_id = :user AND :may(profile.manage)');
GRANT SELECT, INSERT, UPDATE (theme, time_zone, locale, updated_at) ON user_preferences TO atrium_app;
