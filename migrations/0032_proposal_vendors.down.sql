DROP POLICY memory_proposals_app_select ON memory_proposals;
CALL policies_create('memory_proposals', 'atrium_app', '{select}',
    $$proposed_by = :user OR reviewed_by = :user
      OR status = 'pending' AND proposed_by <> :user AND (:may(memory.review) OR :may(memory.share) AND team_id = ANY (:led))$$);
ALTER TABLE memory_proposals DROP COLUMN allowed_vendors;
