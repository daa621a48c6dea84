-- Files that wait for a look, and those that the older schema can't hold, go.
ALTER TABLE imports ADD COLUMN content bytea;
ALTER TABLE imports ALTER COLUMN content SET STORAGE EXTERNAL;

ALTER TABLE imports NO FORCE ROW LEVEL SECURITY;
ALTER TABLE import_chunks NO FORCE ROW LEVEL SECURITY;
UPDATE imports
   SET content = (
           SELECT string_agg(bytes, ''::bytea ORDER BY position)
             FROM import_chunks
            WHERE import_chunks.tenant_id = imports.tenant_id AND import_id = imports.id
       )
 WHERE state = 'started' AND size <= 52428800;
DELETE FROM import_chunks;
DELETE FROM imports
 WHERE state <> 'started' OR size > 52428800
    OR format NOT IN ('json_lines', 'csv', 'markdown', 'plain_text')
    OR EXISTS (
           SELECT FROM imports AS newer
            WHERE newer.tenant_id = imports.tenant_id AND newer.user_id = imports.user_id
              AND newer.sha256 = imports.sha256 AND newer.format = imports.format
              AND (newer.created_at, newer.id) > (imports.created_at, imports.id)
       );
ALTER TABLE imports FORCE ROW LEVEL SECURITY;

DROP TABLE import_chunks;
DROP POLICY imports_app_delete ON imports;
REVOKE DELETE ON imports FROM atrium_app;
REVOKE UPDATE (format, size, sha256, state, choice) ON imports FROM atrium_app;
DROP INDEX imports_sha256_idx;
ALTER TABLE imports
    DROP CONSTRAINT imports_user_id_key,
    DROP CONSTRAINT imports_format_check,
    DROP CONSTRAINT imports_arrived_check,
    DROP CONSTRAINT imports_size_check,
    DROP COLUMN choice,
    DROP COLUMN state,
    ALTER COLUMN sha256 SET NOT NULL,
    ADD CONSTRAINT imports_sha256_key UNIQUE (tenant_id, user_id, sha256, format),
    ADD CONSTRAINT imports_format_check CHECK (format IN ('json_lines', 'csv', 'markdown', 'plain_text')),
    ADD CONSTRAINT imports_size_check CHECK (size BETWEEN 1 AND 52428800),
    ADD CONSTRAINT imports_content_check CHECK (octet_length(content) = size);
GRANT UPDATE (content) ON imports TO atrium_app;
