-- What lists and searches are narrowed to, how many memories have a word, and
-- the search for words that knows both.

-- Whether a memory fits what a list or a search is narrowed to: each key that
-- is there restricts. It is written to be inlined, so that the planner sees
-- plain conditions; for that it must stay one expression of immutable parts.
-- Times are seconds since 1970, because reading a date is not immutable, and
-- tags are joined by commas, which they can't contain.
CREATE FUNCTION memory_fits(p_memory memories, p_filter jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((p_memory).deleted_at IS NOT NULL) = (p_filter ? 'trash')
       AND (p_filter ->> 'kind' IS NULL OR (p_memory).kind = p_filter ->> 'kind')
       AND (p_filter ->> 'tags' IS NULL OR (p_memory).tags @> string_to_array(p_filter ->> 'tags', ','))
       AND (p_filter ->> 'persona' IS NULL OR (p_memory).persona_id = (p_filter ->> 'persona')::uuid)
       AND (p_filter ->> 'persona_owner' IS NULL OR (p_memory).user_id = (p_filter ->> 'persona_owner')::uuid)
       AND (p_filter ->> 'term' IS NULL OR (p_memory).term = p_filter ->> 'term')
       AND (p_filter ->> 'owner' IS NULL OR (p_memory).user_id = (p_filter ->> 'owner')::uuid)
       AND (p_filter ->> 'not_owner' IS NULL OR (p_memory).user_id <> (p_filter ->> 'not_owner')::uuid)
       AND (p_filter ->> 'team' IS NULL OR (p_memory).team_id = (p_filter ->> 'team')::uuid)
       AND (p_filter ->> 'origin' IS NULL OR (p_memory).origin = p_filter ->> 'origin')
       AND (p_filter ->> 'visibility' IS NULL OR (p_memory).visibility = p_filter ->> 'visibility')
       AND (p_filter ->> 'from' IS NULL OR (p_memory).updated_at >= to_timestamp((p_filter ->> 'from')::float8))
       AND (p_filter ->> 'before' IS NULL OR (p_memory).updated_at < to_timestamp((p_filter ->> 'before')::float8))
       AND (p_filter ->> 'now' IS NULL OR (p_memory).expires_at IS NULL
            OR (p_memory).expires_at > to_timestamp((p_filter ->> 'now')::float8));

CREATE TABLE memory_collections (
    tenant_id uuid NOT NULL
        CONSTRAINT memory_collections_pkey PRIMARY KEY
        CONSTRAINT memory_collections_tenant_id_fkey REFERENCES tenants (id),
    -- How many there are, the trash left out, and when they were counted.
    memories bigint NOT NULL
        CONSTRAINT memory_collections_memories_check CHECK (memories >= 0),
    counted_at timestamptz NOT NULL,
    -- How many there were when their words were counted; NULL before.
    lexemes_from bigint,
    lexemes_at timestamptz,
    CONSTRAINT memory_collections_lexemes_check CHECK (num_nonnulls(lexemes_from, lexemes_at) IN (0, 2))
);
COMMENT ON TABLE memory_collections IS 'How large each organisation''s collection is, counted in the background.';

CREATE TABLE memory_lexemes (
    tenant_id uuid NOT NULL
        CONSTRAINT memory_lexemes_tenant_id_fkey REFERENCES tenants (id),
    lexeme text COLLATE "C" NOT NULL,
    memories bigint NOT NULL
        CONSTRAINT memory_lexemes_memories_check CHECK (memories >= 1),
    CONSTRAINT memory_lexemes_pkey PRIMARY KEY (tenant_id, lexeme)
);
COMMENT ON TABLE memory_lexemes IS
    'About how many of an organisation''s memories have a word; those that few have are left out.';

-- Counted over everybody's memories, so nobody but the functions below sees
-- it: a word in it may come from a private memory.
CALL policies_create('memory_collections', 'atrium_search', '{select,insert,update}');
CALL policies_create('memory_lexemes', 'atrium_search', '{select,insert,delete}');
GRANT SELECT, INSERT ON memory_collections TO atrium_search;
GRANT UPDATE (memories, counted_at, lexemes_from, lexemes_at) ON memory_collections TO atrium_search;
GRANT SELECT, INSERT, DELETE ON memory_lexemes TO atrium_search;
-- Housekeeping looks for collections that were not counted for a while.
CALL policies_create_open('memory_collections', 'atrium_worker', '{select}');
GRANT SELECT (tenant_id, counted_at) ON memory_collections TO atrium_worker;

-- Counts the tenant's memories and, when a fifth of them is new or gone or the
-- last time is a week ago, how many have each word. A large collection is
-- judged by a sample of some 20,000. Says whether words were counted.
CREATE FUNCTION memory_collection_refresh(p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_size bigint;
    v_before bigint;
    v_at timestamptz;
    -- Of 256: ids end in random bits.
    v_share bigint;
BEGIN
    IF v_tenant IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE 'SELECT count(*) FROM public.memories WHERE tenant_id = $1 AND deleted_at IS NULL'
       INTO v_size USING v_tenant;
    -- The row's lock keeps two processes from counting words at once.
    INSERT INTO public.memory_collections AS known (tenant_id, memories, counted_at)
    VALUES (v_tenant, v_size, p_now)
    ON CONFLICT (tenant_id) DO UPDATE SET memories = excluded.memories, counted_at = excluded.counted_at
    RETURNING known.lexemes_from, known.lexemes_at INTO v_before, v_at;
    IF abs(v_size - v_before) <= v_before / 5 AND v_at > p_now - interval '7 days' THEN
        RETURN false;
    END IF;

    DELETE FROM public.memory_lexemes WHERE tenant_id = v_tenant;
    -- Of a small one, words are counted when somebody searches.
    IF v_size >= 200 THEN
        v_share := least(256, ceil(256 * 20000.0 / v_size));
        INSERT INTO public.memory_lexemes (tenant_id, lexeme, memories)
        SELECT v_tenant, word, ndoc * 256 / v_share
          FROM ts_stat(format(
              'SELECT search FROM public.memories
                WHERE tenant_id = %L AND deleted_at IS NULL AND get_byte(uuid_send(id), 15) < %s',
              v_tenant, v_share))
         WHERE ndoc * 256 / v_share >= greatest(5, v_size / 500)
         ORDER BY ndoc DESC
         LIMIT 2000;
        UPDATE public.memory_collections SET lexemes_from = v_size, lexemes_at = p_now WHERE tenant_id = v_tenant;
    ELSE
        UPDATE public.memory_collections SET lexemes_from = NULL, lexemes_at = NULL WHERE tenant_id = v_tenant;
    END IF;
    RETURN v_size >= 200;
END
$$;

DROP FUNCTION memory_collection_size(bigint);

-- How many memories the tenant has: as it was last counted, or else exact
-- below p_cap and from there on the planner's estimate. Tells whether
-- comparing with all of them is cheap and which words are rare.
CREATE FUNCTION memory_collection_size(p_cap bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_size bigint;
    v_plan json;
BEGIN
    SELECT memories INTO v_size FROM public.memory_collections WHERE tenant_id = v_tenant;
    IF v_size >= p_cap THEN
        RETURN v_size;
    END IF;
    EXECUTE 'SELECT count(*) FROM (SELECT FROM public.memories WHERE tenant_id = $1 LIMIT $2) AS counted'
       INTO v_size USING v_tenant, p_cap;
    IF v_size >= p_cap THEN
        EXECUTE format('EXPLAIN (FORMAT JSON) SELECT FROM public.memories WHERE tenant_id = %L', v_tenant) INTO v_plan;
        v_size := greatest(v_size, (v_plan -> 0 -> 'Plan' ->> 'Plan Rows')::numeric::bigint);
    END IF;
    RETURN v_size;
END
$$;

DROP FUNCTION memory_search_words(text[], tsquery, tsquery, bigint, boolean, boolean, text, text, text, bigint);

-- Memories in the caller's sight that hold a rare lexeme of the question, best
-- first. Row security would keep the word index from being used (`@@` is not
-- leakproof), so this runs as a role that passes it and applies the text of
-- the caller's own policy, taken from the catalogue: they can't drift apart.
--
-- A lexeme is rare when at most p_rare memories of the tenant have it, by
-- `memory_lexemes`; one that is not listed there is. Where words were not
-- counted yet, or the collection is small, they are counted now, among the
-- memories in sight. When nothing has a rare lexeme, the next rarest counts.
-- Where phrases are asked for, they choose instead. p_phrases and p_excluded
-- restrict nothing when NULL.
CREATE FUNCTION memory_search_words(
    p_lexemes text[],
    p_phrases tsquery,
    p_excluded tsquery,
    p_filter jsonb,
    p_rare bigint,
    p_limit bigint
) RETURNS TABLE (memory_id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_visible text;
    v_search text;
    v_chosen tsquery := p_phrases;
    v_left text[] := p_lexemes;
    v_common text[] := '{}';
    v_rare text[] := '{}';
    v_cap bigint := p_rare;
    v_lexeme text;
    v_count bigint;
    v_least bigint;
BEGIN
    SELECT '(' || pg_get_expr(polqual, polrelid) || ')' INTO STRICT v_visible
      FROM pg_policy
     WHERE polrelid = 'public.memories'::regclass AND polname = 'memories_app_select';
    v_search := 'SELECT memories.id FROM public.memories WHERE tenant_id = $1 AND search @@ $2 AND ' || v_visible
        || ' AND public.memory_fits(memories, $3)'
        || CASE WHEN p_excluded IS NULL THEN '' ELSE ' AND NOT search @@ $4' END
        || ' ORDER BY ts_rank(search, $5) DESC, id LIMIT $6';

    IF v_chosen IS NULL THEN
        IF EXISTS (SELECT FROM public.memory_collections WHERE tenant_id = v_tenant AND lexemes_at IS NOT NULL) THEN
            SELECT coalesce(array_agg(asked.lexeme) FILTER (WHERE coalesce(known.memories, 0) <= p_rare), '{}'),
                   coalesce(array_agg(asked.lexeme ORDER BY known.memories, asked.lexeme)
                            FILTER (WHERE known.memories > p_rare), '{}')
              INTO v_rare, v_common
              FROM unnest(p_lexemes) AS asked (lexeme)
              LEFT JOIN public.memory_lexemes AS known ON known.tenant_id = v_tenant AND known.lexeme = asked.lexeme;
        ELSE
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
            v_common := '{}';
        END IF;
        v_chosen := public.memory_any_lexeme(v_rare);
    END IF;

    LOOP
        IF v_chosen IS NOT NULL THEN
            RETURN QUERY EXECUTE v_search
            USING v_tenant, v_chosen, p_filter, p_excluded, public.memory_any_lexeme(p_lexemes), p_limit;
        END IF;
        EXIT WHEN v_chosen IS NOT NULL AND FOUND OR v_common = '{}';
        v_chosen := public.memory_any_lexeme(v_common[1:1]);
        v_common := v_common[2:];
    END LOOP;
END
$$;

-- The rarest lexemes of one memory in the caller's sight, by which others like
-- it are looked for; where words were not counted, those that it begins with.
CREATE FUNCTION memory_like_lexemes(p_memory_id uuid, p_limit bigint) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_visible text;
    v_search tsvector;
BEGIN
    SELECT '(' || pg_get_expr(polqual, polrelid) || ')' INTO STRICT v_visible
      FROM pg_policy
     WHERE polrelid = 'public.memories'::regclass AND polname = 'memories_app_select';
    EXECUTE 'SELECT search FROM public.memories WHERE tenant_id = $1 AND id = $2 AND ' || v_visible
       INTO v_search USING v_tenant, p_memory_id;
    RETURN ARRAY (
        SELECT own.lexeme
          FROM unnest(v_search) AS own
          LEFT JOIN public.memory_lexemes AS known ON known.tenant_id = v_tenant AND known.lexeme = own.lexeme
         ORDER BY coalesce(known.memories, 0), own.positions[1], own.lexeme
         LIMIT p_limit
    );
END
$$;

REVOKE EXECUTE ON FUNCTION
    memory_collection_refresh(timestamptz),
    memory_collection_size(bigint),
    memory_search_words(text[], tsquery, tsquery, jsonb, bigint, bigint),
    memory_like_lexemes(uuid, bigint)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    memory_collection_refresh(timestamptz),
    memory_collection_size(bigint),
    memory_search_words(text[], tsquery, tsquery, jsonb, bigint, bigint),
    memory_like_lexemes(uuid, bigint)
TO atrium_app;
GRANT CREATE ON SCHEMA public TO atrium_search;
ALTER FUNCTION memory_collection_refresh(timestamptz) OWNER TO atrium_search;
ALTER FUNCTION memory_collection_size(bigint) OWNER TO atrium_search;
ALTER FUNCTION memory_search_words(text[], tsquery, tsquery, jsonb, bigint, bigint) OWNER TO atrium_search;
ALTER FUNCTION memory_like_lexemes(uuid, bigint) OWNER TO atrium_search;
REVOKE CREATE ON SCHEMA public FROM atrium_search;
