-- Background work: claimed by one worker at a time, under a lease.

-- Stays on the coordinator when the schema is distributed, so it has no
-- foreign keys.
CREATE TABLE jobs (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    -- In whose name the body runs.
    actor_user_id uuid NOT NULL,
    kind text NOT NULL
        CONSTRAINT jobs_kind_check CHECK (kind ~ '^[a-z][a-z_.]{0,62}$'),
    status text NOT NULL
        CONSTRAINT jobs_status_check
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'dead', 'cancelled')),
    -- What the body needs, ids above all; its Rust type belongs to the kind.
    payload jsonb NOT NULL
        CONSTRAINT jobs_payload_check CHECK (octet_length(payload::text) <= 65536),
    -- Not before this moment.
    run_at timestamptz NOT NULL,
    attempts integer NOT NULL
        CONSTRAINT jobs_attempts_check CHECK (attempts >= 0),
    max_attempts integer NOT NULL
        CONSTRAINT jobs_max_attempts_check CHECK (max_attempts >= 1),
    priority integer NOT NULL,
    dedupe_key text
        CONSTRAINT jobs_dedupe_key_check CHECK (char_length(dedupe_key) BETWEEN 1 AND 200),
    locked_by text
        CONSTRAINT jobs_locked_by_check CHECK (char_length(locked_by) <= 200),
    lease_until timestamptz,
    -- Goes up with every claim: what a worker holds an older number of, it has lost.
    fence bigint NOT NULL,
    progress_done bigint NOT NULL
        CONSTRAINT jobs_progress_done_check CHECK (progress_done >= 0),
    -- 0 while unknown.
    progress_total bigint NOT NULL
        CONSTRAINT jobs_progress_total_check CHECK (progress_total >= 0),
    error text
        CONSTRAINT jobs_error_check CHECK (char_length(error) <= 2000),
    result jsonb
        CONSTRAINT jobs_result_check CHECK (octet_length(result::text) <= 65536),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT jobs_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT jobs_lease_check CHECK ((status = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT jobs_finished_check CHECK ((status IN ('completed', 'dead', 'cancelled')) = (finished_at IS NOT NULL))
);
COMMENT ON TABLE jobs IS 'Background work, its progress and its outcome.';

-- The same work is not queued twice while it waits or runs.
CREATE UNIQUE INDEX jobs_dedupe_key ON jobs (tenant_id, actor_user_id, kind, dedupe_key)
    WHERE dedupe_key IS NOT NULL AND status IN ('pending', 'running', 'failed');
CREATE INDEX jobs_created_at_idx ON jobs (tenant_id, actor_user_id, created_at DESC, id DESC);
-- What a claim looks at: everything that is not finished, whatever the tenant.
CREATE INDEX jobs_due_idx ON jobs (run_at) WHERE status IN ('pending', 'running', 'failed');

CALL policies_create('jobs', 'atrium_app', '{select,insert,update}', 'actor_user_id = :user');
-- A worker doesn't know whose work is due before it has claimed it.
CALL policies_create_open('jobs', 'atrium_worker', '{select,update}');

GRANT SELECT, INSERT ON jobs TO atrium_app;
GRANT UPDATE (
    status, run_at, attempts, locked_by, lease_until, fence,
    progress_done, progress_total, error, result, updated_at, finished_at
) ON jobs TO atrium_app;
GRANT SELECT ON jobs TO atrium_worker;
GRANT UPDATE (
    status, attempts, run_at, locked_by, lease_until, fence, error, updated_at, finished_at
) ON jobs TO atrium_worker;
