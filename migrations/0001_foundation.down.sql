DROP TABLE tenants;
DROP PROCEDURE policies_copy(regclass, regclass);
DROP PROCEDURE policies_create_open(regclass, text, text[]);
DROP PROCEDURE policies_create(regclass, text, text[], text);

REVOKE USAGE ON SCHEMA public FROM
    atrium_app, atrium_auth, atrium_worker, atrium_operator, atrium_search, atrium_audit;

-- The extension stays: it may have been there before. The roles belong to the
-- whole server and stay while another database needs them.
DO $$
DECLARE
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY[
        'atrium_app', 'atrium_auth', 'atrium_worker', 'atrium_operator', 'atrium_search', 'atrium_audit'
    ] LOOP
        BEGIN
            EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', v_role);
            IF NOT EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = v_role::regrole) THEN
                EXECUTE format('DROP ROLE %I', v_role);
            END IF;
        EXCEPTION
            WHEN dependent_objects_still_exist OR undefined_object OR insufficient_privilege THEN
                NULL;
        END;
    END LOOP;
END
$$;
