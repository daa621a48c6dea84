-- Each organisation's embedding model, and changing it while searches go on.

-- A memory has room for two vectors, so that those of the next model are made
-- beside those that searches use. Which is which, `embedding_models` tells. A
-- vector may have any length from 64 on: it is filled up with zeros, which
-- changes no cosine, to one of the lengths that have an index.
DROP INDEX memories_embedding_idx;
DROP INDEX memories_waiting_idx;
REVOKE SELECT (embedded_at) ON memories FROM atrium_worker;
ALTER TABLE memories
    DROP CONSTRAINT memories_embedding_check,
    DROP COLUMN embedding_model,
    DROP COLUMN embedded_at;
ALTER TABLE memories RENAME COLUMN embedding TO embedding_a;
ALTER TABLE memories
    ALTER COLUMN embedding_a TYPE halfvec,
    ADD COLUMN embedding_b halfvec;

DO $$
DECLARE
    v_slot text;
    v_length integer;
BEGIN
    FOREACH v_slot IN ARRAY ARRAY['a', 'b'] LOOP
        FOREACH v_length IN ARRAY ARRAY[384, 768, 1536, 3072, 4000] LOOP
            EXECUTE format(
                'CREATE INDEX memories_embedding_%1$s_%2$s_idx ON memories
                 USING hnsw ((embedding_%1$s::halfvec(%2$s)) halfvec_cosine_ops) WITH (m = 16, ef_construction = 64)
                 WHERE vector_dims(embedding_%1$s) = %2$s',
                v_slot, v_length);
        END LOOP;
        EXECUTE format(
            'ALTER TABLE memories ADD CONSTRAINT memories_embedding_%1$s_check
             CHECK (vector_dims(embedding_%1$s) IN (384, 768, 1536, 3072, 4000))', v_slot);
        EXECUTE format(
            'CREATE INDEX memories_waiting_%1$s_idx ON memories (tenant_id, user_id, id)
             WHERE embedding_%1$s IS NULL AND deleted_at IS NULL', v_slot);
        EXECUTE format('GRANT UPDATE (embedding_%1$s) ON memories TO atrium_app', v_slot);
        EXECUTE format('GRANT SELECT (embedding_%1$s) ON memories TO atrium_worker', v_slot);
    END LOOP;
END
$$;

-- The vector in one of the two places.
CREATE FUNCTION memory_embedding(p_memory memories, p_slot text) RETURNS halfvec
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE p_slot WHEN 'a' THEN (p_memory).embedding_a WHEN 'b' THEN (p_memory).embedding_b END;

CREATE TABLE embedding_models (
    tenant_id uuid NOT NULL
        CONSTRAINT embedding_models_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    -- Atrium's own; one that the operator set up; an address that an
    -- administrator gave.
    source text NOT NULL
        CONSTRAINT embedding_models_source_check CHECK (source IN ('local', 'endpoint', 'address')),
    endpoint text
        CONSTRAINT embedding_models_endpoint_check CHECK (char_length(endpoint) BETWEEN 1 AND 100),
    base_url text
        CONSTRAINT embedding_models_base_url_check CHECK (char_length(base_url) BETWEEN 1 AND 2000),
    -- As its service calls it.
    model text NOT NULL
        CONSTRAINT embedding_models_model_check CHECK (char_length(model) BETWEEN 1 AND 200),
    dimensions integer NOT NULL
        CONSTRAINT embedding_models_dimensions_check CHECK (dimensions BETWEEN 64 AND 4000),
    -- Vectors of this length were asked for; NULL takes what comes.
    is_shortened boolean NOT NULL,
    slot text NOT NULL
        CONSTRAINT embedding_models_slot_check CHECK (slot IN ('a', 'b')),
    status text NOT NULL
        CONSTRAINT embedding_models_status_check CHECK (status IN ('building', 'paused', 'active', 'retired')),
    -- Why vectors could not be made last time, since how often, and when it is
    -- tried again.
    problem text
        CONSTRAINT embedding_models_problem_check CHECK (char_length(problem) BETWEEN 1 AND 500),
    failures integer NOT NULL
        CONSTRAINT embedding_models_failures_check CHECK (failures >= 0),
    retry_at timestamptz,
    -- NULL: Atrium itself.
    created_by uuid,
    created_at timestamptz NOT NULL,
    activated_at timestamptz,
    retired_at timestamptz,
    -- When the last of its vectors was let go.
    dropped_at timestamptz,
    CONSTRAINT embedding_models_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT embedding_models_created_by_fkey FOREIGN KEY (tenant_id, created_by) REFERENCES users (tenant_id, id),
    CONSTRAINT embedding_models_place_check
        CHECK ((source = 'endpoint') = (endpoint IS NOT NULL) AND (source = 'address') = (base_url IS NOT NULL)),
    CONSTRAINT embedding_models_problem_at_check CHECK ((problem IS NULL) = (retry_at IS NULL)),
    CONSTRAINT embedding_models_retired_check CHECK ((status = 'retired') = (retired_at IS NOT NULL)),
    CONSTRAINT embedding_models_dropped_check CHECK (dropped_at IS NULL OR status = 'retired')
);
COMMENT ON TABLE embedding_models IS 'By which model an organisation''s memories are found, was before, and will be.';
CREATE UNIQUE INDEX embedding_models_active_key ON embedding_models (tenant_id) WHERE status = 'active';
CREATE UNIQUE INDEX embedding_models_next_key ON embedding_models (tenant_id) WHERE status IN ('building', 'paused');
-- A place is free once the vectors of the model before are gone from it.
CREATE UNIQUE INDEX embedding_models_slot_key ON embedding_models (tenant_id, slot) WHERE dropped_at IS NULL;

CALL policies_create('embedding_models', 'atrium_app', '{select}');
CALL policies_create('embedding_models', 'atrium_app', '{insert,update}', ':may(settings.manage)');
CALL policies_create('embedding_models', 'atrium_operator', '{insert}');
CALL policies_create_open('embedding_models', 'atrium_worker', '{select}');
GRANT SELECT, INSERT ON embedding_models TO atrium_app;
GRANT UPDATE (status, problem, failures, retry_at, activated_at, retired_at, dropped_at) ON embedding_models TO atrium_app;
GRANT INSERT ON embedding_models TO atrium_operator;
GRANT SELECT (tenant_id, source, slot, status, retry_at, retired_at, dropped_at) ON embedding_models TO atrium_worker;

-- What every organisation has had so far. The tables' owner is held by row
-- security like anybody, so it is lifted for this one statement.
ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE embedding_models NO FORCE ROW LEVEL SECURITY;
INSERT INTO embedding_models (
    tenant_id, id, source, model, dimensions, is_shortened, slot, status, failures, created_at, activated_at
)
SELECT id, gen_random_uuid(), 'local', 'all-MiniLM-L6-v2', 384, false, 'a', 'active', 0, created_at, created_at
  FROM tenants;
ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
ALTER TABLE embedding_models FORCE ROW LEVEL SECURITY;

-- The memories nearest to a vector, as far as the caller's row security lets
-- it see. The text is made for one place and one length, because an index
-- counts only where its expression stands literally; it is planned for each
-- call, because a plan for any tenant would be bad for each. `exact` compares
-- with every one: the sum keeps the graph from being used.
CREATE FUNCTION memory_nearest(
    p_tenant_id uuid,
    p_slot text,
    p_vector halfvec,
    p_filter jsonb,
    p_phrases tsquery,
    p_excluded tsquery,
    p_exact boolean,
    p_limit bigint
) RETURNS TABLE (memory_id uuid)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    v_column text := CASE p_slot WHEN 'a' THEN 'embedding_a' WHEN 'b' THEN 'embedding_b' END;
    v_length integer := vector_dims(p_vector);
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT memories.id FROM memories
          WHERE tenant_id = $1 AND vector_dims(%1$I) = %2$s AND memory_fits(memories, $3)',
        v_column, v_length)
        || CASE WHEN p_phrases IS NULL THEN '' ELSE ' AND search @@ $4' END
        || CASE WHEN p_excluded IS NULL THEN '' ELSE ' AND NOT search @@ $5' END
        || CASE WHEN p_exact THEN format(' ORDER BY (%I <=> $2) + 0', v_column)
                ELSE format(' ORDER BY %1$I::halfvec(%2$s) <=> $2::halfvec(%2$s)', v_column, v_length) END
        || ' LIMIT $6'
    USING p_tenant_id, p_vector, p_filter, p_phrases, p_excluded, p_limit;
END
$$;

-- How many memories there are, and how many have a vector in each place, the
-- trash left out; and whether anything is left in each place at all. Numbers
-- over everybody's memories, so this runs as a role that sees them.
CREATE FUNCTION memory_embedding_counts(
    OUT total bigint, OUT in_a bigint, OUT in_b bigint, OUT left_a boolean, OUT left_b boolean
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT count(*) FILTER (WHERE deleted_at IS NULL),
           count(*) FILTER (WHERE deleted_at IS NULL AND embedding_a IS NOT NULL),
           count(*) FILTER (WHERE deleted_at IS NULL AND embedding_b IS NOT NULL),
           coalesce(bool_or(embedding_a IS NOT NULL), false),
           coalesce(bool_or(embedding_b IS NOT NULL), false)
      FROM public.memories
     WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
$$;
REVOKE EXECUTE ON FUNCTION memory_embedding_counts() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION memory_embedding_counts() TO atrium_app;
GRANT CREATE ON SCHEMA public TO atrium_search;
ALTER FUNCTION memory_embedding_counts() OWNER TO atrium_search;
REVOKE CREATE ON SCHEMA public FROM atrium_search;
