-- A change to a memory that others see is decided by those who decide what
-- they see.

-- What a proposal of a change is about: all that others see of the memory, as
-- it is for now and as it would be.
ALTER TABLE memory_proposals
    ADD COLUMN replaces jsonb,
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN importance real,
    ADD CONSTRAINT memory_proposals_change_check CHECK (
        (replaces IS NULL) = (importance IS NULL) AND (replaces IS NOT NULL OR expires_at IS NULL)
    ),
    ADD CONSTRAINT memory_proposals_replaces_check CHECK (octet_length(replaces::text) <= 1048576),
    ADD CONSTRAINT memory_proposals_importance_check CHECK (importance BETWEEN 0 AND 1);

-- A proposal of a change shows both, so a program needs to be allowed both.
DROP POLICY memory_proposals_app_select ON memory_proposals;
DO $$
DECLARE
    v_vendor text := $q$nullif(current_setting('app.vendor', true), '')$q$;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_vendor := format('(SELECT %s)', v_vendor);
    END IF;
    CALL policies_create('memory_proposals', 'atrium_app', '{select}', format(
        $q$(proposed_by = :user OR reviewed_by = :user
            OR status = 'pending' AND proposed_by <> :user
               AND (:may(memory.review) OR :may(memory.share) AND team_id = ANY (:led)))
           AND (%1$s IS NULL
                OR allowed_vendors && ARRAY['*', %1$s]
                   AND (replaces IS NULL OR replaces -> 'allowed_vendors' ?| ARRAY['*', %1$s]))$q$,
        v_vendor
    ));
END
$$;

-- What others see of a memory. The time is written the same in every session.
CREATE FUNCTION memory_shown(
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

-- An organisation can leave such changes to the owners.
CALL policies_create('tenants', 'atrium_sharing', '{select}');
GRANT SELECT (id, settings) ON tenants TO atrium_sharing;

-- As in 0025, and an owner's own memory also where everyone sees it: the
-- functions see to what becomes of it.
DROP POLICY memories_sharing_update ON memories;
CALL policies_create('memories', 'atrium_sharing', '{update}',
    $$user_id = :user
      OR visibility <> 'private' AND :may(memory.review)
      OR visibility = 'team' AND team_id = ANY (:led) AND :may(memory.share)
      OR parent_id IS NOT NULL$$);
DO $$
BEGIN
    EXECUTE (
        SELECT format('ALTER POLICY memories_sharing_update ON memories USING (%s)', pg_get_expr(polqual, polrelid))
          FROM pg_policy WHERE polrelid = 'memories'::regclass AND polname = 'memories_sharing_select'
    );
END
$$;
REVOKE UPDATE (kind, title, content, tags, version, importance, allowed_vendors) ON memories FROM atrium_app;
GRANT SELECT (importance), UPDATE (kind, title, content, tags, importance, embedding_a, embedding_b)
   ON memories TO atrium_sharing;

-- Changes an own memory and returns its new version; NULL where there is no
-- such memory at p_version. Without p_attributes, when it ends, how important
-- it is and what reads it stay; a reply has its end and its readers from what
-- it replies to. What others see is changed by who decides it, a reply of one's
-- own by who may share.
CREATE FUNCTION memory_edit(
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
        -- They are of the old words.
        UPDATE public.memories SET embedding_a = NULL, embedding_b = NULL
         WHERE tenant_id = v_tenant AND id = p_memory_id;
    END IF;
    RETURN v_version;
END
$$;

-- As in 0025, and a change that is accepted takes its memory's place.
GRANT CREATE ON SCHEMA public TO atrium_sharing;
SET ROLE atrium_sharing;
CREATE OR REPLACE FUNCTION memory_proposal_accept(
    p_proposal_id uuid,
    p_comment text,
    p_reason text,
    p_at timestamptz,
    OUT shared_id uuid,
    OUT shared_version integer
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_led uuid[] := nullif(current_setting('app.led_team_ids', true), '')::uuid[];
    v_held text[] := string_to_array(current_setting('app.permissions', true), ',');
    v_proposal record;
BEGIN
    SELECT * INTO v_proposal
      FROM public.memory_proposals
     WHERE tenant_id = v_tenant AND id = p_proposal_id AND status = 'pending'
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF NOT coalesce(
        v_proposal.proposed_by <> v_user
        AND ('memory.review' = ANY (v_held) OR 'memory.share' = ANY (v_held) AND v_proposal.team_id = ANY (v_led)),
        false
    ) THEN
        RAISE EXCEPTION 'others decide this proposal' USING ERRCODE = 'insufficient_privilege';
    END IF;

    shared_id := v_proposal.memory_id;
    PERFORM pg_advisory_xact_lock(hashtextextended(shared_id::text, 24));
    PERFORM FROM public.memories
      WHERE tenant_id = v_tenant AND id = shared_id AND user_id = v_proposal.proposed_by
        AND version = v_proposal.memory_version AND parent_id IS NULL AND deleted_at IS NULL
        AND (expires_at IS NULL OR expires_at > p_at)
        -- The words that were read, whoever wrote them into the proposal.
        AND CASE
                WHEN v_proposal.replaces IS NULL THEN
                    (kind, title, content, tags)
                    = (v_proposal.kind, v_proposal.title, v_proposal.content, v_proposal.tags)
                ELSE
                    (visibility, team_id) IS NOT DISTINCT FROM (v_proposal.to_visibility, v_proposal.team_id)
                    AND (v_proposal.expires_at IS NULL OR v_proposal.expires_at > p_at)
                    AND public.memory_shown(kind, title, content, tags, allowed_vendors, importance, expires_at)
                        = v_proposal.replaces
            END
        FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM public.memory_version_keep(shared_id, p_reason, p_at);
    IF v_proposal.replaces IS NULL THEN
        UPDATE public.memories
           SET visibility = v_proposal.to_visibility, team_id = v_proposal.team_id, version = version + 1,
               updated_at = p_at, shared_at = p_at
         WHERE tenant_id = v_tenant AND id = shared_id
        RETURNING version INTO STRICT shared_version;
        PERFORM public.memory_replies_follow(shared_id);
    ELSE
        UPDATE public.memories
           SET kind = v_proposal.kind, title = v_proposal.title, content = v_proposal.content,
               tags = v_proposal.tags, expires_at = v_proposal.expires_at, importance = v_proposal.importance,
               allowed_vendors = v_proposal.allowed_vendors, version = version + 1, updated_at = p_at,
               embedding_a = NULL, embedding_b = NULL
         WHERE tenant_id = v_tenant AND id = shared_id
        RETURNING version INTO STRICT shared_version;
        UPDATE public.memories
           SET expires_at = v_proposal.expires_at, allowed_vendors = v_proposal.allowed_vendors
         WHERE tenant_id = v_tenant AND parent_id = shared_id;
    END IF;
    UPDATE public.memory_proposals
       SET status = 'accepted', reviewed_by = v_user, review_comment = p_comment, reviewed_at = p_at
     WHERE tenant_id = v_tenant AND id = p_proposal_id;
END
$$;
RESET ROLE;

REVOKE EXECUTE ON FUNCTION
    memory_shown(text, text, text, text[], text[], real, timestamptz),
    memory_edit(uuid, integer, text, text, text, text[], boolean, timestamptz, real, text[], text, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION memory_shown(text, text, text, text[], text[], real, timestamptz)
    TO atrium_app, atrium_sharing;
GRANT EXECUTE ON FUNCTION
    memory_edit(uuid, integer, text, text, text, text[], boolean, timestamptz, real, text[], text, timestamptz)
TO atrium_app;
ALTER FUNCTION memory_edit(uuid, integer, text, text, text, text[], boolean, timestamptz, real, text[], text, timestamptz)
    OWNER TO atrium_sharing;
REVOKE CREATE ON SCHEMA public FROM atrium_sharing;
