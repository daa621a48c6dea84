-- Runs last: drops the functions that `clear.sql` had to leave and that no file
-- has created again. Fails if a table still needs one.
DO $$
DECLARE
    v_routine regprocedure;
BEGIN
    FOR v_routine IN
        SELECT p.oid
          FROM pg_temp.routines_kept k
          JOIN pg_proc p ON p.oid = k.routine AND p.ctid = k.place
         ORDER BY p.oid DESC
    LOOP
        EXECUTE format('DROP ROUTINE %s', v_routine);
    END LOOP;
END
$$;
