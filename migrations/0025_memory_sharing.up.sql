-- Memories are shared by who may decide it, or proposed to them. What makes a
-- memory more widely visible goes through functions: a policy can't compare a
-- row with what it was before.

-- As in 0020, and `:led` stands for the teams that the one who acts leads.
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
    v_led text := $q$nullif(current_setting('app.led_team_ids', true), '')::uuid[]$q$;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_led := format('(SELECT %s)::uuid[]', v_led);
    END IF;
    CALL public.policies_write(p_table, p_role, p_commands, replace(p_condition, ':led', v_led));
    CALL public.purge_allow(p_table);
END
$$;

-- Who leads a team changes it; who only belongs to it does not.
DROP POLICY teams_app_update ON teams;
CALL policies_create('teams', 'atrium_app', '{update}', ':may(team.manage) OR :may(team.lead) AND id = ANY (:led)');
DROP POLICY team_members_app_insert ON team_members;
DROP POLICY team_members_app_update ON team_members;
DROP POLICY team_members_app_delete ON team_members;
CALL policies_create('team_members', 'atrium_app', '{insert,update}',
    ':may(team.manage) OR :may(team.lead) AND team_id = ANY (:led)');
CALL policies_create('team_members', 'atrium_app', '{delete}',
    ':may(team.manage,member.manage) OR :may(team.lead) AND team_id = ANY (:led)');

-- Owns the functions by which memories are shared; nobody takes it. They copy
-- words into earlier versions and compare them, and return none.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'atrium_sharing') THEN
        BEGIN
            CREATE ROLE atrium_sharing NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        AND NOT pg_has_role(current_user, 'atrium_sharing', 'SET')
    THEN
        GRANT atrium_sharing TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
    END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO atrium_sharing;

-- A new memory is its owner's alone, whoever writes it; a reply may be as
-- visible as what it replies to. Programs as in 0024.
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

CALL policies_create('memories', 'atrium_sharing', '{select}',
    $$user_id = :user OR parent_id IS NOT NULL OR :may(memory.review) OR :may(memory.share) AND :led <> '{}'$$);
-- What a memory can become: taken back by its owner, and shared further by who
-- decides it. From what it comes, the functions see to, and that replies,
-- whosever they are, are as visible as what they reply to.
CALL policies_create('memories', 'atrium_sharing', '{update}',
    $$user_id = :user AND (visibility = 'private' OR visibility = 'team' AND team_id = ANY (:teams))
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
GRANT SELECT (
    tenant_id, id, user_id, kind, title, content, tags, visibility, team_id, origin, version, parent_id, expires_at,
    deleted_at, shared_at
) ON memories TO atrium_sharing;
GRANT UPDATE (visibility, team_id, shared_at, version, updated_at) ON memories TO atrium_sharing;

-- The team it was shared with, which may be gone since.
ALTER TABLE memory_versions ADD COLUMN team_id uuid;
CALL policies_create('memory_versions', 'atrium_sharing', '{insert}', 'changed_by = :user');
GRANT INSERT ON memory_versions TO atrium_sharing;
CALL policies_create('memory_versions', 'atrium_handover', '{insert}',
    'changed_by = :user AND :may(team.manage,member.manage)');
GRANT INSERT ON memory_versions TO atrium_handover;
GRANT SELECT (kind, title, content, tags, origin, version) ON memories TO atrium_handover;
GRANT UPDATE (version, updated_at) ON memories TO atrium_handover;

CREATE TABLE memory_proposals (
    tenant_id uuid NOT NULL
        CONSTRAINT memory_proposals_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    memory_id uuid NOT NULL,
    -- What is proposed, word for word: who decides can't see the memory, and
    -- decides on what they read.
    memory_version integer NOT NULL
        CONSTRAINT memory_proposals_memory_version_check CHECK (memory_version >= 1),
    kind text NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    tags text[] NOT NULL,
    -- The memory's owner.
    proposed_by uuid NOT NULL,
    to_visibility text NOT NULL
        CONSTRAINT memory_proposals_to_visibility_check CHECK (to_visibility IN ('team', 'org')),
    -- Empty once the team is gone; its name stays.
    team_id uuid,
    team_name text
        CONSTRAINT memory_proposals_team_name_check CHECK (char_length(team_name) BETWEEN 1 AND 100),
    comment text NOT NULL
        CONSTRAINT memory_proposals_comment_check CHECK (char_length(comment) <= 1000),
    status text NOT NULL
        CONSTRAINT memory_proposals_status_check CHECK (status IN ('pending', 'accepted', 'declined', 'withdrawn')),
    created_at timestamptz NOT NULL,
    reviewed_by uuid,
    review_comment text
        CONSTRAINT memory_proposals_review_comment_check CHECK (char_length(review_comment) <= 1000),
    -- When it was decided or withdrawn.
    reviewed_at timestamptz,
    CONSTRAINT memory_proposals_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT memory_proposals_memory_id_fkey
        FOREIGN KEY (tenant_id, memory_id) REFERENCES memories (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT memory_proposals_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    CONSTRAINT memory_proposals_proposed_by_fkey FOREIGN KEY (tenant_id, proposed_by) REFERENCES users (tenant_id, id),
    CONSTRAINT memory_proposals_reviewed_by_fkey FOREIGN KEY (tenant_id, reviewed_by) REFERENCES users (tenant_id, id),
    CONSTRAINT memory_proposals_team_check CHECK (
        (to_visibility = 'team') = (team_name IS NOT NULL)
        AND (team_id IS NULL OR to_visibility = 'team')
        AND (team_id IS NOT NULL OR to_visibility = 'org' OR status <> 'pending')
    ),
    CONSTRAINT memory_proposals_reviewed_check CHECK (
        (status = 'pending') = (reviewed_at IS NULL)
        AND (status IN ('accepted', 'declined')) = (reviewed_by IS NOT NULL)
    ),
    -- Four eyes.
    CONSTRAINT memory_proposals_other_check CHECK (reviewed_by <> proposed_by)
);
COMMENT ON TABLE memory_proposals IS 'Memories that their owners want to be shared, for those who decide it.';
CREATE UNIQUE INDEX memory_proposals_pending_idx ON memory_proposals (tenant_id, memory_id) WHERE status = 'pending';
CREATE INDEX memory_proposals_memory_id_idx ON memory_proposals (tenant_id, memory_id);
CREATE INDEX memory_proposals_waiting_idx ON memory_proposals (tenant_id, created_at DESC, id DESC)
    WHERE status = 'pending';
CREATE INDEX memory_proposals_proposed_by_idx ON memory_proposals (tenant_id, proposed_by, created_at DESC, id DESC);
CREATE INDEX memory_proposals_reviewed_by_idx ON memory_proposals (tenant_id, reviewed_by, created_at DESC, id DESC)
    WHERE reviewed_by IS NOT NULL;
CREATE INDEX memory_proposals_team_id_idx ON memory_proposals (tenant_id, team_id) WHERE team_id IS NOT NULL;

-- While it waits, members who decide it see it, and not Atrium itself; later who decided it, and always
-- its author.
CALL policies_create('memory_proposals', 'atrium_app', '{select}',
    $$proposed_by = :user OR reviewed_by = :user
      OR status = 'pending' AND proposed_by <> :user AND (:may(memory.review) OR :may(memory.share) AND team_id = ANY (:led))$$);
-- Deciding and withdrawing are the functions' alone.
CALL policies_create('memory_proposals', 'atrium_app', '{insert}',
    $$proposed_by = :user AND status = 'pending' AND :may(memory.share)
      AND (to_visibility = 'org' OR team_id = ANY (:teams))$$);
GRANT SELECT, INSERT ON memory_proposals TO atrium_app;

CALL policies_create('memory_proposals', 'atrium_sharing', '{select,update}',
    'proposed_by = :user OR :may(memory.review) OR :may(memory.share) AND team_id = ANY (:led)');
GRANT SELECT ON memory_proposals TO atrium_sharing;
GRANT UPDATE (status, reviewed_by, review_comment, reviewed_at) ON memory_proposals TO atrium_sharing;

CALL policies_create('memory_proposals', 'atrium_handover', '{select,update}', ':may(team.manage,member.manage)');
GRANT SELECT (tenant_id, id, proposed_by, team_id, status, review_comment, reviewed_at) ON memory_proposals
    TO atrium_handover;
GRANT UPDATE (status, team_id, review_comment, reviewed_at) ON memory_proposals TO atrium_handover;

DROP POLICY notifications_app_insert ON notifications;
CALL policies_create('notifications', 'atrium_app', '{insert}',
    $$:may(system) AND created_by IS NULL
      OR created_by = :user AND (
          kind = 'break_glass_opened' AND :may(memory.break_glass)
          OR kind = 'memory_proposed' AND :may(memory.share)
          OR kind = 'memory_proposal_decided' AND :may(memory.share,memory.review)
      )$$);

-- Keeps what a memory is, before a change. With the rights of who calls it.
CREATE FUNCTION memory_version_keep(p_memory_id uuid, p_reason text, p_at timestamptz) RETURNS void
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

-- Makes the replies to a memory as visible as it is. With the rights of who
-- calls it, who holds the thread's lock (0024).
CREATE FUNCTION memory_replies_follow(p_root uuid) RETURNS void
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

-- Changes who can see an own memory and returns its new version; NULL where
-- there is no such memory, or none at p_version (NULL: whichever). To share it
-- further needs a permission; to take it back needs none, also from the trash.
CREATE FUNCTION memory_share(
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
    -- Who replies meanwhile holds it shared.
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
    -- What was proposed of it is of another version now.
    UPDATE public.memory_proposals SET status = 'withdrawn', reviewed_at = p_at
     WHERE tenant_id = v_tenant AND memory_id = p_memory_id AND proposed_by = v_user AND status = 'pending';
    RETURN v_version;
END
$$;

-- Shares a memory as its owner proposes. Returns its id and new version; no
-- version where the memory is not any more what was proposed, and neither
-- where no such proposal waits for the one who acts.
CREATE FUNCTION memory_proposal_accept(
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
        AND (kind, title, content, tags)
            = (v_proposal.kind, v_proposal.title, v_proposal.content, v_proposal.tags)
        FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM public.memory_version_keep(shared_id, p_reason, p_at);
    UPDATE public.memories
       SET visibility = v_proposal.to_visibility, team_id = v_proposal.team_id, version = version + 1,
           updated_at = p_at, shared_at = p_at
     WHERE tenant_id = v_tenant AND id = shared_id
    RETURNING version INTO STRICT shared_version;
    PERFORM public.memory_replies_follow(shared_id);
    UPDATE public.memory_proposals
       SET status = 'accepted', reviewed_by = v_user, review_comment = p_comment, reviewed_at = p_at
     WHERE tenant_id = v_tenant AND id = p_proposal_id;
END
$$;

-- Ends a waiting proposal: its author withdraws it, somebody else declines it.
-- Whether there was one.
CREATE FUNCTION memory_proposal_close(p_proposal_id uuid, p_decline boolean, p_comment text, p_at timestamptz)
RETURNS boolean
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH closed AS (
        UPDATE public.memory_proposals
           SET status = CASE WHEN p_decline THEN 'declined' ELSE 'withdrawn' END,
               reviewed_by = CASE WHEN p_decline THEN nullif(current_setting('app.current_user_id', true), '')::uuid END,
               review_comment = p_comment,
               reviewed_at = p_at
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND id = p_proposal_id AND status = 'pending'
           -- Others than the author are in sight only to who decides.
           AND (proposed_by <> nullif(current_setting('app.current_user_id', true), '')::uuid) = p_decline
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM closed)
$$;

-- Who sees a memory of p_owner that is visible so: members who are active and
-- hold one of the system roles p_roles, or a role that allows reading. The
-- rule is the text of the policy itself, taken from the catalogue, with each
-- member in the place of the one who acts; a policy that asks for more than
-- members and teams fails here instead of being misread. People first, by
-- name, at most p_limit, each with how many there are in all.
CREATE FUNCTION memory_viewers(
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
    -- People come by browser, to which no product's limits apply.
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

-- Takes at most p_limit of a team's memories back to their owners, who alone
-- see them from then on, and tells which and how visible they were.
DROP FUNCTION team_memories_release(uuid);
CREATE FUNCTION team_memories_release(p_team_id uuid, p_limit bigint, p_reason text, p_at timestamptz)
RETURNS TABLE (released_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_ids uuid[];
BEGIN
    SELECT array_agg(id) INTO v_ids
      FROM (
          SELECT id FROM public.memories
           WHERE tenant_id = v_tenant AND team_id = p_team_id
           ORDER BY id LIMIT p_limit
             FOR UPDATE
      ) AS due;
    PERFORM public.memory_version_keep(due, p_reason, p_at) FROM unnest(v_ids) AS due;
    RETURN QUERY
        UPDATE public.memories
           SET visibility = 'private', team_id = NULL, shared_at = NULL, version = version + 1, updated_at = p_at
         WHERE tenant_id = v_tenant AND id = ANY (v_ids)
        RETURNING id;
END
$$;

-- Ends what waits for a team that goes, and lets go of it in what was decided.
-- How many waited.
CREATE FUNCTION team_proposals_release(p_team_id uuid, p_comment text, p_at timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH ended AS (
        UPDATE public.memory_proposals
           SET status = 'withdrawn', review_comment = p_comment, reviewed_at = p_at, team_id = NULL
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND team_id = p_team_id AND status = 'pending'
        RETURNING 1
    ), released AS (
        UPDATE public.memory_proposals SET team_id = NULL
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND team_id = p_team_id AND status <> 'pending'
    )
    SELECT count(*) FROM ended
$$;

-- As in 0023, at most p_limit of them, each with a version; tells which.
DROP FUNCTION user_memories_hand_over(uuid, uuid);
CREATE FUNCTION user_memories_hand_over(p_from uuid, p_to uuid, p_limit bigint, p_reason text, p_at timestamptz)
RETURNS TABLE (handed_id uuid)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_ids uuid[];
BEGIN
    SELECT array_agg(id) INTO v_ids
      FROM (
          SELECT id FROM public.memories
           WHERE tenant_id = v_tenant AND user_id = p_from AND visibility <> 'private' AND deleted_at IS NULL
           ORDER BY id LIMIT p_limit
             FOR UPDATE
      ) AS due;
    PERFORM public.memory_version_keep(due, p_reason, p_at) FROM unnest(v_ids) AS due;
    RETURN QUERY
        UPDATE public.memories
           SET user_id = p_to, source_digest = NULL, persona_id = NULL, version = version + 1
         WHERE tenant_id = v_tenant AND id = ANY (v_ids)
        RETURNING id;
END
$$;

-- Withdraws what waits of a member who goes. How many those were.
CREATE FUNCTION user_proposals_withdraw(p_user_id uuid, p_comment text, p_at timestamptz) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH ended AS (
        UPDATE public.memory_proposals SET status = 'withdrawn', review_comment = p_comment, reviewed_at = p_at
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND proposed_by = p_user_id AND status = 'pending'
        RETURNING 1
    )
    SELECT count(*) FROM ended
$$;

REVOKE EXECUTE ON FUNCTION
    memory_version_keep(uuid, text, timestamptz),
    memory_replies_follow(uuid),
    memory_share(uuid, integer, text, uuid, text, timestamptz),
    memory_proposal_accept(uuid, text, text, timestamptz),
    memory_proposal_close(uuid, boolean, text, timestamptz),
    memory_viewers(uuid, text, uuid, timestamptz, text[], bigint),
    team_memories_release(uuid, bigint, text, timestamptz),
    team_proposals_release(uuid, text, timestamptz),
    user_memories_hand_over(uuid, uuid, bigint, text, timestamptz),
    user_proposals_withdraw(uuid, text, timestamptz)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION memory_version_keep(uuid, text, timestamptz) TO atrium_sharing, atrium_handover;
GRANT EXECUTE ON FUNCTION memory_replies_follow(uuid) TO atrium_sharing;
GRANT EXECUTE ON FUNCTION
    memory_share(uuid, integer, text, uuid, text, timestamptz),
    memory_proposal_accept(uuid, text, text, timestamptz),
    memory_proposal_close(uuid, boolean, text, timestamptz),
    memory_viewers(uuid, text, uuid, timestamptz, text[], bigint),
    team_memories_release(uuid, bigint, text, timestamptz),
    team_proposals_release(uuid, text, timestamptz),
    user_memories_hand_over(uuid, uuid, bigint, text, timestamptz),
    user_proposals_withdraw(uuid, text, timestamptz)
TO atrium_app;
GRANT CREATE ON SCHEMA public TO atrium_sharing, atrium_handover;
ALTER FUNCTION memory_share(uuid, integer, text, uuid, text, timestamptz) OWNER TO atrium_sharing;
ALTER FUNCTION memory_proposal_accept(uuid, text, text, timestamptz) OWNER TO atrium_sharing;
ALTER FUNCTION memory_proposal_close(uuid, boolean, text, timestamptz) OWNER TO atrium_sharing;
ALTER FUNCTION team_memories_release(uuid, bigint, text, timestamptz) OWNER TO atrium_handover;
ALTER FUNCTION team_proposals_release(uuid, text, timestamptz) OWNER TO atrium_handover;
ALTER FUNCTION user_memories_hand_over(uuid, uuid, bigint, text, timestamptz) OWNER TO atrium_handover;
ALTER FUNCTION user_proposals_withdraw(uuid, text, timestamptz) OWNER TO atrium_handover;
REVOKE CREATE ON SCHEMA public FROM atrium_sharing, atrium_handover;
