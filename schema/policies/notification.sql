CALL policies_create('notifications', 'atrium_app', '{select,update}', 'user_id = :user');
-- The system creates any notification. A member notifies others only of certain
-- actions, in their own name.
CALL policies_create('notifications', 'atrium_app', '{insert}',
    $$:may(system) AND created_by IS NULL
      OR created_by = :user
         AND (kind = 'break_glass_opened' AND :may(memory.break_glass)
              OR kind = 'memory_proposed' AND :may(memory.share)
              OR kind = 'memory_proposal_decided' AND :may(memory.share,memory.review))$$);
GRANT SELECT, INSERT, UPDATE (read_at) ON notifications TO atrium_app;
