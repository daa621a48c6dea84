-- What was answered to programs that may ask again.

CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL
        CONSTRAINT idempotency_keys_tenant_id_fkey REFERENCES tenants (id),
    -- In whose name it was asked, and by which key: another key of the same
    -- member is another caller.
    user_id uuid NOT NULL,
    api_key_id uuid NOT NULL,
    -- As the caller calls it.
    key text NOT NULL
        CONSTRAINT idempotency_keys_key_check CHECK (char_length(key) BETWEEN 1 AND 255),
    -- SHA-256 of what was asked.
    request_hash bytea NOT NULL
        CONSTRAINT idempotency_keys_request_hash_check CHECK (octet_length(request_hash) = 32),
    -- NULL while it is being worked on. Sealed with the caller's own key, which
    -- is kept nowhere: an answer may hold what is shown once.
    answer bytea,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (tenant_id, api_key_id, key),
    CONSTRAINT idempotency_keys_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE idempotency_keys IS 'Calls of programs that must not happen twice, and their answers.';
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);

CALL policies_create('idempotency_keys', 'atrium_app', '{select,insert,update,delete}', 'user_id = :user');
GRANT SELECT, INSERT, DELETE ON idempotency_keys TO atrium_app;
GRANT UPDATE (answer) ON idempotency_keys TO atrium_app;
-- Housekeeping lets go of what is past its time, whosever it is.
CALL policies_create_open('idempotency_keys', 'atrium_worker', '{select,delete}');
GRANT SELECT (expires_at), DELETE ON idempotency_keys TO atrium_worker;
