DROP INDEX imports_unstarted_idx;
REVOKE SELECT (tenant_id, user_id, id, state, created_at) ON imports FROM atrium_worker;
DROP POLICY imports_worker_select ON imports;
