-- A time as a text that sorts as it does: microseconds in 20 digits, empty for
-- none. Lists that can be sorted by several columns compare texts.
CREATE OR REPLACE FUNCTION sort_time(p_at timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN coalesce(lpad((extract(epoch FROM p_at) * 1000000)::bigint::text, 20, '0'), '');
CALL function_allow('sort_time', '{atrium_app}');
