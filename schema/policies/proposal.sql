-- While a proposal is pending, its reviewers see it, but not a system transaction;
-- afterwards the one who decided it does; its author always does. A proposal of a
-- change shows both versions, so an API key must be allowed to read both.
CALL policies_create('memory_proposals', 'atrium_app', '{select}',
    $$(proposed_by = :user OR reviewed_by = :user
       OR status = 'pending' AND proposed_by <> :user
          AND (:may(memory.review) OR :may(memory.share) AND team_id = ANY (:led)))
      AND (:vendor IS NULL
           OR attributes -> 'allowed_vendors' ?| ARRAY['*', :vendor]
              AND (replaces IS NULL OR replaces -> 'allowed_vendors' ?| ARRAY['*', :vendor]))$$);
-- Only the functions accept, decline and withdraw.
CALL policies_create('memory_proposals', 'atrium_app', '{insert}',
    $$proposed_by = :user AND status = 'pending' AND :may(memory.share)
      AND (to_visibility = 'org' OR team_id = ANY (:teams))$$);
GRANT SELECT, INSERT ON memory_proposals TO atrium_app;

CALL policies_create('memory_proposals', 'atrium_sharing', '{select,update}',
    'proposed_by = :user OR :may(memory.review) OR :may(memory.share) AND team_id = ANY (:led)');
GRANT SELECT, UPDATE (status, reviewed_by, review_comment, reviewed_at) ON memory_proposals TO atrium_sharing;

CALL policies_create('memory_proposals', 'atrium_handover', '{select,update}', ':may(team.manage,member.manage)');
GRANT SELECT (tenant_id, id, proposed_by, team_id, status, review_comment, reviewed_at),
    UPDATE (team_id, status, review_comment, reviewed_at) ON memory_proposals TO atrium_handover;
