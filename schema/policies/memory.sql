-- The owner always sees a memory; others if it is shared with them and not in
-- the trash. An API key reads only what its vendor may read.
-- memory_search_words, memory_like_lexemes and memory_viewers apply the text of
-- this policy.
CALL policies_create('memories', 'atrium_app', '{select}',
    $$(user_id = :user
       OR deleted_at IS NULL AND (visibility = 'org' OR visibility = 'team' AND team_id = ANY (:teams)))
      AND (:vendor IS NULL OR allowed_vendors && ARRAY['*', :vendor])$$);
-- A new memory is private to its owner; memory_reply_publish shares a reply.
CALL policies_create('memories', 'atrium_app', '{insert}',
    $$user_id = :user AND visibility = 'private' AND shared_at IS NULL
      AND (:vendor IS NULL OR allowed_vendors && ARRAY['*', :vendor])$$);
CALL policies_create('memories', 'atrium_app', '{update}', 'user_id = :user');
GRANT SELECT, INSERT ON memories TO atrium_app;
GRANT UPDATE (updated_at, deleted_at, embedding_a, embedding_b, expires_at, persona_id) ON memories TO atrium_app;

-- Reads for memory_search_words, which applies the policy of atrium_app.
CALL policies_create_open('memories', 'atrium_search', '{select}');
GRANT SELECT ON memories TO atrium_search;

-- For reviewers, and for replies, which are as visible as their root, whoever owns
-- them. The functions decide which state a memory may come from; the check
-- limits the new state.
CALL policies_create('memories', 'atrium_sharing', '{select}',
    $$user_id = :user OR parent_id IS NOT NULL OR :may(memory.review) OR :may(memory.share) AND :led <> '{}'
      OR visibility = 'org' OR visibility = 'team' AND team_id = ANY (:teams)$$);
CALL policies_create('memories', 'atrium_sharing', '{update}',
    $$user_id = :user OR parent_id IS NOT NULL OR :may(memory.review) OR :may(memory.share) AND :led <> '{}'
      OR visibility = 'org' OR visibility = 'team' AND team_id = ANY (:teams)$$,
    p_check => $$user_id = :user
                 OR visibility <> 'private' AND :may(memory.review)
                 OR visibility = 'team' AND team_id = ANY (:led) AND :may(memory.share)
                 OR parent_id IS NOT NULL$$);
-- Its functions compare and change whole rows.
GRANT SELECT ON memories TO atrium_sharing;
GRANT UPDATE (kind, title, content, tags, visibility, team_id, importance, version, updated_at, shared_at, expires_at,
    allowed_vendors, source_url, embedding_a, embedding_b) ON memories TO atrium_sharing;

-- For administrators who delete a team or offboard a member.
CALL policies_create('memories', 'atrium_handover', '{select,update}', ':may(team.manage,member.manage)');
GRANT SELECT (tenant_id, id, user_id, kind, title, content, tags, visibility, team_id, origin, source_digest, version,
    deleted_at, persona_id) ON memories TO atrium_handover;
GRANT UPDATE (user_id, visibility, team_id, source_digest, version, updated_at, shared_at, persona_id)
    ON memories TO atrium_handover;

-- The trash role reads everything but content, changes only replies and what
-- expires, and deletes only what is in the trash.
CALL policies_create('memories', 'atrium_trash', '{select}', 'user_id = :user OR parent_id IS NOT NULL OR :may(system)');
CALL policies_create('memories', 'atrium_trash', '{update}',
    'parent_id IS NOT NULL OR :may(system) AND expires_at IS NOT NULL');
CALL policies_create('memories', 'atrium_trash', '{delete}',
    'deleted_at IS NOT NULL AND (user_id = :user OR parent_id IS NOT NULL OR :may(system))');
GRANT SELECT (tenant_id, id, user_id, visibility, team_id, deleted_at, shared_at, expires_at, parent_id,
    allowed_vendors) ON memories TO atrium_trash;
GRANT UPDATE (visibility, team_id, deleted_at, shared_at, expires_at, allowed_vendors), DELETE
    ON memories TO atrium_trash;

-- Finds tenants with expiring memories.
CALL policies_create_open('memories', 'atrium_worker', '{select}');
GRANT SELECT (tenant_id, deleted_at, expires_at) ON memories TO atrium_worker;

CALL policies_create('memories', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, deleted_at) ON memories TO atrium_operator;

-- The owner only, even if the memory is shared: an earlier version may contain
-- what its owner removed before sharing.
CALL policies_create('memory_versions', 'atrium_app', '{select}', 'user_id = :user');
CALL policies_create('memory_versions', 'atrium_app', '{insert}', 'user_id = :user AND changed_by = :user');
CALL policies_create('memory_versions', 'atrium_sharing', '{insert}', 'changed_by = :user');
CALL policies_create('memory_versions', 'atrium_handover', '{insert}',
    'changed_by = :user AND :may(team.manage,member.manage)');
GRANT SELECT, INSERT ON memory_versions TO atrium_app;
GRANT INSERT ON memory_versions TO atrium_sharing, atrium_handover;
