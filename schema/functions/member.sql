-- A member with all that a request needs, under the caller's own row security;
-- no row for one that is unknown. A function, so that a page can read it in one
-- statement with its session: it runs after session_enter has set the tenant.
CREATE OR REPLACE FUNCTION actor_load(p_tenant_id uuid, p_user_id uuid) RETURNS TABLE (
    slug text,
    tenant_name text,
    tenant_status text,
    tenant_time_zone text,
    kind text,
    status text,
    display_name text,
    email text,
    theme text,
    time_zone text,
    locale text,
    -- Sorted by key, with the names in the same order.
    role_keys text[],
    role_names text[],
    system_role_keys text[],
    permissions text[],
    -- Sorted by name, with the names in the same order.
    team_ids uuid[],
    team_names text[],
    led_team_ids uuid[],
    is_operator boolean
)
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT t.slug, t.name, t.status, t.settings ->> 'time_zone',
           u.kind, u.status, u.display_name, u.email,
           p.theme, p.time_zone, p.locale,
           coalesce(granted.keys, '{}'), coalesce(granted.names, '{}'), coalesce(granted.system_keys, '{}'),
           ARRAY(
               SELECT DISTINCT permission FROM public.roles AS r, unnest(r.permissions) AS permission
                WHERE r.tenant_id = p_tenant_id AND r.id IN (
                    SELECT ur.role_id FROM public.user_roles AS ur
                     WHERE ur.tenant_id = p_tenant_id AND ur.user_id = p_user_id)
           ),
           coalesce(joined.ids, '{}'), coalesce(joined.names, '{}'),
           ARRAY(
               SELECT DISTINCT m.team_id FROM public.team_members AS m
                WHERE m.tenant_id = p_tenant_id AND m.user_id = p_user_id AND m.role = 'lead'
           ),
           EXISTS (
               SELECT FROM public.platform_operators AS o
                WHERE o.tenant_id = p_tenant_id AND o.user_id = p_user_id
           )
      FROM public.users AS u
      JOIN public.tenants AS t ON t.id = u.tenant_id
      LEFT JOIN public.user_preferences AS p ON p.tenant_id = u.tenant_id AND p.user_id = u.id
     CROSS JOIN LATERAL (
               SELECT array_agg(r.key ORDER BY r.key) AS keys, array_agg(r.name ORDER BY r.key) AS names,
                      array_agg(r.key) FILTER (WHERE r.is_system) AS system_keys
                 FROM public.roles AS r
                WHERE r.tenant_id = p_tenant_id AND r.id IN (
                    SELECT ur.role_id FROM public.user_roles AS ur
                     WHERE ur.tenant_id = p_tenant_id AND ur.user_id = p_user_id)
           ) AS granted
     CROSS JOIN LATERAL (
               SELECT array_agg(g.id ORDER BY g.name) AS ids, array_agg(g.name ORDER BY g.name) AS names
                 FROM public.teams AS g
                WHERE g.tenant_id = p_tenant_id AND g.id IN (
                    SELECT m.team_id FROM public.team_members AS m
                     WHERE m.tenant_id = p_tenant_id AND m.user_id = p_user_id)
           ) AS joined
     WHERE u.tenant_id = p_tenant_id AND u.id = p_user_id;
END
$$;
CALL function_allow('actor_load', '{atrium_app}');
