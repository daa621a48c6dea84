GRANT SELECT (user_id, embedding_a, embedding_b) ON memories TO atrium_worker;
DROP FUNCTION memory_embedding_owners(uuid, text, boolean);

DROP POLICY audit_heads_app_select ON audit_heads;
CALL policies_create('audit_heads', 'atrium_app', '{select}');
DROP POLICY audit_log_app_select ON audit_log;
DROP POLICY audit_log_audit_insert ON audit_log;
CALL policies_create('audit_log', 'atrium_app', '{select}');
CALL policies_create('audit_log', 'atrium_audit', '{insert}');
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

DROP POLICY api_keys_app_insert ON api_keys;
CALL policies_create('api_keys', 'atrium_app', '{insert}',
    'user_id = :user AND :may(api_key.own) OR :may(api_key.manage)');
DROP POLICY invites_app_update ON invites;
CALL policies_create('invites', 'atrium_app', '{update}',
    ':may(member.invite) AND invited_by IS NOT NULL OR :may(system)');
DROP POLICY embedding_models_app_insert ON embedding_models;
CALL policies_create('embedding_models', 'atrium_app', '{insert}', ':may(settings.manage)');
DROP POLICY user_roles_app_insert ON user_roles;
CALL policies_create('user_roles', 'atrium_app', '{insert}', ':may(role.grant)');
DROP POLICY memory_versions_app_insert ON memory_versions;
CALL policies_create('memory_versions', 'atrium_app', '{insert}', 'user_id = :user');

DROP FUNCTION memory_reply_publish(uuid);
REVOKE SELECT (allowed_vendors), UPDATE (allowed_vendors, expires_at) ON memories FROM atrium_sharing;
DROP POLICY memories_sharing_select ON memories;
CALL policies_create('memories', 'atrium_sharing', '{select}',
    $$user_id = :user OR parent_id IS NOT NULL OR :may(memory.review) OR :may(memory.share) AND :led <> '{}'$$);
DROP POLICY memories_app_insert ON memories;
DO $$
DECLARE
    v_vendor text := $q$nullif(current_setting('app.vendor', true), '')$q$;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_vendor := format('(SELECT %s)', v_vendor);
    END IF;
    CALL policies_create('memories', 'atrium_app', '{insert}', format(
        'user_id = :user
         AND (visibility = ''private'' OR parent_id IS NOT NULL AND (visibility = ''org'' OR team_id = ANY (:teams)))
         AND (%1$s IS NULL OR allowed_vendors && ARRAY[''*'', %1$s])',
        v_vendor
    ));
END
$$;
