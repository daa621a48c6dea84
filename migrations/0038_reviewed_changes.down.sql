-- What is proposed of a change can't be told from what is proposed to be
-- shared any more. The table's owner is held by row security like anybody.
ALTER TABLE memory_proposals NO FORCE ROW LEVEL SECURITY;
DELETE FROM memory_proposals WHERE replaces IS NOT NULL;
ALTER TABLE memory_proposals FORCE ROW LEVEL SECURITY;

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
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM atrium_sharing;
DROP FUNCTION memory_edit(uuid, integer, text, text, text, text[], boolean, timestamptz, real, text[], text, timestamptz);
DROP FUNCTION memory_shown(text, text, text, text[], text[], real, timestamptz);

REVOKE SELECT (importance), UPDATE (kind, title, content, tags, importance, embedding_a, embedding_b)
    ON memories FROM atrium_sharing;
GRANT UPDATE (kind, title, content, tags, version, importance, allowed_vendors) ON memories TO atrium_app;
DROP POLICY memories_sharing_update ON memories;
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
REVOKE SELECT (id, settings) ON tenants FROM atrium_sharing;
DROP POLICY tenants_sharing_select ON tenants;

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
           AND (%1$s IS NULL OR allowed_vendors && ARRAY['*', %1$s])$q$,
        v_vendor
    ));
END
$$;
ALTER TABLE memory_proposals
    DROP CONSTRAINT memory_proposals_importance_check,
    DROP CONSTRAINT memory_proposals_replaces_check,
    DROP CONSTRAINT memory_proposals_change_check,
    DROP COLUMN importance,
    DROP COLUMN expires_at,
    DROP COLUMN replaces;
