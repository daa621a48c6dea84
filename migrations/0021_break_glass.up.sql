-- Reading a member's private memories for a stated reason, and telling people
-- what concerns them.

CREATE TABLE break_glass_grants (
    tenant_id uuid NOT NULL
        CONSTRAINT break_glass_grants_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    -- Whose memories, and who reads them.
    subject_user_id uuid NOT NULL,
    actor_user_id uuid NOT NULL,
    reason text NOT NULL
        CONSTRAINT break_glass_grants_reason_check CHECK (char_length(reason) BETWEEN 10 AND 500),
    opened_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- Ended before its time.
    closed_at timestamptz,
    CONSTRAINT break_glass_grants_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT break_glass_grants_subject_user_id_fkey
        FOREIGN KEY (tenant_id, subject_user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT break_glass_grants_actor_user_id_fkey
        FOREIGN KEY (tenant_id, actor_user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT break_glass_grants_other_check CHECK (subject_user_id <> actor_user_id),
    CONSTRAINT break_glass_grants_term_check
        CHECK (expires_at > opened_at AND expires_at <= opened_at + interval '4 hours')
);
COMMENT ON TABLE break_glass_grants IS 'Who may read whose private memories, why and until when.';
CREATE INDEX break_glass_grants_subject_idx ON break_glass_grants (tenant_id, subject_user_id, opened_at DESC, id DESC);
CREATE INDEX break_glass_grants_actor_idx
    ON break_glass_grants (tenant_id, actor_user_id, subject_user_id, expires_at DESC);

-- The two whom it concerns see it. Nobody opens it for somebody else.
CALL policies_create('break_glass_grants', 'atrium_app', '{select}', 'actor_user_id = :user OR subject_user_id = :user');
CALL policies_create('break_glass_grants', 'atrium_app', '{insert,update}',
    'actor_user_id = :user AND :may(memory.break_glass)');
GRANT SELECT, INSERT ON break_glass_grants TO atrium_app;
GRANT UPDATE (closed_at) ON break_glass_grants TO atrium_app;

-- The wall opens for one member's private memories and for reading only: where
-- the store has set the member after it found an open grant, and the one who
-- acts holds the permission.
--
-- A policy of its own, beside the one that lists and searches know:
-- `memory_search_words` repeats that one, so a search never finds these.
-- `policies_create` knows one name for each table and command; the other one
-- makes way for a moment.
ALTER POLICY memories_app_select ON memories RENAME TO memories_app_select_own;
DO $$
DECLARE
    v_subject text := $q$nullif(current_setting('app.break_glass_user_id', true), '')::uuid$q$;
BEGIN
    -- As `policies_create` writes the settings.
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_subject := format('(SELECT %s)', v_subject);
    END IF;
    CALL policies_create('memories', 'atrium_app', '{select}', format(
        'user_id = %s AND visibility = ''private'' AND deleted_at IS NULL AND :may(memory.break_glass)', v_subject));
END
$$;
ALTER POLICY memories_app_select ON memories RENAME TO memories_app_select_break_glass;
ALTER POLICY memories_app_select_own ON memories RENAME TO memories_app_select;

CREATE TABLE notifications (
    tenant_id uuid NOT NULL
        CONSTRAINT notifications_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    -- Who is told.
    user_id uuid NOT NULL,
    -- Whose act it tells of; NULL for Atrium's own.
    created_by uuid,
    -- What it tells, and the particulars: `domain::notification::Notice` knows
    -- both.
    kind text NOT NULL
        CONSTRAINT notifications_kind_check CHECK (kind ~ '^[a-z][a-z0-9_]{0,62}$'),
    data jsonb NOT NULL
        CONSTRAINT notifications_data_check
        CHECK (jsonb_typeof(data) = 'object' AND octet_length(data::text) <= 8192),
    created_at timestamptz NOT NULL,
    read_at timestamptz,
    CONSTRAINT notifications_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT notifications_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT notifications_created_by_fkey FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE notifications IS 'What members are told on their own page.';
CREATE INDEX notifications_user_id_idx ON notifications (tenant_id, user_id, created_at DESC, id DESC);
CREATE INDEX notifications_unread_idx ON notifications (tenant_id, user_id) WHERE read_at IS NULL;

CALL policies_create('notifications', 'atrium_app', '{select,update}', 'user_id = :user');
-- Atrium tells anybody anything. A member can tell others only what an act of
-- theirs must tell, in their own name.
CALL policies_create('notifications', 'atrium_app', '{insert}',
    ':may(system) AND created_by IS NULL
     OR created_by = :user AND kind = ''break_glass_opened'' AND :may(memory.break_glass)');
GRANT SELECT, INSERT ON notifications TO atrium_app;
GRANT UPDATE (read_at) ON notifications TO atrium_app;
