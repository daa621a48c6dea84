-- Keyword search over memories.

-- Text for the word parser, which would skip text between angle brackets as
-- markup. Each bracket is replaced by one private-use character, so positions
-- stay the same.
CREATE OR REPLACE FUNCTION memory_words(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(p_text, '<>', U&'\E002\E003');

-- The reverse of memory_words, for highlighted text.
CREATE OR REPLACE FUNCTION memory_words_shown(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(p_text, U&'\E002\E003', '<>');

-- Joins tags to text. `array_to_string` is only STABLE because it takes arrays
-- of any type; a generated column needs an IMMUTABLE function.
CREATE OR REPLACE FUNCTION memory_tags_text(p_tags text[]) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN array_to_string(p_tags, ' ');

-- A query for any of the lexemes; NULL for none.
CREATE OR REPLACE FUNCTION memory_any_lexeme(p_lexemes text[]) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT string_agg('''' || replace(replace(lexeme, '\', '\\'), '''', '''''') || '''', ' | ')
          FROM unnest(p_lexemes) AS lexemes (lexeme)
    )::tsquery;

-- A query for all of the phrases, or for any of them; NULL for none. A phrase of
-- stop words only is ignored.
CREATE OR REPLACE FUNCTION memory_phrases(p_phrases text[], p_all boolean) RETURNS tsquery
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (
        SELECT string_agg('(' || query::text || ')', CASE WHEN p_all THEN ' & ' ELSE ' | ' END)
          FROM unnest(p_phrases) AS phrases (phrase),
               phraseto_tsquery('pg_catalog.english', memory_words(phrase)) AS query
         WHERE numnode(query) > 0
    )::tsquery;

-- Counts the tenant's memories and, if a fifth of them is new or gone or the last
-- count is a week old, the memories that contain each word. A large collection is
-- sampled at some 20,000. Returns true if words were counted.
CREATE OR REPLACE FUNCTION memory_collection_refresh(p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tenant uuid := nullif(current_setting('app.current_tenant_id', true), '')::uuid;
    v_size bigint;
    v_before bigint;
    v_at timestamptz;
    -- The sample in 256ths, selected by the random last byte of the id.
    v_share bigint;
BEGIN
    IF v_tenant IS NULL THEN
        RETURN false;
    END IF;
    EXECUTE 'SELECT count(*) FROM public.memories WHERE tenant_id = $1 AND deleted_at IS NULL'
       INTO v_size USING v_tenant;
    -- The row lock prevents two processes from counting words at once.
    INSERT INTO public.memory_collections AS known (tenant_id, memories, counted_at)
    VALUES (v_tenant, v_size, p_now)
    ON CONFLICT (tenant_id) DO UPDATE SET memories = excluded.memories, counted_at = excluded.counted_at
    RETURNING known.lexemes_from, known.lexemes_at INTO v_before, v_at;
    IF abs(v_size - v_before) <= v_before / 5 AND v_at > p_now - interval '7 days' THEN
        RETURN false;
    END IF;

    DELETE FROM public.memory_lexemes WHERE tenant_id = v_tenant;
    -- The words of a small collection are counted during a search.
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
CALL function_allow('memory_collection_refresh', '{atrium_app}', 'atrium_search');

-- The number of the tenant's memories: as last counted, or else exact below p_cap
-- and the planner's estimate above. Determines whether comparing with all of them
-- is cheap, and which words are rare.
CREATE OR REPLACE FUNCTION memory_collection_size(p_cap bigint) RETURNS bigint
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
CALL function_allow('memory_collection_size', '{atrium_app}', 'atrium_search');

-- Memories visible to the caller that contain a rare lexeme of the query, best
-- first. Row security would prevent the use of the word index (`@@` is not
-- leakproof), so this runs as a role that bypasses it and applies the text of the
-- caller's own policy from the catalogue, so that they can't differ.
--
-- A lexeme is rare if at most p_rare memories of the tenant contain it, by
-- `memory_lexemes`; one that is not listed there is rare. If words were not
-- counted yet, or the collection is small, they are counted now, among the visible
-- memories. If nothing contains a rare lexeme, the next rarest is used. Phrases,
-- if given, select instead. p_phrases and p_excluded restrict nothing if NULL.
CREATE OR REPLACE FUNCTION memory_search_words(
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
            -- Counting stops at the cap, which grows while every word is above it.
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
CALL function_allow('memory_search_words', '{atrium_app}', 'atrium_search');

-- The rarest lexemes of one visible memory, for a search for similar ones; the
-- first ones if words were not counted.
CREATE OR REPLACE FUNCTION memory_like_lexemes(p_memory_id uuid, p_limit bigint) RETURNS text[]
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
CALL function_allow('memory_like_lexemes', '{atrium_app}', 'atrium_search');
