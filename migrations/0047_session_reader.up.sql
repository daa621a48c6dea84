-- Owns session_enter, which finds the session of a token; no login can take it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'atrium_session') THEN
        BEGIN
            CREATE ROLE atrium_session NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        AND NOT pg_has_role(current_user, 'atrium_session', 'SET')
    THEN
        GRANT atrium_session TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
    END IF;
END
$$;
