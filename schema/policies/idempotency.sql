CALL policies_create('idempotency_keys', 'atrium_app', '{select,insert,update,delete}', 'user_id = :user');
GRANT SELECT, INSERT, UPDATE (answer), DELETE ON idempotency_keys TO atrium_app;

-- Housekeeping deletes expired ones of every tenant.
CALL policies_create_open('idempotency_keys', 'atrium_worker', '{select,delete}');
GRANT SELECT (expires_at), DELETE ON idempotency_keys TO atrium_worker;
