-- Files that are given for import wait until their giver has looked at them,
-- and are kept in pieces: neither side ever holds one whole.

ALTER TABLE imports
    DROP CONSTRAINT imports_content_check,
    DROP CONSTRAINT imports_size_check,
    DROP CONSTRAINT imports_format_check,
    -- Records are told from each other by themselves, so the same bytes may be
    -- given again, e.g. to be read with other columns.
    DROP CONSTRAINT imports_sha256_key,
    ALTER COLUMN sha256 DROP NOT NULL,
    -- What was given before has been started.
    ADD COLUMN state text NOT NULL DEFAULT 'started'
        CONSTRAINT imports_state_check CHECK (state IN ('uploading', 'preview', 'started')),
    -- How the giver wants it to be read.
    ADD COLUMN choice jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT imports_choice_check CHECK (octet_length(choice::text) <= 65536),
    ADD CONSTRAINT imports_size_check CHECK (size BETWEEN 0 AND 268435456),
    ADD CONSTRAINT imports_arrived_check CHECK (state = 'uploading' OR (size >= 1 AND sha256 IS NOT NULL)),
    ADD CONSTRAINT imports_format_check CHECK (
        format IN (
            'json_lines', 'csv', 'markdown', 'plain_text', 'atrium', 'markdown_zip', 'chatgpt', 'claude', 'mem0'
        )
    ),
    -- For the pieces, which belong to the file's owner.
    ADD CONSTRAINT imports_user_id_key UNIQUE (tenant_id, user_id, id);
ALTER TABLE imports
    ALTER COLUMN state DROP DEFAULT,
    ALTER COLUMN choice DROP DEFAULT;
CREATE INDEX imports_sha256_idx ON imports (tenant_id, user_id, sha256);

CREATE TABLE import_chunks (
    tenant_id uuid NOT NULL
        CONSTRAINT import_chunks_tenant_id_fkey REFERENCES tenants (id),
    import_id uuid NOT NULL,
    -- From 0 on; all but the last have the same size.
    position integer NOT NULL
        CONSTRAINT import_chunks_position_check CHECK (position BETWEEN 0 AND 255),
    user_id uuid NOT NULL,
    bytes bytea NOT NULL
        CONSTRAINT import_chunks_bytes_check CHECK (octet_length(bytes) BETWEEN 1 AND 1048576),
    CONSTRAINT import_chunks_pkey PRIMARY KEY (tenant_id, import_id, position),
    CONSTRAINT import_chunks_import_id_fkey
        FOREIGN KEY (tenant_id, user_id, import_id) REFERENCES imports (tenant_id, user_id, id)
);
COMMENT ON TABLE import_chunks IS 'The bytes of files given for import, until every record has been read.';
-- Lives for minutes: compressing it would cost more than it saves.
ALTER TABLE import_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL;

CALL policies_create('import_chunks', 'atrium_app', '{select,insert,delete}', 'user_id = :user');
GRANT SELECT, INSERT, DELETE ON import_chunks TO atrium_app;

-- What is on its way goes on from the pieces. The tables' owner is held by
-- row security like anybody, so it is lifted for this one statement.
ALTER TABLE imports NO FORCE ROW LEVEL SECURITY;
ALTER TABLE import_chunks NO FORCE ROW LEVEL SECURITY;
INSERT INTO import_chunks (tenant_id, import_id, position, user_id, bytes)
SELECT tenant_id, id, position, user_id, substr(content, position * 1048576 + 1, 1048576)
  FROM imports, generate_series(0, ((size - 1) / 1048576)::integer) AS pieces (position)
 WHERE content IS NOT NULL;
ALTER TABLE import_chunks FORCE ROW LEVEL SECURITY;
ALTER TABLE imports FORCE ROW LEVEL SECURITY;

ALTER TABLE imports DROP COLUMN content;
-- An upload that broke off, and a file that its giver doesn't want after all.
CALL policies_create('imports', 'atrium_app', '{delete}', $$user_id = :user AND state <> 'started'$$);
GRANT DELETE ON imports TO atrium_app;
GRANT UPDATE (format, size, sha256, state, choice, report) ON imports TO atrium_app;
