-- Local roles, the helpers that write policies, and tenants.

-- Roles belong to the whole server, so another Atrium database may have
-- created them already, or may be creating them at this moment.
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY[
        'atrium_app',       -- tenant data, under row security
        'atrium_auth',      -- the front door: identities, sessions, login attempts
        'atrium_worker',    -- claims jobs, prepares partitions
        'atrium_operator',  -- the command line: creates and reads tenants
        'atrium_search',    -- owns the keyword search function; nobody takes it
        'atrium_audit'      -- owns the audit append function; nobody takes it
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', v_role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
    END LOOP;

    -- A migrating role that is not a superuser must be able to hand functions
    -- over to their owners; having created a role it may grant itself that.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        FOREACH v_role IN ARRAY ARRAY['atrium_search', 'atrium_audit'] LOOP
            IF NOT pg_has_role(current_user, v_role, 'SET') THEN
                EXECUTE format('GRANT %I TO CURRENT_USER WITH INHERIT FALSE, SET TRUE', v_role);
            END IF;
        END LOOP;
    END IF;
END
$$;

GRANT USAGE ON SCHEMA public TO
    atrium_app, atrium_auth, atrium_worker, atrium_operator, atrium_search, atrium_audit;

CREATE EXTENSION IF NOT EXISTS vector;

-- Every policy is written by this procedure, so that its text has one source.
--
-- A policy is the tenant's condition and, where given, a further one in which
-- :user and :teams stand for the settings. A missing setting is NULL, and one
-- that ended with its transaction is '': nullif turns both into NULL, which
-- matches no row.
--
-- The tenant is read directly: through a subselect the planner would not see
-- how many rows the tenant has. User and teams are read once a statement
-- through a one-row subselect. Citus refuses subqueries in policies; there
-- all of them are direct.
CREATE PROCEDURE policies_create(
    p_table regclass,
    p_role text,
    p_commands text[],
    p_condition text DEFAULT NULL
)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_tenant constant text := $q$tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid$q$;
    v_user text := $q$nullif(current_setting('app.current_user_id', true), '')::uuid$q$;
    v_teams text := $q$nullif(current_setting('app.current_team_ids', true), '')::uuid[]$q$;
    v_name text := (SELECT relname FROM pg_class WHERE oid = p_table);
    v_expression text;
    v_command text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_user := format('(SELECT %s)', v_user);
        v_teams := format('(SELECT %s)::uuid[]', v_teams);
    END IF;

    -- A tenant sees itself in `tenants` by `id`.
    v_expression := CASE WHEN v_name = 'tenants' THEN replace(v_tenant, 'tenant_id =', 'id =') ELSE v_tenant END;
    IF p_condition IS NOT NULL THEN
        v_expression := format(
            '%s AND (%s)',
            v_expression,
            replace(replace(p_condition, ':user', v_user), ':teams', v_teams)
        );
    END IF;

    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
    FOREACH v_command IN ARRAY p_commands LOOP
        EXECUTE format(
            'CREATE POLICY %I ON %s FOR %s TO %I %s %s',
            concat_ws('_', v_name, replace(p_role, 'atrium_', ''), v_command),
            p_table,
            v_command,
            p_role,
            CASE WHEN v_command <> 'insert' THEN format('USING (%s)', v_expression) END,
            CASE WHEN v_command IN ('insert', 'update') THEN format('WITH CHECK (%s)', v_expression) END
        );
    END LOOP;
END
$$;

-- Lets a role pass row security on one table. For the few tables that must be
-- read before a tenant is known; the catalogue test lists each with a reason.
CREATE PROCEDURE policies_create_open(p_table regclass, p_role text, p_commands text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_name text := (SELECT relname FROM pg_class WHERE oid = p_table);
    v_command text;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_table);
    FOREACH v_command IN ARRAY p_commands LOOP
        EXECUTE format(
            'CREATE POLICY %I ON %s FOR %s TO %I %s %s',
            concat_ws('_', v_name, replace(p_role, 'atrium_', ''), v_command),
            p_table,
            v_command,
            p_role,
            CASE WHEN v_command <> 'insert' THEN 'USING (true)' END,
            CASE WHEN v_command IN ('insert', 'update') THEN 'WITH CHECK (true)' END
        );
    END LOOP;
END
$$;

-- Gives a partition its parent's row security and policies. Grants are left
-- out on purpose: partitions are reached through their parent only.
CREATE PROCEDURE policies_copy(p_parent regclass, p_partition regclass)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_policy record;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_partition);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', p_partition);
    FOR v_policy IN
        SELECT polname,
               CASE polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command,
               (SELECT string_agg(quote_ident(rolname), ', ') FROM pg_roles WHERE oid = ANY (polroles)) AS roles,
               pg_get_expr(polqual, polrelid) AS condition,
               pg_get_expr(polwithcheck, polrelid) AS check_condition
          FROM pg_policy
         WHERE polrelid = p_parent
    LOOP
        EXECUTE format(
            'CREATE POLICY %I ON %s FOR %s TO %s %s %s',
            v_policy.polname,
            p_partition,
            v_policy.command,
            v_policy.roles,
            'USING (' || v_policy.condition || ')',
            'WITH CHECK (' || v_policy.check_condition || ')'
        );
    END LOOP;
END
$$;

REVOKE EXECUTE ON PROCEDURE
    policies_create(regclass, text, text[], text),
    policies_create_open(regclass, text, text[]),
    policies_copy(regclass, regclass)
FROM PUBLIC;

CREATE TABLE tenants (
    id uuid NOT NULL CONSTRAINT tenants_pkey PRIMARY KEY,
    slug text NOT NULL
        CONSTRAINT tenants_slug_key UNIQUE
        CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    name text NOT NULL
        CONSTRAINT tenants_name_check CHECK (char_length(name) BETWEEN 1 AND 200),
    status text NOT NULL
        CONSTRAINT tenants_status_check CHECK (status IN ('active', 'suspended', 'deleted')),
    tier text NOT NULL
        CONSTRAINT tenants_tier_check CHECK (tier IN ('free', 'starter', 'professional', 'enterprise')),
    entra_tenant_id uuid
        CONSTRAINT tenants_entra_tenant_id_key UNIQUE,
    -- The deployment runs a demo: everything in it is made up and may go.
    is_demo boolean NOT NULL,
    settings jsonb NOT NULL
        CONSTRAINT tenants_settings_check CHECK (jsonb_typeof(settings) = 'object' AND octet_length(settings::text) <= 65536),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE tenants IS 'Organisations. A reference table: small, on every node when distributed.';

CALL policies_create('tenants', 'atrium_app', '{select}');
-- The front door turns a slug into a tenant before anyone is signed in.
CALL policies_create_open('tenants', 'atrium_auth', '{select}');
-- The command line sees and makes all tenants.
CALL policies_create_open('tenants', 'atrium_operator', '{select,insert,update}');

GRANT SELECT ON tenants TO atrium_app;
GRANT SELECT (id, slug, name, status) ON tenants TO atrium_auth;
GRANT SELECT, INSERT ON tenants TO atrium_operator;
GRANT UPDATE (name, status, tier, entra_tenant_id, settings, updated_at) ON tenants TO atrium_operator;
