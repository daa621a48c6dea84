-- Memories, what they were before a change, and the search for words in them.

-- Joins tags to text. `array_to_string` is only STABLE because it takes arrays
-- of anything; for text nothing else decides its result, and a generated
-- column must know that.
CREATE FUNCTION memory_tags_text(p_tags text[]) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN array_to_string(p_tags, ' ');

-- Text as the parser of words should read it: without this it takes what
-- stands between angle brackets for markup and leaves it out. One character
-- stands for one, so that places stay the same; these two are private.
CREATE FUNCTION memory_words(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(p_text, '<>', U&'\E002\E003');

-- The reverse, for text with marks in it.
CREATE FUNCTION memory_words_shown(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(p_text, U&'\E002\E003', '<>');

-- A search for any of the lexemes; NULL for none.
CREATE FUNCTION memory_any_lexeme(p_lexemes text[]) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')
          FROM unnest(p_lexemes) AS lexemes (lexeme)
    )::tsquery;

-- A search for all of the phrases, or for any of them; NULL for none. A phrase
-- of nothing but stop words asks for nothing.
CREATE FUNCTION memory_phrases(p_phrases text[], p_all boolean) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT string_agg('(' || query::text || ')', CASE WHEN p_all THEN ' & ' ELSE ' | ' END)
          FROM unnest(p_phrases) AS phrases (phrase),
               phraseto_tsquery('pg_catalog.english', memory_words(phrase)) AS query
         WHERE numnode(query) > 0
    )::tsquery;

CREATE TABLE memories (
    tenant_id uuid NOT NULL
        CONSTRAINT memories_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    -- The owner.
    user_id uuid NOT NULL,
    kind text NOT NULL
        CONSTRAINT memories_kind_check
        CHECK (kind IN ('fact', 'preference', 'event', 'skill_note', 'context')),
    memory_type text NOT NULL GENERATED ALWAYS AS (
        CASE kind WHEN 'event' THEN 'episodic' WHEN 'skill_note' THEN 'procedural' ELSE 'semantic' END
    ) STORED,
    title text NOT NULL
        CONSTRAINT memories_title_check CHECK (char_length(title) <= 200),
    content text NOT NULL
        CONSTRAINT memories_content_check CHECK (octet_length(content) BETWEEN 1 AND 100000),
    tags text[] NOT NULL
        CONSTRAINT memories_tags_check CHECK (cardinality(tags) <= 20 AND array_position(tags, NULL) IS NULL),
    visibility text NOT NULL
        CONSTRAINT memories_visibility_check CHECK (visibility IN ('private', 'team', 'org')),
    team_id uuid,
    origin text NOT NULL
        CONSTRAINT memories_origin_check CHECK (origin IN ('dashboard', 'import')),
    -- SHA-256 of the imported record: the same record does not land twice,
    -- even after its memory was changed or deleted.
    source_digest bytea
        CONSTRAINT memories_source_digest_check CHECK (octet_length(source_digest) = 32),
    importance real NOT NULL
        CONSTRAINT memories_importance_check CHECK (importance BETWEEN 0 AND 1),
    version integer NOT NULL
        CONSTRAINT memories_version_check CHECK (version >= 1),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    shared_at timestamptz,
    -- 100 kB of the worst text gives 400 kB; a tsvector may have 1 MB.
    search tsvector NOT NULL GENERATED ALWAYS AS (
        to_tsvector(
            'pg_catalog.english', memory_words(title || ' ' || memory_tags_text(tags) || ' ' || content)
        )
    ) STORED,
    -- On the row itself, because a policy must not join.
    embedding halfvec(384),
    embedding_model text
        CONSTRAINT memories_embedding_model_check CHECK (char_length(embedding_model) BETWEEN 1 AND 100),
    embedded_at timestamptz,
    CONSTRAINT memories_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT memories_source_digest_key UNIQUE (tenant_id, user_id, source_digest),
    CONSTRAINT memories_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT memories_team_id_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id),
    CONSTRAINT memories_team_check CHECK ((visibility = 'team') = (team_id IS NOT NULL)),
    CONSTRAINT memories_embedding_check
        CHECK (num_nonnulls(embedding, embedding_model, embedded_at) IN (0, 3))
);
COMMENT ON TABLE memories IS 'What members and agents want to have at hand later.';

-- The list is read as two lists, own and shared, each along its own index: a
-- single one would wade through everybody's private rows.
CREATE INDEX memories_own_idx ON memories (tenant_id, user_id, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE INDEX memories_shared_idx ON memories (tenant_id, updated_at DESC, id DESC)
    WHERE deleted_at IS NULL AND visibility <> 'private';
CREATE INDEX memories_trash_idx ON memories (tenant_id, user_id, updated_at DESC, id DESC)
    WHERE deleted_at IS NOT NULL;
CREATE INDEX memories_waiting_idx ON memories (tenant_id, user_id, id)
    WHERE embedded_at IS NULL AND deleted_at IS NULL;
CREATE INDEX memories_team_id_idx ON memories (tenant_id, team_id) WHERE team_id IS NOT NULL;
CREATE INDEX memories_search_idx ON memories USING gin (search);
CREATE INDEX memories_embedding_idx ON memories
    USING hnsw (embedding halfvec_cosine_ops) WITH (m = 16, ef_construction = 64);

-- The owner always sees it; others when it is shared with them and not in the
-- trash.
CALL policies_create('memories', 'atrium_app', '{select}',
    $$user_id = :user OR (deleted_at IS NULL AND (visibility = 'org' OR (visibility = 'team' AND team_id = ANY (:teams))))$$);
CALL policies_create('memories', 'atrium_app', '{insert}',
    $$user_id = :user AND (visibility <> 'team' OR team_id = ANY (:teams))$$);
CALL policies_create('memories', 'atrium_app', '{update}', 'user_id = :user');
-- Reads for `memory_search_words`, which repeats the policy of atrium_app.
CALL policies_create_open('memories', 'atrium_search', '{select}');
-- Looks for owners with memories that wait for their embedding.
CALL policies_create_open('memories', 'atrium_worker', '{select}');

GRANT SELECT, INSERT ON memories TO atrium_app;
-- Neither owner nor visibility: sharing brings its own grant and policy.
GRANT UPDATE (
    kind, title, content, tags, version, updated_at, deleted_at,
    embedding, embedding_model, embedded_at
) ON memories TO atrium_app;
GRANT SELECT ON memories TO atrium_search;
GRANT SELECT (tenant_id, user_id, embedded_at, deleted_at) ON memories TO atrium_worker;

CREATE TABLE memory_versions (
    tenant_id uuid NOT NULL
        CONSTRAINT memory_versions_tenant_id_fkey REFERENCES tenants (id),
    memory_id uuid NOT NULL,
    -- The version that this was.
    version integer NOT NULL
        CONSTRAINT memory_versions_version_check CHECK (version >= 1),
    -- The memory's owner, repeated because a policy must not join.
    user_id uuid NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    content text NOT NULL,
    tags text[] NOT NULL,
    visibility text NOT NULL,
    origin text NOT NULL,
    changed_by uuid NOT NULL,
    changed_at timestamptz NOT NULL,
    change_reason text
        CONSTRAINT memory_versions_change_reason_check CHECK (char_length(change_reason) <= 500),
    CONSTRAINT memory_versions_pkey PRIMARY KEY (tenant_id, memory_id, version),
    CONSTRAINT memory_versions_memory_id_fkey FOREIGN KEY (tenant_id, memory_id) REFERENCES memories (tenant_id, id),
    CONSTRAINT memory_versions_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id),
    CONSTRAINT memory_versions_changed_by_fkey FOREIGN KEY (tenant_id, changed_by) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE memory_versions IS 'Memories as they were before each change. Append-only.';

-- The owner only, even when the memory is shared: an earlier version may hold
-- just what its owner took out before sharing.
CALL policies_create('memory_versions', 'atrium_app', '{select,insert}', 'user_id = :user');
GRANT SELECT, INSERT ON memory_versions TO atrium_app;

-- How many memories the tenant has: exact below p_cap, from there on the
-- planner's estimate. Tells whether comparing with all of them is cheap and
-- which words are rare. (Volatile, because only such functions may EXPLAIN.)
CREATE FUNCTION memory_collection_size(p_cap bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_size bigint;
    v_plan json;
BEGIN
    EXECUTE 'SELECT count(*) FROM (SELECT FROM public.memories WHERE tenant_id = $1 LIMIT $2) AS counted'
       INTO v_size USING v_tenant, p_cap;
    IF v_size >= p_cap THEN
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM public.memories WHERE tenant_id = %L', v_tenant) INTO v_plan;
        v_size := greatest(v_size, (v_plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric::bigint);
    END IF;
    RETURN v_size;
END
$$;

-- Memories in the caller's sight that hold a rare lexeme of the question, best
-- first. Row security would keep the word index from being used (`@@` is not
-- leakproof), so this runs as a role that passes it and applies the text of
-- the caller's own policy, taken from the catalogue: they can't drift apart.
--
-- A lexeme is rare when at most p_rare memories in sight have it; when none
-- is, the rarest counts. Where phrases are asked for, they choose instead.
-- p_phrases, p_excluded, p_own, p_kind, p_tag and p_origin restrict nothing
-- when NULL.
CREATE FUNCTION memory_search_words(
    p_lexemes text[],
    p_phrases tsquery,
    p_excluded tsquery,
    p_rare bigint,
    p_trash boolean,
    p_own boolean,
    p_kind text,
    p_tag text,
    p_origin text,
    p_limit bigint
) RETURNS TABLE (memory_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_user uuid := nullif(current_setting('app.current_user_id', true), '')::uuid;
    v_visible text;
    v_chosen tsquery := p_phrases;
    v_left text[] := p_lexemes;
    v_common text[];
    v_rare text[] := '{}';
    v_cap bigint := p_rare;
    v_lexeme text;
    v_count bigint;
    v_least bigint;
BEGIN
    SELECT '(' || pg_get_expr(polqual, polrelid) || ')' INTO STRICT v_visible
      FROM pg_policy
     WHERE polrelid = 'public.memories'::regclass AND polname = 'memories_app_select';

    IF v_chosen IS NULL THEN
        -- Counting stops at the cap; while everything is above it, it grows.
        LOOP
            v_common := '{}';
            FOREACH v_lexeme IN ARRAY v_left LOOP
                EXECUTE 'SELECT count(*) FROM (SELECT FROM public.memories WHERE tenant_id = $1 AND search @@ $2 AND '
                    || v_visible || ' LIMIT $3) AS counted'
                   INTO v_count
                  USING v_tenant, public.memory_any_lexeme(ARRAY[v_lexeme]), v_cap + 1;
                IF v_count > v_cap THEN
                    v_common := v_common || v_lexeme;
                ELSIF v_count > 0 AND v_cap = p_rare THEN
                    v_rare := v_rare || v_lexeme;
                ELSIF v_count > 0 AND (v_least IS NULL OR v_count < v_least) THEN
                    v_rare := ARRAY[v_lexeme];
                    v_least := v_count;
                END IF;
            END LOOP;
            EXIT WHEN v_rare <> '{}' OR v_common = '{}';
            v_left := v_common;
            v_cap := v_cap * 4;
        END LOOP;
        v_chosen := public.memory_any_lexeme(v_rare);
        IF v_chosen IS NULL THEN
            RETURN;
        END IF;
    END IF;

    RETURN QUERY EXECUTE concat_ws(
        ' AND ',
        'SELECT id FROM public.memories WHERE tenant_id = $1 AND search @@ $2',
        v_visible,
        CASE WHEN p_trash THEN 'deleted_at IS NOT NULL AND user_id = $3' ELSE 'deleted_at IS NULL' END,
        CASE WHEN p_own THEN 'user_id = $3' WHEN NOT p_own THEN 'user_id <> $3' END,
        CASE WHEN p_kind IS NOT NULL THEN 'kind = $4' END,
        CASE WHEN p_tag IS NOT NULL THEN 'tags @> ARRAY[$5]' END,
        CASE WHEN p_origin IS NOT NULL THEN 'origin = $6' END,
        CASE WHEN p_excluded IS NOT NULL THEN 'NOT search @@ $7' END
    ) || ' ORDER BY ts_rank(search, $8) DESC, id LIMIT $9'
    USING v_tenant, v_chosen, v_user, p_kind, p_tag, p_origin, p_excluded,
        public.memory_any_lexeme(p_lexemes), p_limit;
END
$$;

REVOKE EXECUTE ON FUNCTION
    memory_collection_size(bigint),
    memory_search_words(text[], tsquery, tsquery, bigint, boolean, boolean, text, text, text, bigint)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    memory_collection_size(bigint),
    memory_search_words(text[], tsquery, tsquery, bigint, boolean, boolean, text, text, text, bigint)
TO atrium_app;
GRANT CREATE ON SCHEMA public TO atrium_search;
ALTER FUNCTION memory_collection_size(bigint) OWNER TO atrium_search;
ALTER FUNCTION memory_search_words(text[], tsquery, tsquery, bigint, boolean, boolean, text, text, text, bigint)
    OWNER TO atrium_search;
REVOKE CREATE ON SCHEMA public FROM atrium_search;
