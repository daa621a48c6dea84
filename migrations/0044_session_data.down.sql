ALTER TABLE web_sessions
    ADD COLUMN data bytea NOT NULL DEFAULT ''
        CONSTRAINT web_sessions_data_check CHECK (octet_length(data) <= 65536);
ALTER TABLE web_sessions ALTER COLUMN data DROP DEFAULT;
