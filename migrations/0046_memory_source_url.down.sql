ALTER TABLE memories DROP COLUMN source_host, DROP COLUMN source_url;
