-- Memories: filter, versions and edits.

-- True if a memory matches a filter, in which each key is a condition. Must remain
-- one expression of immutable parts to be inlined, so that the planner sees plain
-- conditions. Times are seconds since 1970, because parsing a date is not
-- immutable, and tags are joined by commas, which they can't contain.
CREATE OR REPLACE FUNCTION memory_fits(p_memory memories, p_filter jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((p_memory).deleted_at IS NOT NULL) = (p_filter ? 'trash')
       AND (p_filter ->> 'kind' IS NULL OR (p_memory).kind = p_filter ->> 'kind')
       AND (p_filter ->> 'tags' IS NULL OR (p_memory).tags @> string_to_array(p_filter ->> 'tags', ','))
       AND (p_filter ->> 'persona' IS NULL OR (p_memory).persona_id = (p_filter ->> 'persona')::uuid)
       AND (p_filter ->> 'persona_owner' IS NULL OR (p_memory).user_id = (p_filter ->> 'persona_owner')::uuid)
       AND (p_filter ->> 'term' IS NULL OR (p_memory).term = p_filter ->> 'term')
       AND (p_filter ->> 'owner' IS NULL OR (p_memory).user_id = (p_filter ->> 'owner')::uuid)
       AND (p_filter ->> 'not_owner' IS NULL OR (p_memory).user_id <> (p_filter ->> 'not_owner')::uuid)
       AND (p_filter ->> 'team' IS NULL OR (p_memory).team_id = (p_filter ->> 'team')::uuid)
       AND (p_filter ->> 'origin' IS NULL OR (p_memory).origin = p_filter ->> 'origin')
       AND (p_filter ->> 'visibility' IS NULL OR (p_memory).visibility = p_filter ->> 'visibility')
       AND (p_filter ->> 'from' IS NULL OR (p_memory).updated_at >= to_timestamp((p_filter ->> 'from')::float8))
       AND (p_filter ->> 'before' IS NULL OR (p_memory).updated_at < to_timestamp((p_filter ->> 'before')::float8))
       AND (p_filter ->> 'now' IS NULL OR (p_memory).expires_at IS NULL
            OR (p_memory).expires_at > to_timestamp((p_filter ->> 'now')::float8));

-- The fields of a memory that others can see. The time format doesn't depend on the session.
CREATE OR REPLACE FUNCTION memory_shown(
    p_kind text,
    p_title text,
    p_content text,
    p_tags text[],
    p_allowed_vendors text[],
    p_importance real,
    p_expires_at timestamptz
) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'kind', p_kind,
        'title', p_title,
        'content', p_content,
        'tags', to_jsonb(p_tags),
        'allowed_vendors', to_jsonb(p_allowed_vendors),
        'importance', p_importance,
        'expires_at', to_char(p_expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
    )
$$;
CALL function_allow('memory_shown', '{atrium_app,atrium_sharing}');

-- Records the current state of a memory as a version before it is changed.
CREATE OR REPLACE FUNCTION memory_version_keep(p_memory_id uuid, p_reason text, p_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO public.memory_versions (
        tenant_id, memory_id, version, user_id, kind, title, content, tags, visibility, team_id, origin,
        changed_by, changed_at, change_reason
    )
    SELECT tenant_id, id, version, user_id, kind, title, content, tags, visibility, team_id, origin,
           nullif(current_setting('app.current_user_id', true), '')::uuid, p_at, p_reason
      FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid AND id = p_memory_id
$$;
CALL function_allow('memory_version_keep', '{atrium_handover,atrium_sharing}');

-- Changes one of the caller's memories and returns its new version; NULL if there
-- is none at p_version. Without p_attributes, expiry, importance and vendors stay;
-- a reply has the expiry and vendors of its root. A shared memory can be changed
-- by members who may share it with its audience, a reply by its author with
-- `memory.share`.
CREATE OR REPLACE FUNCTION memory_edit(
    p_memory_id uuid,
    p_version integer,
    p_kind text,
    p_title text,
    p_content text,
    p_tags text[],
    p_attributes boolean,
    p_expires_at timestamptz,
    p_importance real,
    p_allowed_vendors text[],
    p_reason text,
    p_at timestamptz
) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_led uuid[] := nullif(current_setting('app.led_team_ids', true), '')::uuid[];
    v_held text[] := string_to_array(current_setting('app.permissions', true), ',');
    v_vendor text := nullif(current_setting('app.vendor', true), '');
    v_before record;
    v_expires_at timestamptz;
    v_importance real;
    v_allowed_vendors text[];
    v_version integer;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_memory_id::text, 24));
    SELECT kind, title, content, tags, visibility, team_id, parent_id, expires_at, importance, allowed_vendors
      INTO v_before
      FROM public.memories
     WHERE tenant_id = v_tenant AND id = p_memory_id AND user_id = v_user AND version = p_version
       AND deleted_at IS NULL
       AND (v_vendor IS NULL OR allowed_vendors && ARRAY['*', v_vendor])
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_importance := CASE WHEN p_attributes THEN p_importance ELSE v_before.importance END;
    IF p_attributes AND v_before.parent_id IS NULL THEN
        v_expires_at := p_expires_at;
        v_allowed_vendors := p_allowed_vendors;
    ELSE
        v_expires_at := v_before.expires_at;
        v_allowed_vendors := v_before.allowed_vendors;
    END IF;
    IF NOT coalesce(v_vendor IS NULL OR v_allowed_vendors && ARRAY['*', v_vendor], false) THEN
        RAISE EXCEPTION 'a program would not see this any more' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF v_before.visibility <> 'private'
        AND (v_before.kind, v_before.title, v_before.content, v_before.tags, v_before.expires_at,
             v_before.importance, v_before.allowed_vendors)
            IS DISTINCT FROM
            (p_kind, p_title, p_content, p_tags, v_expires_at, v_importance, v_allowed_vendors)
        AND NOT coalesce(
            'memory.share' = ANY (v_held)
            AND (v_before.parent_id IS NOT NULL
                 OR 'memory.review' = ANY (v_held)
                 OR v_before.visibility = 'team' AND v_before.team_id = ANY (v_led)),
            false
        )
        AND NOT coalesce(
            v_before.parent_id IS NULL AND (SELECT (settings ->> 'owners_change_reviewed')::boolean FROM public.tenants WHERE id = v_tenant),
            false
        )
    THEN
        RAISE EXCEPTION 'others decide what becomes of this' USING ERRCODE = 'insufficient_privilege';
    END IF;

    PERFORM public.memory_version_keep(p_memory_id, p_reason, p_at);
    UPDATE public.memories
       SET kind = p_kind, title = p_title, content = p_content, tags = p_tags, expires_at = v_expires_at,
           importance = v_importance, allowed_vendors = v_allowed_vendors, version = version + 1, updated_at = p_at
     WHERE tenant_id = v_tenant AND id = p_memory_id
    RETURNING version INTO STRICT v_version;
    IF (v_before.title, v_before.content, v_before.tags) IS DISTINCT FROM (p_title, p_content, p_tags) THEN
        -- The vectors belong to the earlier text.
        UPDATE public.memories SET embedding_a = NULL, embedding_b = NULL
         WHERE tenant_id = v_tenant AND id = p_memory_id;
    END IF;
    RETURN v_version;
END
$$;
CALL function_allow('memory_edit', '{atrium_app}', 'atrium_sharing');
