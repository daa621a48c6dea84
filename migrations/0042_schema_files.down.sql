-- `atrium migrate down` has dropped what the files created.
DO $$
DECLARE
    v_partition record;
BEGIN
    EXECUTE (SELECT before FROM _schema_files);
    FOR v_partition IN
        SELECT i.inhparent::regclass AS parent, i.inhrelid::regclass AS partition
          FROM pg_inherits i
          JOIN pg_class c ON c.oid = i.inhrelid AND c.relispartition AND c.relkind = 'r'
         WHERE c.relnamespace = 'public'::regnamespace
         ORDER BY c.relname
    LOOP
        CALL policies_copy(v_partition.parent, v_partition.partition);
    END LOOP;
END
$$;
DROP TABLE _schema_files;
