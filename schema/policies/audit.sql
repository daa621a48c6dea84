-- The log is readable with the permission. Without it, members read their own
-- actions, and who read their private memories by break-glass. A row names the
-- caller as actor; only audit_append inserts.
CALL policies_create('audit_log', 'atrium_app', '{select}',
    $$:may(audit.read) OR actor_user_id = :user
      OR action = 'break_glass.read' AND metadata ->> 'member' = (:user)::text$$);
CALL policies_create('audit_log', 'atrium_audit', '{insert}', 'actor_user_id = :user OR :may(system)');
GRANT SELECT ON audit_log TO atrium_app;
GRANT INSERT ON audit_log TO atrium_audit;

CALL policies_create('audit_heads', 'atrium_app', '{select}', ':may(audit.read)');
CALL policies_create('audit_heads', 'atrium_audit', '{select,insert,update}');
GRANT SELECT ON audit_heads TO atrium_app;
GRANT SELECT, INSERT, UPDATE (seq, hash, edge) ON audit_heads TO atrium_audit;
-- tenant_purge returns the head.
GRANT SELECT (seq, hash) ON audit_heads TO atrium_purge;

-- A worker finds heads that have changed and writes signed checkpoints.
CALL policies_create_open('audit_heads', 'atrium_worker', '{select}');
GRANT SELECT (tenant_id, seq, edge) ON audit_heads TO atrium_worker;
CALL policies_create('audit_checkpoints', 'atrium_app', '{select}');
CALL policies_create('audit_checkpoints', 'atrium_worker', '{insert}');
CALL policies_create_open('audit_checkpoints', 'atrium_worker', '{select}');
GRANT SELECT ON audit_checkpoints TO atrium_app;
GRANT SELECT, INSERT ON audit_checkpoints TO atrium_worker;

-- Repeated denials are counted by the caller. A worker writes the count to the
-- organisation's log when the interval is over.
CALL policies_create('audit_denials', 'atrium_app', '{select,insert,update}', 'actor_user_id = :user OR :may(system)');
CALL policies_create('audit_denials', 'atrium_app', '{delete}', ':may(system)');
CALL policies_create_open('audit_denials', 'atrium_worker', '{select}');
GRANT SELECT, INSERT, UPDATE (actor_kind, actor_label, since, last_at, repeats), DELETE ON audit_denials TO atrium_app;
GRANT SELECT (tenant_id, since) ON audit_denials TO atrium_worker;
