-- Visibility of memories and their replies.

-- Makes the replies to a memory as visible as the memory. Runs with the
-- privileges of the caller, who holds the thread's lock.
CREATE OR REPLACE FUNCTION memory_replies_follow(p_root uuid) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE public.memories AS reply
       SET visibility = root.visibility, team_id = root.team_id, shared_at = root.shared_at
      FROM public.memories AS root
     WHERE reply.tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
       AND reply.parent_id = p_root
       AND root.tenant_id = reply.tenant_id AND root.id = p_root
$$;
CALL function_allow('memory_replies_follow', '{atrium_sharing}');

-- Gives a new reply of the caller the visibility and expiry of its root, which
-- must be visible to the caller. If the root is shared, the caller needs
-- `memory.share`.
CREATE OR REPLACE FUNCTION memory_reply_publish(p_reply uuid) RETURNS void
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
CALL function_allow('memory_reply_publish', '{atrium_app}', 'atrium_sharing');

-- Changes the visibility of one of the caller's memories and returns its new
-- version; NULL if there is none at p_version (NULL: any version). Sharing with
-- more members requires a permission; unsharing requires none, also in the trash.
CREATE OR REPLACE FUNCTION memory_share(
    p_memory_id uuid,
    p_version integer,
    p_visibility text,
    p_team_id uuid,
    p_reason text,
    p_at timestamptz
) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_teams uuid[] := nullif(current_setting('app.current_team_ids', true), '')::uuid[];
    v_led uuid[] := nullif(current_setting('app.led_team_ids', true), '')::uuid[];
    v_held text[] := string_to_array(current_setting('app.permissions', true), ',');
    v_before record;
    v_version integer;
BEGIN
    -- A concurrent reply holds this lock in shared mode.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_memory_id::text, 24));
    SELECT visibility, team_id INTO v_before
      FROM public.memories
     WHERE tenant_id = v_tenant AND id = p_memory_id AND user_id = v_user AND version = coalesce(p_version, version)
       AND parent_id IS NULL
       AND (p_visibility = 'private' OR deleted_at IS NULL AND (expires_at IS NULL OR expires_at > p_at))
       FOR UPDATE;
    IF NOT FOUND OR (v_before.visibility, v_before.team_id) IS NOT DISTINCT FROM (p_visibility, p_team_id) THEN
        RETURN NULL;
    END IF;
    IF NOT coalesce(
        p_visibility = 'private'
        OR v_before.visibility = 'org' AND p_visibility = 'team' AND p_team_id = ANY (v_teams)
        OR 'memory.share' = ANY (v_held)
           AND ('memory.review' = ANY (v_held) OR p_visibility = 'team' AND p_team_id = ANY (v_led)),
        false
    ) THEN
        RAISE EXCEPTION 'others decide whether this is shared' USING ERRCODE = 'insufficient_privilege';
    END IF;

    PERFORM public.memory_version_keep(p_memory_id, p_reason, p_at);
    UPDATE public.memories
       SET visibility = p_visibility, team_id = p_team_id, version = version + 1, updated_at = p_at,
           shared_at = CASE WHEN p_visibility <> 'private' THEN p_at END
     WHERE tenant_id = v_tenant AND id = p_memory_id
    RETURNING version INTO STRICT v_version;
    PERFORM public.memory_replies_follow(p_memory_id);
    -- Pending proposals are of an earlier version now.
    UPDATE public.memory_proposals SET status = 'withdrawn', reviewed_at = p_at
     WHERE tenant_id = v_tenant AND memory_id = p_memory_id AND proposed_by = v_user AND status = 'pending';
    RETURN v_version;
END
$$;
CALL function_allow('memory_share', '{atrium_app}', 'atrium_sharing');

-- Members who could see a memory of p_owner with this visibility: active, with one
-- of the system roles p_roles or a role that allows reading. The rule is the text
-- of the policy itself from the catalogue, with each member as the caller; a
-- policy with conditions on more than members and teams fails here instead of
-- being misread. People first, by name, at most p_limit, each with the totals.
CREATE OR REPLACE FUNCTION memory_viewers(
    p_owner uuid,
    p_visibility text,
    p_team_id uuid,
    p_deleted_at timestamptz,
    p_roles text[],
    p_limit bigint
) RETURNS TABLE (viewer_id uuid, viewer_name text, viewer_kind text, people bigint, programs bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_sees text;
BEGIN
    SELECT pg_get_expr(polqual, polrelid) INTO STRICT v_sees
      FROM pg_policy
     WHERE polrelid = 'public.memories'::regclass AND polname = 'memories_app_select';
    v_sees := replace(
        v_sees, $q$(NULLIF(current_setting('app.current_user_id'::text, true), ''::text))::uuid$q$, 'viewer.id'
    );
    v_sees := replace(
        v_sees,
        $q$(NULLIF(current_setting('app.current_team_ids'::text, true), ''::text))::uuid[]$q$,
        'ARRAY(SELECT belongs.team_id FROM public.team_members belongs
                WHERE belongs.tenant_id = viewer.tenant_id AND belongs.user_id = viewer.id)'
    );
    -- People read in a browser, to which no vendor limits apply.
    v_sees := replace(v_sees, $q$current_setting('app.vendor'::text, true)$q$, $q$''::text$q$);
    IF replace(v_sees, 'app.current_tenant_id', '') LIKE '%''app.%' THEN
        RAISE EXCEPTION 'the policy on memories asks for what memory_viewers does not know: %', v_sees;
    END IF;

    RETURN QUERY EXECUTE
        'WITH memory AS MATERIALIZED (
             SELECT * FROM jsonb_populate_record(NULL::public.memories, $1)
         ), viewers AS (
             SELECT viewer.id, viewer.display_name, viewer.kind, viewer.sort_name
               FROM public.users viewer
              WHERE viewer.tenant_id = $2 AND viewer.status = ''active''
                AND EXISTS (
                    SELECT FROM public.user_roles held
                      JOIN public.roles ON roles.tenant_id = held.tenant_id AND roles.id = held.role_id
                     WHERE held.tenant_id = viewer.tenant_id AND held.user_id = viewer.id
                       AND (roles.is_system AND roles.key = ANY ($3) OR ''memory.read'' = ANY (roles.permissions)))
                AND EXISTS (SELECT FROM memory WHERE ' || v_sees || ')
         )
         SELECT id, display_name, kind,
                count(*) FILTER (WHERE kind = ''human'') OVER (),
                count(*) FILTER (WHERE kind <> ''human'') OVER ()
           FROM viewers
          ORDER BY kind <> ''human'', sort_name, id
          LIMIT $4'
    USING jsonb_build_object(
              'tenant_id', v_tenant, 'user_id', p_owner, 'visibility', p_visibility, 'team_id', p_team_id,
              'deleted_at', p_deleted_at, 'allowed_vendors', '{*}'::text[]
          ),
          v_tenant, p_roles, p_limit;
END
$$;
CALL function_allow('memory_viewers', '{atrium_app}');
