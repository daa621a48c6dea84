-- Who may change the organisation is the database's business too: a condition
-- of a policy can ask for permissions, and those on members, roles and teams do.

-- As in 0001, and `:may(a,b)` stands for "the one who acts holds a or b". The
-- setting holds the actor's permissions, or `system` for Atrium itself, which
-- holds all of them.
CREATE OR REPLACE PROCEDURE policies_create(
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
    v_permissions text := $q$string_to_array(current_setting('app.permissions', true), ',')$q$;
    v_name text := (SELECT relname FROM pg_class WHERE oid = p_table);
    v_expression text;
    v_command text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_user := format('(SELECT %s)', v_user);
        v_teams := format('(SELECT %s)::uuid[]', v_teams);
        v_permissions := format('(SELECT %s)::text[]', v_permissions);
    END IF;

    -- A tenant sees itself in `tenants` by `id`.
    v_expression := CASE WHEN v_name = 'tenants' THEN replace(v_tenant, 'tenant_id =', 'id =') ELSE v_tenant END;
    IF p_condition IS NOT NULL THEN
        v_expression := format(
            '%s AND (%s)',
            v_expression,
            regexp_replace(
                replace(replace(p_condition, ':user', v_user), ':teams', v_teams),
                ':may\(([a-z_.,]+)\)',
                format('(%s && ''{\1,system}''::text[])', v_permissions),
                'g'
            )
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

DROP POLICY users_app_insert ON users;
DROP POLICY users_app_update ON users;
CALL policies_create('users', 'atrium_app', '{insert,update}', ':may(member.manage)');

DROP POLICY user_roles_app_insert ON user_roles;
DROP POLICY user_roles_app_delete ON user_roles;
CALL policies_create('user_roles', 'atrium_app', '{insert,delete}', ':may(role.grant)');

DROP POLICY teams_app_insert ON teams;
DROP POLICY teams_app_update ON teams;
CALL policies_create('teams', 'atrium_app', '{insert}', ':may(team.manage)');
CALL policies_create('teams', 'atrium_app', '{update}', ':may(team.manage) OR :may(team.lead) AND id = ANY (:teams)');

DROP POLICY team_members_app_insert ON team_members;
DROP POLICY team_members_app_delete ON team_members;
CALL policies_create('team_members', 'atrium_app', '{insert,delete}',
    ':may(team.manage) OR :may(team.lead) AND team_id = ANY (:teams)');

-- What a system role allows is in the program, which knows its own catalogue:
-- a copy here would lag behind it. The table's owner is held by row security
-- like anybody, so it is lifted for this one statement.
ALTER TABLE roles NO FORCE ROW LEVEL SECURITY;
UPDATE roles SET permissions = '{}' WHERE is_system;
ALTER TABLE roles FORCE ROW LEVEL SECURITY;
ALTER TABLE roles ADD CONSTRAINT roles_system_permissions_check CHECK (NOT is_system OR permissions = '{}');
