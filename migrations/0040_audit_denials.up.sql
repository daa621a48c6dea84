-- Denials that repeat: the first of an actor and a kind is an audit row at
-- once, those that follow within the interval are counted here and become one
-- row with their number when it is over.

CREATE TABLE audit_denials (
    tenant_id uuid NOT NULL,
    actor_user_id uuid NOT NULL,
    action text NOT NULL
        CONSTRAINT audit_denials_action_check CHECK (action ~ '^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$'),
    -- What stood in the way, as the audit row's metadata names it.
    reason text NOT NULL
        CONSTRAINT audit_denials_reason_check CHECK (char_length(reason) BETWEEN 1 AND 200),
    -- Who, as the audit row says it.
    actor_kind text NOT NULL
        CONSTRAINT audit_denials_actor_kind_check CHECK (actor_kind IN ('human', 'agent', 'sub_agent', 'service', 'system')),
    actor_label text NOT NULL,
    -- When the audit row of the first was written.
    since timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    repeats bigint NOT NULL
        CONSTRAINT audit_denials_repeats_check CHECK (repeats >= 0),
    CONSTRAINT audit_denials_pkey PRIMARY KEY (tenant_id, actor_user_id, action, reason),
    CONSTRAINT audit_denials_user_fkey FOREIGN KEY (tenant_id, actor_user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE audit_denials IS 'Denials that repeat, until they are counted into one audit row.';
CREATE INDEX audit_denials_since_idx ON audit_denials (since);

CALL policies_create('audit_denials', 'atrium_app', '{select,insert,update}', 'actor_user_id = :user OR :may(system)');
CALL policies_create('audit_denials', 'atrium_app', '{delete}', ':may(system)');
GRANT SELECT, INSERT, DELETE ON audit_denials TO atrium_app;
GRANT UPDATE (since, last_at, repeats, actor_kind, actor_label) ON audit_denials TO atrium_app;

-- The worker finds what is over; it is written as the organisation's own.
CALL policies_create_open('audit_denials', 'atrium_worker', '{select}');
GRANT SELECT (tenant_id, since) ON audit_denials TO atrium_worker;
