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
    v_proposal public.memory_proposals;
    v_memory public.memories;
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
    SELECT * INTO v_memory
      FROM public.memories
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
                   AND coalesce((v_proposal.attributes ->> 'expires_at')::timestamptz > p_at, true)
                   -- Nulls aside, because an older proposal lacks newer attributes.
                   AND jsonb_strip_nulls(public.memory_shown(memories)) = jsonb_strip_nulls(v_proposal.replaces)
           END
       FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF v_proposal.replaces IS NULL THEN
        PERFORM public.memory_version_keep(shared_id, p_reason, p_at);
        UPDATE public.memories
           SET visibility = v_proposal.to_visibility, team_id = v_proposal.team_id, version = version + 1,
               updated_at = p_at, shared_at = p_at
         WHERE tenant_id = v_tenant AND id = shared_id
        RETURNING version INTO STRICT shared_version;
        PERFORM public.memory_replies_follow(shared_id);
    ELSE
        v_memory := jsonb_populate_record(v_memory, v_proposal.attributes);
        v_memory.tenant_id := v_tenant;
        v_memory.id := shared_id;
        v_memory.kind := v_proposal.kind;
        v_memory.title := v_proposal.title;
        v_memory.content := v_proposal.content;
        v_memory.tags := v_proposal.tags;
        shared_version := public.memory_replace(v_memory, p_reason, p_at);
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
