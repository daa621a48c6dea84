CALL policies_create('embedding_models', 'atrium_app', '{select}');
CALL policies_create('embedding_models', 'atrium_app', '{insert}',
    ':may(settings.manage) AND created_by = :user OR :may(system)');
CALL policies_create('embedding_models', 'atrium_app', '{update}', ':may(settings.manage)');
GRANT SELECT, INSERT, UPDATE (status, problem, failures, retry_at, activated_at, retired_at, dropped_at)
    ON embedding_models TO atrium_app;

-- A new organisation gets its first model.
CALL policies_create('embedding_models', 'atrium_operator', '{insert}');
GRANT INSERT ON embedding_models TO atrium_operator;

CALL policies_create_open('embedding_models', 'atrium_worker', '{select}');
GRANT SELECT (tenant_id, source, slot, status, retry_at, retired_at, dropped_at) ON embedding_models TO atrium_worker;
