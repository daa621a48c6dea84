-- Sessions keep no data besides their row's columns.

ALTER TABLE web_sessions DROP COLUMN data;
