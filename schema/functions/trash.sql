-- Trash and expiry of memories and their replies.

-- Fails unless this is a system transaction.
CREATE OR REPLACE FUNCTION memory_system_only() RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT coalesce('system' = ANY (string_to_array(current_setting('app.permissions', true), ',')), false) THEN
        RAISE EXCEPTION 'only Atrium itself sweeps' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;
CALL function_allow('memory_system_only', '{atrium_trash}');

-- Gives the replies to one of the caller's memories its visibility, expiry and
-- deletion, and returns their number; NULL if the caller has no such memory.
-- Replies that were deleted with it, at p_back_from, are restored with it.
CREATE OR REPLACE FUNCTION memory_thread_follow(p_root uuid, p_back_from timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_root record;
    v_count bigint;
BEGIN
    -- Waits for a concurrent reply, which holds this lock in shared mode.
    PERFORM pg_advisory_xact_lock(hashtextextended(p_root::text, 24));
    SELECT visibility, team_id, shared_at, allowed_vendors, expires_at, deleted_at INTO v_root
      FROM public.memories
     WHERE tenant_id = v_tenant AND id = p_root AND user_id = v_user AND parent_id IS NULL;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE public.memories
       SET visibility = v_root.visibility, team_id = v_root.team_id, shared_at = v_root.shared_at,
           allowed_vendors = v_root.allowed_vendors, expires_at = v_root.expires_at,
           deleted_at = CASE
               WHEN v_root.deleted_at IS NOT NULL THEN coalesce(deleted_at, v_root.deleted_at)
               WHEN deleted_at IS DISTINCT FROM p_back_from THEN deleted_at
           END
     WHERE tenant_id = v_tenant AND parent_id = p_root;
    GET DIAGNOSTICS v_count = ROW_COUNT;
    RETURN v_count;
END
$$;
CALL function_allow('memory_thread_follow', '{atrium_app}', 'atrium_trash');

-- Moves at most p_limit memories of the tenant that expired by p_now into the
-- trash, with their replies, and returns the ids of all.
CREATE OR REPLACE FUNCTION memory_expire(p_now timestamptz, p_limit bigint) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
BEGIN
    PERFORM public.memory_system_only();
    RETURN QUERY
    WITH due AS (
        SELECT id FROM public.memories
         WHERE tenant_id = v_tenant AND expires_at <= p_now AND deleted_at IS NULL
         ORDER BY expires_at, id
         LIMIT p_limit
           FOR UPDATE SKIP LOCKED
    )
    UPDATE public.memories m SET deleted_at = p_now
     WHERE m.tenant_id = v_tenant AND m.deleted_at IS NULL AND m.expires_at <= p_now
       AND (m.id IN (SELECT due.id FROM due) OR m.parent_id IN (SELECT due.id FROM due))
    RETURNING m.id;
END
$$;
CALL function_allow('memory_expire', '{atrium_app}', 'atrium_trash');

-- Deletes at most p_limit memories of the tenant that were moved to the trash at
-- p_before or earlier, with their replies, and returns the ids of all. A memory
-- with a reply that can't be deleted yet stays.
CREATE OR REPLACE FUNCTION memory_trash_purge(p_before timestamptz, p_limit bigint) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
BEGIN
    PERFORM public.memory_system_only();
    RETURN QUERY
    WITH due AS (
        SELECT id FROM public.memories m
         WHERE tenant_id = v_tenant AND deleted_at <= p_before
           AND NOT EXISTS (
                   SELECT FROM public.memories r
                    WHERE r.tenant_id = v_tenant AND r.parent_id = m.id
                      AND (r.deleted_at IS NULL OR r.deleted_at > p_before)
               )
         ORDER BY deleted_at, id
         LIMIT p_limit
    )
    DELETE FROM public.memories m
     WHERE m.tenant_id = v_tenant AND m.deleted_at <= p_before
       AND (m.id IN (SELECT due.id FROM due) OR m.parent_id IN (SELECT due.id FROM due))
    RETURNING m.id;
END
$$;
CALL function_allow('memory_trash_purge', '{atrium_app}', 'atrium_trash');

-- Deletes at most p_limit of the caller's own memories in the trash, with the
-- replies to them, and returns the ids of all. p_id selects one, NULL any.
CREATE OR REPLACE FUNCTION memory_trash_empty(p_id uuid, p_limit bigint) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_vendor text := nullif(current_setting('app.vendor', true), '');
BEGIN
    RETURN QUERY
    WITH chosen AS (
        SELECT id FROM public.memories m
         WHERE tenant_id = v_tenant AND user_id = v_user AND deleted_at IS NOT NULL AND (p_id IS NULL OR id = p_id)
           AND (v_vendor IS NULL OR allowed_vendors && ARRAY['*', v_vendor])
           AND NOT EXISTS (
                   SELECT FROM public.memories r
                    WHERE r.tenant_id = v_tenant AND r.parent_id = m.id AND r.deleted_at IS NULL
               )
         ORDER BY deleted_at, id
         LIMIT p_limit
    )
    DELETE FROM public.memories m
     WHERE m.tenant_id = v_tenant AND m.deleted_at IS NOT NULL
       AND (m.id IN (SELECT chosen.id FROM chosen) OR m.parent_id IN (SELECT chosen.id FROM chosen))
    RETURNING m.id;
END
$$;
CALL function_allow('memory_trash_empty', '{atrium_app}', 'atrium_trash');
