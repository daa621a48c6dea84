-- Decisions on proposals to share or change a memory.

-- Accepts a proposal: shares the memory, or changes it if the proposal is a
-- change. Returns the memory's id and new version; no version if the memory has
-- changed since, and neither if no such proposal is pending for the caller.
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
        -- The memory must have exactly the text that was reviewed.
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
CALL function_allow('memory_proposal_accept', '{atrium_app}', 'atrium_sharing');

-- Ends a pending proposal: its author withdraws it, somebody else declines it.
-- True if there was one.
CREATE OR REPLACE FUNCTION memory_proposal_close(p_proposal_id uuid, p_decline boolean, p_comment text, p_at timestamptz)
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
           -- Only reviewers can see another member's proposal.
           AND (proposed_by <> nullif(current_setting('app.current_user_id', true), '')::uuid) = p_decline
        RETURNING 1
    )
    SELECT EXISTS (SELECT FROM closed)
$$;
CALL function_allow('memory_proposal_close', '{atrium_app}', 'atrium_sharing');
