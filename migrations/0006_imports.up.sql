-- Files of memories, given for import.

CREATE TABLE imports (
    tenant_id uuid NOT NULL
        CONSTRAINT imports_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    file_name text NOT NULL
        CONSTRAINT imports_file_name_check CHECK (char_length(file_name) BETWEEN 1 AND 255),
    format text NOT NULL
        CONSTRAINT imports_format_check CHECK (format IN ('json_lines', 'csv', 'markdown', 'plain_text')),
    size bigint NOT NULL
        CONSTRAINT imports_size_check CHECK (size BETWEEN 1 AND 52428800),
    sha256 bytea NOT NULL
        CONSTRAINT imports_sha256_check CHECK (octet_length(sha256) = 32),
    -- Gone once every record has been read.
    content bytea
        CONSTRAINT imports_content_check CHECK (octet_length(content) = size),
    -- No foreign key: jobs stay on the coordinator when the schema is distributed.
    job_id uuid NOT NULL,
    report jsonb NOT NULL
        CONSTRAINT imports_report_check CHECK (octet_length(report::text) <= 1048576),
    created_at timestamptz NOT NULL,
    CONSTRAINT imports_pkey PRIMARY KEY (tenant_id, id),
    -- The same bytes read in another format are another import: whoever chose
    -- the wrong one may try again.
    CONSTRAINT imports_sha256_key UNIQUE (tenant_id, user_id, sha256, format),
    CONSTRAINT imports_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE imports IS 'Files given for import, and what came of them.';
-- Lives for minutes: compressing 50 MB would cost more than it saves.
ALTER TABLE imports ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX imports_created_at_idx ON imports (tenant_id, user_id, created_at DESC, id DESC);

CALL policies_create('imports', 'atrium_app', '{select,insert,update}', 'user_id = :user');
GRANT SELECT, INSERT ON imports TO atrium_app;
GRANT UPDATE (content, report) ON imports TO atrium_app;
