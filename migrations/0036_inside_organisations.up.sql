-- Inside an organisation the database says what the service says: what becomes
-- visible, who did something, who reads the audit log, what a key may do.

-- 1. A new memory is its owner's alone, and a reply as well: what makes it as
-- visible as what it replies to is the function below.
DROP POLICY memories_app_insert ON memories;
DO $$
DECLARE
    v_vendor text := $q$nullif(current_setting('app.vendor', true), '')$q$;
BEGIN
    -- As `policies_create` writes the settings.
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_vendor := format('(SELECT %s)', v_vendor);
    END IF;
    CALL policies_create('memories', 'atrium_app', '{insert}', format(
        'user_id = :user AND visibility = ''private'' AND shared_at IS NULL
         AND (%1$s IS NULL OR allowed_vendors && ARRAY[''*'', %1$s])',
        v_vendor
    ));
END
$$;

-- As in 0025, and what is shared with the caller: what one can reply to.
DROP POLICY memories_sharing_select ON memories;
CALL policies_create('memories', 'atrium_sharing', '{select}',
    $$user_id = :user OR parent_id IS NOT NULL OR :may(memory.review) OR :may(memory.share) AND :led <> '{}'
      OR visibility = 'org' OR visibility = 'team' AND team_id = ANY (:teams)$$);
GRANT SELECT (allowed_vendors), UPDATE (allowed_vendors, expires_at) ON memories TO atrium_sharing;

-- Makes a new reply of the caller's as visible and as lasting as what it
-- replies to, which must be in the caller's sight. Where others see that, the
-- caller must be allowed to share.
CREATE FUNCTION memory_reply_publish(p_reply uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_teams uuid[] := nullif(current_setting('app.current_team_ids', true), '')::uuid[];
    v_held text[] := string_to_array(current_setting('app.permissions', true), ',');
    v_vendor text := nullif(current_setting('app.vendor', true), '');
    v_root record;
BEGIN
    SELECT root.visibility, root.team_id, root.shared_at, root.allowed_vendors, root.expires_at INTO v_root
      FROM public.memories AS reply
      JOIN public.memories AS root ON root.tenant_id = reply.tenant_id AND root.id = reply.parent_id
     WHERE reply.tenant_id = v_tenant AND reply.id = p_reply AND reply.user_id = v_user
       AND root.parent_id IS NULL AND root.deleted_at IS NULL
       AND (root.user_id = v_user OR root.visibility = 'org' OR root.visibility = 'team' AND root.team_id = ANY (v_teams))
       AND (v_vendor IS NULL OR root.allowed_vendors && ARRAY['*', v_vendor]);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such reply to a memory in sight' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF v_root.visibility <> 'private' AND NOT coalesce('memory.share' = ANY (v_held), false) THEN
        RAISE EXCEPTION 'a reply to what others see is seen by them: that needs memory.share'
            USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'memory_reply_share';
    END IF;
    UPDATE public.memories
       SET visibility = v_root.visibility, team_id = v_root.team_id, shared_at = v_root.shared_at,
           allowed_vendors = v_root.allowed_vendors, expires_at = v_root.expires_at
     WHERE tenant_id = v_tenant AND id = p_reply;
END
$$;
REVOKE EXECUTE ON FUNCTION memory_reply_publish(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION memory_reply_publish(uuid) TO atrium_app;
GRANT CREATE ON SCHEMA public TO atrium_sharing;
ALTER FUNCTION memory_reply_publish(uuid) OWNER TO atrium_sharing;
REVOKE CREATE ON SCHEMA public FROM atrium_sharing;

-- 2. Who did something is who acts. Only Atrium itself acts for others.
DROP POLICY memory_versions_app_insert ON memory_versions;
CALL policies_create('memory_versions', 'atrium_app', '{insert}', 'user_id = :user AND changed_by = :user');

DROP POLICY user_roles_app_insert ON user_roles;
CALL policies_create('user_roles', 'atrium_app', '{insert}', ':may(role.grant) AND granted_by = :user OR :may(system)');

DROP POLICY embedding_models_app_insert ON embedding_models;
CALL policies_create('embedding_models', 'atrium_app', '{insert}',
    ':may(settings.manage) AND created_by = :user OR :may(system)');

-- An open invite rests on the permissions of the one who made or renewed it, so
-- nobody puts another's name there; and only Atrium says that it was accepted.
DO $$
DECLARE
    v_using text := (
        SELECT pg_get_expr(polqual, polrelid) FROM pg_policy
         WHERE polrelid = 'invites'::regclass AND polname = 'invites_app_update'
    );
BEGIN
    DROP POLICY invites_app_update ON invites;
    CALL policies_create('invites', 'atrium_app', '{update}',
        $q$:may(member.invite) AND (status = 'pending' AND invited_by = :user
                                    OR status = 'revoked' AND invited_by IS NOT NULL)
           OR :may(system)$q$);
    EXECUTE format('ALTER POLICY invites_app_update ON invites USING (%s)', v_using);
END
$$;

-- 3. A key is made in one's own name and may nothing that its maker may not.
DROP POLICY api_keys_app_insert ON api_keys;
DO $$
DECLARE
    v_held text := $q$string_to_array(current_setting('app.permissions', true), ',')$q$;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_held := format('(SELECT %s)::text[]', v_held);
    END IF;
    CALL policies_create('api_keys', 'atrium_app', '{insert}', format(
        '(user_id = :user AND :may(api_key.own) OR :may(api_key.manage)) AND created_by = :user AND scopes <@ %s',
        v_held
    ));
END
$$;

-- 4. The audit log is read with the permission. Without it, one reads what one
-- did oneself, and who read one's private memories for a stated reason. A row
-- names as actor the one who acts.
DROP POLICY audit_log_app_select ON audit_log;
DROP POLICY audit_log_audit_insert ON audit_log;
CALL policies_create('audit_log', 'atrium_app', '{select}',
    $$:may(audit.read) OR actor_user_id = :user
      OR action = 'break_glass.read' AND metadata ->> 'member' = (:user)::text$$);
CALL policies_create('audit_log', 'atrium_audit', '{insert}', 'actor_user_id = :user OR :may(system)');
DO $$
DECLARE
    v_partition regclass;
    v_policy name;
BEGIN
    FOR v_partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'audit_log'::regclass LOOP
        FOR v_policy IN SELECT polname FROM pg_policy WHERE polrelid = v_partition LOOP
            EXECUTE format('DROP POLICY %I ON %s', v_policy, v_partition);
        END LOOP;
        CALL policies_copy('audit_log', v_partition);
    END LOOP;
END
$$;
DROP POLICY audit_heads_app_select ON audit_heads;
CALL policies_create('audit_heads', 'atrium_app', '{select}', ':may(audit.read)');

-- 5. A worker finds whose memories wait for a vector, and reads none.
CREATE FUNCTION memory_embedding_owners(p_tenant_id uuid, p_slot text, p_filled boolean) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Each along its own index.
    CASE
        WHEN p_slot = 'a' AND NOT p_filled THEN
            RETURN QUERY SELECT DISTINCT user_id FROM public.memories
             WHERE tenant_id = p_tenant_id AND embedding_a IS NULL AND deleted_at IS NULL;
        WHEN p_slot = 'b' AND NOT p_filled THEN
            RETURN QUERY SELECT DISTINCT user_id FROM public.memories
             WHERE tenant_id = p_tenant_id AND embedding_b IS NULL AND deleted_at IS NULL;
        WHEN p_slot = 'a' THEN
            RETURN QUERY SELECT DISTINCT user_id FROM public.memories
             WHERE tenant_id = p_tenant_id AND embedding_a IS NOT NULL;
        ELSE
            RETURN QUERY SELECT DISTINCT user_id FROM public.memories
             WHERE tenant_id = p_tenant_id AND embedding_b IS NOT NULL;
    END CASE;
END
$$;
REVOKE EXECUTE ON FUNCTION memory_embedding_owners(uuid, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION memory_embedding_owners(uuid, text, boolean) TO atrium_worker;
GRANT CREATE ON SCHEMA public TO atrium_search;
ALTER FUNCTION memory_embedding_owners(uuid, text, boolean) OWNER TO atrium_search;
REVOKE CREATE ON SCHEMA public FROM atrium_search;
REVOKE SELECT (user_id, embedding_a, embedding_b) ON memories FROM atrium_worker;
