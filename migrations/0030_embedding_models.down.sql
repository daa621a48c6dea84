DROP FUNCTION memory_embedding_counts();
DROP FUNCTION memory_nearest(uuid, text, halfvec, jsonb, tsquery, tsquery, boolean, bigint);

-- What is of another model, or in the second place, is made again.
ALTER TABLE memories NO FORCE ROW LEVEL SECURITY;
ALTER TABLE embedding_models NO FORCE ROW LEVEL SECURITY;
UPDATE memories SET embedding_a = NULL
 WHERE NOT EXISTS (
     SELECT FROM embedding_models AS model
      WHERE model.tenant_id = memories.tenant_id AND model.status = 'active'
        AND model.slot = 'a' AND model.source = 'local'
 );
ALTER TABLE memories FORCE ROW LEVEL SECURITY;
DROP TABLE embedding_models;

DROP FUNCTION memory_embedding(memories, text);
-- Its indexes and constraints go with it.
ALTER TABLE memories DROP COLUMN embedding_b;
DROP INDEX memories_waiting_a_idx;
DROP INDEX memories_embedding_a_384_idx;
DROP INDEX memories_embedding_a_768_idx;
DROP INDEX memories_embedding_a_1536_idx;
DROP INDEX memories_embedding_a_3072_idx;
DROP INDEX memories_embedding_a_4000_idx;
ALTER TABLE memories DROP CONSTRAINT memories_embedding_a_check;
ALTER TABLE memories ALTER COLUMN embedding_a TYPE halfvec(384);
ALTER TABLE memories RENAME COLUMN embedding_a TO embedding;
ALTER TABLE memories
    ADD COLUMN embedding_model text
        CONSTRAINT memories_embedding_model_check CHECK (char_length(embedding_model) BETWEEN 1 AND 100),
    ADD COLUMN embedded_at timestamptz;
ALTER TABLE memories NO FORCE ROW LEVEL SECURITY;
UPDATE memories SET embedding_model = 'all-MiniLM-L6-v2', embedded_at = updated_at WHERE embedding IS NOT NULL;
ALTER TABLE memories FORCE ROW LEVEL SECURITY;
ALTER TABLE memories ADD CONSTRAINT memories_embedding_check
    CHECK (num_nonnulls(embedding, embedding_model, embedded_at) IN (0, 3));
CREATE INDEX memories_waiting_idx ON memories (tenant_id, user_id, id)
    WHERE embedded_at IS NULL AND deleted_at IS NULL;
CREATE INDEX memories_embedding_idx ON memories
    USING hnsw (embedding halfvec_cosine_ops) WITH (m = 16, ef_construction = 64);
GRANT UPDATE (embedding, embedding_model, embedded_at) ON memories TO atrium_app;
GRANT SELECT (embedded_at) ON memories TO atrium_worker;
