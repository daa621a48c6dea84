DROP FUNCTION audit_partitions_ensure(timestamptz, int);
DROP FUNCTION audit_append(
    uuid, timestamptz[], uuid[], text[], text[], uuid[], text[], text[], uuid[], text[], text[], text[], text[], text[],
    jsonb[], jsonb[]
);
DROP TABLE audit_heads;
DROP TABLE audit_log;
