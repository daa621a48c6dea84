DROP FUNCTION memory_like_lexemes(uuid, bigint);
DROP FUNCTION memory_search_words(text[], tsquery, tsquery, jsonb, bigint, bigint);
DROP FUNCTION memory_collection_refresh(timestamptz);
DROP FUNCTION memory_collection_size(bigint);

-- As in 0005.

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

DROP TABLE memory_lexemes;
DROP TABLE memory_collections;
DROP FUNCTION memory_fits(memories, jsonb);
