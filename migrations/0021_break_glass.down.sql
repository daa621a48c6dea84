DROP TABLE notifications;
DROP POLICY memories_app_select_break_glass ON memories;
DROP TABLE break_glass_grants;
