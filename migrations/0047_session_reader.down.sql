DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = 'atrium_session'::regrole
    ) THEN
        DROP ROLE atrium_session;
    END IF;
EXCEPTION
    WHEN dependent_objects_still_exist OR undefined_object OR insufficient_privilege THEN
        NULL;
END
$$;
