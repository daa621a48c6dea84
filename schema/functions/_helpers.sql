-- Procedures that the other files call. They run as the schema's owner, and no
-- local role may call them.

-- Revokes EXECUTE on a function from everyone but p_roles and makes p_owner the
-- owner, with whose privileges a SECURITY DEFINER function runs.
CREATE OR REPLACE PROCEDURE function_allow(p_function text, p_roles text[], p_owner text DEFAULT NULL)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_function regprocedure := p_function::regproc;
    v_role text;
BEGIN
    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', v_function);
    FOREACH v_role IN ARRAY p_roles LOOP
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', v_function, v_role);
    END LOOP;
    IF p_owner IS NOT NULL THEN
        -- Changing the owner requires CREATE on the schema.
        EXECUTE format('GRANT CREATE ON SCHEMA public TO %I', p_owner);
        EXECUTE format('ALTER ROUTINE %s OWNER TO %I', v_function, p_owner);
        EXECUTE format('REVOKE CREATE ON SCHEMA public FROM %I', p_owner);
    END IF;
END
$$;

-- Enables row security on a table and its partitions and creates one policy for
-- each command.
CREATE OR REPLACE PROCEDURE policies_write(
    p_table regclass,
    p_role text,
    p_commands text[],
    p_using text,
    p_check text,
    p_suffix text DEFAULT NULL
)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_name text := (SELECT relname FROM pg_class WHERE oid = p_table);
    v_table regclass;
    v_command text;
BEGIN
    FOR v_table IN SELECT p_table UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = p_table LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', v_table);
        FOREACH v_command IN ARRAY p_commands LOOP
            EXECUTE format(
                'CREATE POLICY %I ON %s FOR %s TO %I %s %s',
                concat_ws('_', v_name, replace(p_role, 'atrium_', ''), v_command, p_suffix),
                v_table,
                v_command,
                p_role,
                CASE WHEN v_command <> 'insert' THEN format('USING (%s)', p_using) END,
                CASE WHEN v_command IN ('insert', 'update') THEN format('WITH CHECK (%s)', p_check) END
            );
        END LOOP;
    END LOOP;
END
$$;

-- The condition of a policy: that of the tenant, and p_condition, in which these
-- placeholders are replaced by settings:
--
--   :user          the acting member
--   :teams, :led   the teams that the member belongs to, and leads
--   :permissions   the member's permissions
--   :may(a,b)      true if the member has permission a or b, or is the system
--   :vendor        the vendor of the API key; NULL for browser sessions
--   :break_glass   the member whose private memories are opened
--
-- A missing setting is NULL, and one of an earlier transaction is '': nullif turns
-- both into NULL, which matches no row.
--
-- The tenant is read directly, because the planner could not estimate the tenant's
-- rows through a subselect. All others are read once for each statement through a
-- one-row subselect. Citus rejects subqueries in policies; there all of them are
-- direct.
CREATE OR REPLACE FUNCTION policy_condition(p_table regclass, p_condition text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_condition text := format(
        '%s = nullif(current_setting(''app.current_tenant_id'', true), '''')::uuid',
        -- In `tenants` the tenant's own row is found by `id`.
        CASE WHEN p_table = 'tenants'::regclass THEN 'id' ELSE 'tenant_id' END
    );
    v_is_direct boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'citus');
    v_setting record;
BEGIN
    IF p_condition IS NULL THEN
        RETURN v_condition;
    END IF;
    v_condition := format(
        '%s AND (%s)',
        v_condition,
        regexp_replace(p_condition, ':may\(([a-z_.,]+)\)', '(:permissions && ''{\1,system}''::text[])', 'g')
    );
    FOR v_setting IN
        SELECT * FROM (VALUES
            (':user', 'nullif(current_setting(''app.current_user_id'', true), '''')::uuid', ''),
            (':teams', 'nullif(current_setting(''app.current_team_ids'', true), '''')::uuid[]', '::uuid[]'),
            (':led', 'nullif(current_setting(''app.led_team_ids'', true), '''')::uuid[]', '::uuid[]'),
            (':permissions', 'string_to_array(current_setting(''app.permissions'', true), '','')', '::text[]'),
            (':vendor', 'nullif(current_setting(''app.vendor'', true), '''')', ''),
            (':break_glass', 'nullif(current_setting(''app.break_glass_user_id'', true), '''')::uuid', '')
        ) AS settings (name, value, type)
    LOOP
        v_condition := replace(
            v_condition,
            v_setting.name,
            -- With the type, `= ANY (…)` takes an array and not a subquery.
            CASE WHEN v_is_direct THEN v_setting.value ELSE format('(SELECT %s)%s', v_setting.value, v_setting.type) END
        );
    END LOOP;
    RETURN v_condition;
END
$$;

-- Creates the policies of one role on one table, one for each command. p_check is
-- a separate condition for the new row, which by default must match p_condition.
-- Two policies for the same command differ by p_suffix.
CREATE OR REPLACE PROCEDURE policies_create(
    p_table regclass,
    p_role text,
    p_commands text[],
    p_condition text DEFAULT NULL,
    p_check text DEFAULT NULL,
    p_suffix text DEFAULT NULL
)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    CALL public.policies_write(
        p_table,
        p_role,
        p_commands,
        public.policy_condition(p_table, p_condition),
        public.policy_condition(p_table, coalesce(p_check, p_condition)),
        p_suffix
    );
    CALL public.purge_allow(p_table);
END
$$;

-- Allows a role to bypass row security on one table. For the few tables that are
-- read before a tenant is known; the catalogue check lists each with a reason.
CREATE OR REPLACE PROCEDURE policies_create_open(p_table regclass, p_role text, p_commands text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    CALL public.policies_write(p_table, p_role, p_commands, 'true', 'true');
    CALL public.purge_allow(p_table);
END
$$;

-- Allows the purge of an organisation to delete its rows from a table. Every table
-- with a tenant_id needs this, so its first policy calls it.
CREATE OR REPLACE PROCEDURE purge_allow(p_table regclass)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = p_table AND 'atrium_purge'::regrole = ANY (polroles))
        OR NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = p_table AND attname = 'tenant_id' AND NOT attisdropped
        )
    THEN
        RETURN;
    END IF;
    CALL public.policies_write(
        p_table, 'atrium_purge', '{select,delete}', public.policy_condition(p_table, NULL), NULL
    );
    EXECUTE format('GRANT SELECT (tenant_id), DELETE ON %s TO atrium_purge', p_table);
END
$$;

-- Gives a new partition the row security and policies of its parent, but no
-- grants: partitions are only reached through their parent.
CREATE OR REPLACE PROCEDURE policies_copy(p_parent regclass, p_partition regclass)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_policy record;
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', p_partition);
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

CALL function_allow('function_allow', '{}');
CALL function_allow('policies_write', '{}');
CALL function_allow('policy_condition', '{}');
CALL function_allow('policies_create', '{}');
CALL function_allow('policies_create_open', '{}');
CALL function_allow('purge_allow', '{}');
CALL function_allow('policies_copy', '{}');
