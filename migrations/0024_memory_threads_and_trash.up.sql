-- Which AI products read a memory, replies that go where their root goes, and
-- a trash that empties itself.

-- Keys that are there already belong to programs that nobody named.
ALTER TABLE api_keys
    ADD COLUMN vendor text NOT NULL DEFAULT 'other'
        CONSTRAINT api_keys_vendor_check
        CHECK (vendor IN ('chatgpt', 'claude', 'cursor', 'copilot', 'gemini', 'other'));
ALTER TABLE api_keys ALTER COLUMN vendor DROP DEFAULT;
GRANT SELECT (vendor) ON api_keys TO atrium_app, atrium_auth;

ALTER TABLE memories
    ADD CONSTRAINT memories_allowed_vendors_known_check
    CHECK (allowed_vendors <@ '{*,chatgpt,claude,cursor,copilot,gemini,other}'::text[]);

-- As in 0005, and a program reads and writes only what its maker's products
-- may read. The setting names the maker; without one it is a person.
DROP POLICY memories_app_select ON memories;
DROP POLICY memories_app_insert ON memories;
DO $$
DECLARE
    v_vendor text := $q$nullif(current_setting('app.vendor', true), '')$q$;
    v_may_read text;
BEGIN
    -- As `policies_create` writes the settings.
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_vendor := format('(SELECT %s)', v_vendor);
    END IF;
    v_may_read := format('(%1$s IS NULL OR allowed_vendors && ARRAY[''*'', %1$s])', v_vendor);
    CALL policies_create('memories', 'atrium_app', '{select}',
        '(user_id = :user OR (deleted_at IS NULL AND (visibility = ''org'' OR (visibility = ''team'' AND team_id = ANY (:teams)))))
         AND ' || v_may_read);
    CALL policies_create('memories', 'atrium_app', '{insert}',
        'user_id = :user AND (visibility <> ''team'' OR team_id = ANY (:teams)) AND ' || v_may_read);
END
$$;

-- What a memory was goes with it when it is deleted for good. Whatever refers
-- to memories does so in this way, or nothing could be deleted.
ALTER TABLE memory_versions
    DROP CONSTRAINT memory_versions_memory_id_fkey,
    ADD CONSTRAINT memory_versions_memory_id_fkey
        FOREIGN KEY (tenant_id, memory_id) REFERENCES memories (tenant_id, id) ON DELETE CASCADE;

-- Owns the functions below; nobody takes it. It reads of a memory everything
-- but the words, changes nothing but replies and what has an end, and deletes
-- only what is in the trash.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'atrium_trash') THEN
        BEGIN
            CREATE ROLE atrium_trash NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        AND NOT pg_has_role(current_user, 'atrium_trash', 'SET')
    THEN
        GRANT atrium_trash TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
    END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO atrium_trash;
CALL policies_create('memories', 'atrium_trash', '{select}', 'user_id = :user OR parent_id IS NOT NULL OR :may(system)');
CALL policies_create('memories', 'atrium_trash', '{update}', 'parent_id IS NOT NULL OR :may(system) AND expires_at IS NOT NULL');
CALL policies_create('memories', 'atrium_trash', '{delete}',
    'deleted_at IS NOT NULL AND (user_id = :user OR parent_id IS NOT NULL OR :may(system))');
GRANT SELECT (
    tenant_id, id, user_id, parent_id, visibility, team_id, shared_at, allowed_vendors, expires_at, deleted_at
) ON memories TO atrium_trash;
GRANT UPDATE (visibility, team_id, shared_at, allowed_vendors, expires_at, deleted_at) ON memories TO atrium_trash;
GRANT DELETE ON memories TO atrium_trash;

CREATE INDEX memories_deleted_at_idx ON memories (tenant_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
-- Workers look for organisations with something to sweep.
GRANT SELECT (expires_at) ON memories TO atrium_worker;

-- Makes the replies to a memory of the caller's as visible, as lasting and as
-- deleted as it is, whosever they are, and tells how many there are; NULL when
-- the caller has no such memory. Replies that went into the trash with it, at
-- p_back_from, come back with it.
CREATE FUNCTION memory_thread_follow(p_root uuid, p_back_from timestamptz DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_root record;
    v_count bigint;
BEGIN
    -- Who replies meanwhile has a shared lock: that reply is waited for.
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

-- Only for Atrium itself.
CREATE FUNCTION memory_system_only() RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT coalesce('system' = ANY (string_to_array(current_setting('app.permissions', true), ',')), false) THEN
        RAISE EXCEPTION 'only Atrium itself sweeps' USING ERRCODE = 'insufficient_privilege';
    END IF;
END
$$;

-- Moves up to p_limit memories of the tenant that ended by p_now into the
-- trash, with their replies; names them all.
CREATE FUNCTION memory_expire(p_now timestamptz, p_limit bigint) RETURNS SETOF uuid
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

-- Deletes up to p_limit memories of the tenant for good that are in the trash
-- since p_before or longer, with their replies; names them all. One with a
-- reply that may stay stays.
CREATE FUNCTION memory_trash_purge(p_before timestamptz, p_limit bigint) RETURNS SETOF uuid
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

-- Deletes up to p_limit of the caller's own memories in the trash for good,
-- with the replies to them; names them all. p_id picks one, or NULL any.
CREATE FUNCTION memory_trash_empty(p_id uuid, p_limit bigint) RETURNS SETOF uuid
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

REVOKE EXECUTE ON FUNCTION
    memory_thread_follow(uuid, timestamptz),
    memory_system_only(),
    memory_expire(timestamptz, bigint),
    memory_trash_purge(timestamptz, bigint),
    memory_trash_empty(uuid, bigint)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION memory_system_only() TO atrium_trash;
GRANT EXECUTE ON FUNCTION
    memory_thread_follow(uuid, timestamptz),
    memory_expire(timestamptz, bigint),
    memory_trash_purge(timestamptz, bigint),
    memory_trash_empty(uuid, bigint)
TO atrium_app;
GRANT CREATE ON SCHEMA public TO atrium_trash;
ALTER FUNCTION memory_thread_follow(uuid, timestamptz) OWNER TO atrium_trash;
ALTER FUNCTION memory_expire(timestamptz, bigint) OWNER TO atrium_trash;
ALTER FUNCTION memory_trash_purge(timestamptz, bigint) OWNER TO atrium_trash;
ALTER FUNCTION memory_trash_empty(uuid, bigint) OWNER TO atrium_trash;
REVOKE CREATE ON SCHEMA public FROM atrium_trash;
