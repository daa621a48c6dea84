-- The reader and the member see a grant. Nobody opens one for somebody else.
CALL policies_create('break_glass_grants', 'atrium_app', '{select}',
    'actor_user_id = :user OR subject_user_id = :user');
CALL policies_create('break_glass_grants', 'atrium_app', '{insert,update}',
    'actor_user_id = :user AND :may(memory.break_glass)');
GRANT SELECT, INSERT, UPDATE (closed_at) ON break_glass_grants TO atrium_app;

-- Opens one member's private memories for reading only, after the store has found
-- an open grant and set the member. Separate from the policy for lists and
-- searches, so a search never finds these memories.
CALL policies_create('memories', 'atrium_app', '{select}',
    $$:break_glass IS NOT NULL AND user_id = :break_glass AND visibility = 'private' AND deleted_at IS NULL AND :may(memory.break_glass)$$,
    p_suffix => 'break_glass');
