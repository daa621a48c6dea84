CALL policies_create('jobs', 'atrium_app', '{select,insert,update}', 'actor_user_id = :user');
GRANT SELECT, INSERT ON jobs TO atrium_app;
GRANT UPDATE (status, run_at, attempts, locked_by, lease_until, fence, progress_done, progress_total, error, result,
    updated_at, finished_at) ON jobs TO atrium_app;

-- A worker doesn't know the tenant of a due job before it has claimed it.
CALL policies_create_open('jobs', 'atrium_worker', '{select,update}');
GRANT SELECT ON jobs TO atrium_worker;
GRANT UPDATE (status, run_at, attempts, locked_by, lease_until, fence, error, updated_at, finished_at)
    ON jobs TO atrium_worker;

CALL policies_create('jobs', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, status) ON jobs TO atrium_operator;
