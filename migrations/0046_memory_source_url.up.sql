-- Where a memory comes from, and the host of that address to filter by.
ALTER TABLE memories
    ADD COLUMN source_url text
        CONSTRAINT memories_source_url_check CHECK (source_url ~ '^https?://[^/]' AND char_length(source_url) <= 2000),
    ADD COLUMN source_host text GENERATED ALWAYS AS (
        substring(source_url FROM '^https?://(\[[^]]*\]|[^/:?#]+)')
    ) STORED;
