DROP FUNCTION tenant_purge(uuid, timestamptz);
DROP PROCEDURE policies_create_open(regclass, text, text[]);
DROP PROCEDURE policies_create(regclass, text, text[], text);
ALTER PROCEDURE policies_write_open(regclass, text, text[]) RENAME TO policies_create_open;
ALTER PROCEDURE policies_write(regclass, text, text[], text) RENAME TO policies_create;
DROP PROCEDURE purge_allow(regclass);
DO $$
DECLARE
    v_policy record;
    v_table regclass;
BEGIN
    FOR v_policy IN
        SELECT polname, polrelid::regclass AS name FROM pg_policy WHERE 'atrium_purge'::regrole = ANY (polroles)
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', v_policy.polname, v_policy.name);
    END LOOP;
    FOR v_table IN
        SELECT oid::regclass FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
    LOOP
        EXECUTE format('REVOKE ALL ON %s FROM atrium_purge', v_table);
    END LOOP;
END
$$;
REVOKE USAGE ON SCHEMA public FROM atrium_purge;
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = 'atrium_purge'::regrole
    ) THEN
        DROP ROLE atrium_purge;
    END IF;
EXCEPTION
    WHEN dependent_objects_still_exist OR undefined_object OR insufficient_privilege THEN
        NULL;
END
$$;

DROP POLICY jobs_operator_select ON jobs;
REVOKE SELECT (tenant_id, status) ON jobs FROM atrium_operator;
DROP POLICY memories_operator_select ON memories;
REVOKE SELECT (tenant_id, deleted_at) ON memories FROM atrium_operator;
DROP POLICY api_keys_operator_select ON api_keys;
REVOKE SELECT (tenant_id, expires_at, revoked_at) ON api_keys FROM atrium_operator;
DROP POLICY web_sessions_operator_select ON web_sessions;
REVOKE SELECT (tenant_id, idle_expires_at, absolute_expires_at, revoked_at) ON web_sessions FROM atrium_operator;
DROP POLICY users_operator_select ON users;
REVOKE SELECT (tenant_id, kind, status, last_seen_at) ON users FROM atrium_operator;

DROP TABLE platform_operators;

REVOKE SELECT (id, status) ON tenants FROM atrium_worker;
DROP POLICY tenants_worker_select ON tenants;
ALTER TABLE tenants
    DROP COLUMN delete_after,
    DROP COLUMN status_by_user_id,
    DROP COLUMN status_by_tenant_id,
    DROP COLUMN status_changed_at,
    DROP COLUMN status_reason;
