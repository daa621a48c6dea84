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
       AND (p_filter ->> 'source_host' IS NULL OR (p_memory).source_host = p_filter ->> 'source_host')
       AND (p_filter ->> 'from' IS NULL OR (p_memory).updated_at >= to_timestamp((p_filter ->> 'from')::float8))
       AND (p_filter ->> 'before' IS NULL OR (p_memory).updated_at < to_timestamp((p_filter ->> 'before')::float8))
       AND (p_filter ->> 'now' IS NULL OR (p_memory).expires_at IS NULL
            OR (p_memory).expires_at > to_timestamp((p_filter ->> 'now')::float8));

-- The attributes of a memory, as the type MemoryAttributes of the domain. The
-- time's format doesn't depend on the session.
CREATE OR REPLACE FUNCTION memory_attributes(p_memory memories) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'expires_at', to_char(p_memory.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'importance', p_memory.importance,
        'allowed_vendors', to_jsonb(p_memory.allowed_vendors),
        'source_url', p_memory.source_url
    )
$$;
CALL function_allow('memory_attributes', '{atrium_app,atrium_sharing}');

-- What others see of a memory, as the type SharedMemory of the domain.
CREATE OR REPLACE FUNCTION memory_shown(p_memory memories) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT public.memory_attributes(p_memory) || jsonb_build_object(
        'kind', p_memory.kind,
        'title', p_memory.title,
        'content', p_memory.content,
        'tags', to_jsonb(p_memory.tags)
    )
$$;
CALL function_allow('memory_shown', '{atrium_app,atrium_sharing}');

-- Creates private memories of the caller from a list of objects whose keys are
-- columns, and returns the ids of the new ones: a record that was imported before
-- is not created again. A reply is created only to a memory in the caller's sight
-- that is no reply, not in the trash and not expired.
CREATE OR REPLACE FUNCTION memory_insert(p_memories jsonb, p_at timestamptz) RETURNS SETOF uuid
LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO public.memories (
        tenant_id, id, user_id, kind, title, content, tags, visibility, origin, source_digest, source_session_id,
        persona_id, parent_id, version, created_at, updated_at,
        expires_at, importance, allowed_vendors, source_url
    )
    SELECT nullif(current_setting('app.current_tenant_id', true), '')::uuid, new.id,
           nullif(current_setting('app.current_user_id', true), '')::uuid, new.kind, new.title, new.content, new.tags,
           'private', new.origin, new.source_digest, new.source_session_id,
           new.persona_id, new.parent_id, new.version, new.created_at, new.updated_at,
           new.expires_at, new.importance, new.allowed_vendors, new.source_url
      FROM jsonb_populate_recordset(NULL::public.memories, p_memories) AS new
     WHERE new.parent_id IS NULL
        OR EXISTS (
               SELECT FROM public.memories AS root
                WHERE root.tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
                  AND root.id = new.parent_id AND root.parent_id IS NULL AND root.deleted_at IS NULL
                  AND (root.expires_at IS NULL OR root.expires_at > p_at)
           )
    ON CONFLICT (tenant_id, user_id, source_digest) DO NOTHING
    RETURNING id
$$;
CALL function_allow('memory_insert', '{atrium_app}');

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

-- Gives a memory the text and attributes of p_after, keeps its previous text as a
-- version and returns the new version. Replies have the expiry and vendors of
-- their root. Runs with the rights of the caller, who holds the thread's lock.
CREATE OR REPLACE FUNCTION memory_replace(p_after memories, p_reason text, p_at timestamptz) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_version integer;
BEGIN
    PERFORM public.memory_version_keep(p_after.id, p_reason, p_at);
    UPDATE public.memories
       SET kind = p_after.kind, title = p_after.title, content = p_after.content, tags = p_after.tags,
           expires_at = p_after.expires_at, importance = p_after.importance,
           allowed_vendors = p_after.allowed_vendors, source_url = p_after.source_url, version = version + 1,
           updated_at = p_at,
           -- Embeddings belong to the earlier text.
           embedding_a = CASE WHEN (title, content, tags) = (p_after.title, p_after.content, p_after.tags)
                              THEN embedding_a END,
           embedding_b = CASE WHEN (title, content, tags) = (p_after.title, p_after.content, p_after.tags)
                              THEN embedding_b END
     WHERE tenant_id = p_after.tenant_id AND id = p_after.id
    RETURNING version INTO STRICT v_version;
    UPDATE public.memories
       SET expires_at = p_after.expires_at, allowed_vendors = p_after.allowed_vendors
     WHERE tenant_id = p_after.tenant_id AND parent_id = p_after.id
       AND (expires_at, allowed_vendors) IS DISTINCT FROM (p_after.expires_at, p_after.allowed_vendors);
    RETURN v_version;
END
$$;
CALL function_allow('memory_replace', '{atrium_sharing}');

-- Changes one of the caller's memories and returns its new version; NULL if there
-- is none at p_version. Attributes that are not in p_attributes stay; a reply has
-- its expiry and vendors from its root. A shared memory can be changed by
-- members who may share it with its audience, a reply by its author with
-- `memory.share`.
CREATE OR REPLACE FUNCTION memory_edit(
    p_memory_id uuid,
    p_version integer,
    p_kind text,
    p_title text,
    p_content text,
    p_tags text[],
    p_attributes jsonb,
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
    v_before public.memories;
    v_after public.memories;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_memory_id::text, 24));
    SELECT * INTO v_before
      FROM public.memories
     WHERE tenant_id = v_tenant AND id = p_memory_id AND user_id = v_user AND version = p_version
       AND deleted_at IS NULL
       AND (v_vendor IS NULL OR allowed_vendors && ARRAY['*', v_vendor])
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    -- Only memory_attributes and memory_replace decide which columns count.
    v_after := jsonb_populate_record(v_before, coalesce(p_attributes, '{}'));
    IF v_before.parent_id IS NOT NULL THEN
        v_after.expires_at := v_before.expires_at;
        v_after.allowed_vendors := v_before.allowed_vendors;
    END IF;
    v_after.kind := p_kind;
    v_after.title := p_title;
    v_after.content := p_content;
    v_after.tags := p_tags;
    v_after.tenant_id := v_before.tenant_id;
    v_after.id := v_before.id;
    IF NOT coalesce(v_vendor IS NULL OR v_after.allowed_vendors && ARRAY['*', v_vendor], false) THEN
        RAISE EXCEPTION 'a program would not see this any more' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF v_before.visibility <> 'private'
        AND public.memory_shown(v_before) IS DISTINCT FROM public.memory_shown(v_after)
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
    RETURN public.memory_replace(v_after, p_reason, p_at);
END
$$;
CALL function_allow('memory_edit', '{atrium_app}', 'atrium_sharing');
