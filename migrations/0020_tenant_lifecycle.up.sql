-- Organisations are suspended, resumed, deleted and purged, by those who run
-- the installation.

-- Owns the function that purges; nobody takes it. It reads of a row only whose
-- it is.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'atrium_purge') THEN
        BEGIN
            CREATE ROLE atrium_purge NOLOGIN;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        AND NOT pg_has_role(current_user, 'atrium_purge', 'SET')
    THEN
        GRANT atrium_purge TO CURRENT_USER WITH INHERIT FALSE, SET TRUE;
    END IF;
END
$$;
GRANT USAGE ON SCHEMA public TO atrium_purge;

ALTER TABLE tenants
    -- Why it is not active, in the words of the one who did it.
    ADD COLUMN status_reason text
        CONSTRAINT tenants_status_reason_check CHECK (char_length(status_reason) BETWEEN 1 AND 500),
    ADD COLUMN status_changed_at timestamptz,
    -- The operator who did it; NULL where it was the command line.
    ADD COLUMN status_by_tenant_id uuid,
    ADD COLUMN status_by_user_id uuid,
    -- From when on a deleted one can be purged; until then it can be resumed.
    ADD COLUMN delete_after timestamptz,
    ADD CONSTRAINT tenants_status_by_check CHECK (num_nonnulls(status_by_tenant_id, status_by_user_id) IN (0, 2)),
    ADD CONSTRAINT tenants_delete_after_check CHECK (delete_after IS NULL OR status = 'deleted');
GRANT UPDATE (status_reason, status_changed_at, status_by_tenant_id, status_by_user_id, delete_after)
    ON tenants TO atrium_operator;

-- Workers leave the jobs of organisations alone that are not active.
CALL policies_create_open('tenants', 'atrium_worker', '{select}');
GRANT SELECT (id, status) ON tenants TO atrium_worker;

CREATE TABLE platform_operators (
    tenant_id uuid NOT NULL
        CONSTRAINT platform_operators_tenant_id_fkey REFERENCES tenants (id),
    user_id uuid NOT NULL,
    granted_at timestamptz NOT NULL,
    CONSTRAINT platform_operators_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT platform_operators_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE platform_operators IS 'Members who also run the installation. Named on the command line only.';

-- No page writes here: the application reads whether the one who asks is one.
CALL policies_create('platform_operators', 'atrium_app', '{select}', 'user_id = :user OR :may(system)');
CALL policies_create('platform_operators', 'atrium_operator', '{select,insert,delete}');
GRANT SELECT ON platform_operators TO atrium_app;
GRANT SELECT, INSERT, DELETE ON platform_operators TO atrium_operator;

-- Operators see how many, never what: one organisation at a time, and none of
-- the columns in which people's words or names are.
CALL policies_create('users', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, kind, status, last_seen_at) ON users TO atrium_operator;
CALL policies_create('web_sessions', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, idle_expires_at, absolute_expires_at, revoked_at) ON web_sessions TO atrium_operator;
CALL policies_create('api_keys', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, expires_at, revoked_at) ON api_keys TO atrium_operator;
CALL policies_create('memories', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, deleted_at) ON memories TO atrium_operator;
CALL policies_create('jobs', 'atrium_operator', '{select}');
GRANT SELECT (tenant_id, status) ON jobs TO atrium_operator;

ALTER PROCEDURE policies_create(regclass, text, text[], text) RENAME TO policies_write;
ALTER PROCEDURE policies_create_open(regclass, text, text[]) RENAME TO policies_write_open;

-- Lets a purged organisation's rows go from a table; again does nothing.
-- Every table with a tenant_id needs it, and a test finds one without: from
-- here on the helpers that write policies see to it.
CREATE PROCEDURE purge_allow(p_table regclass)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
DECLARE
    v_partition regclass;
BEGIN
    IF EXISTS (SELECT FROM pg_policy WHERE polrelid = p_table AND 'atrium_purge'::regrole = ANY (polroles))
        OR EXISTS (SELECT FROM pg_class WHERE oid = p_table AND relispartition)
        OR NOT EXISTS (
            SELECT FROM pg_attribute WHERE attrelid = p_table AND attname = 'tenant_id' AND NOT attisdropped
        )
    THEN
        RETURN;
    END IF;
    CALL public.policies_write(p_table, 'atrium_purge', '{select,delete}');
    EXECUTE format('GRANT SELECT (tenant_id), DELETE ON %s TO atrium_purge', p_table);
    FOR v_partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = p_table LOOP
        EXECUTE (
            SELECT string_agg(
                       format(
                           'CREATE POLICY %I ON %s FOR %s TO atrium_purge USING (%s);',
                           polname,
                           v_partition,
                           CASE polcmd WHEN 'r' THEN 'SELECT' ELSE 'DELETE' END,
                           pg_get_expr(polqual, polrelid)
                       ),
                       ' '
                   )
              FROM pg_policy
             WHERE polrelid = p_table AND 'atrium_purge'::regrole = ANY (polroles)
        );
    END LOOP;
END
$$;

-- As before, and a table's first policy brings those of purging.
CREATE PROCEDURE policies_create(
    p_table regclass,
    p_role text,
    p_commands text[],
    p_condition text DEFAULT NULL
)
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    CALL public.policies_write(p_table, p_role, p_commands, p_condition);
    CALL public.purge_allow(p_table);
END
$$;

CREATE PROCEDURE policies_create_open(p_table regclass, p_role text, p_commands text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    CALL public.policies_write_open(p_table, p_role, p_commands);
    CALL public.purge_allow(p_table);
END
$$;

REVOKE EXECUTE ON PROCEDURE
    purge_allow(regclass),
    policies_create(regclass, text, text[], text),
    policies_create_open(regclass, text, text[])
FROM PUBLIC;

DO $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN
        SELECT c.oid::regclass
          FROM pg_class c
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         ORDER BY c.relname
    LOOP
        CALL public.purge_allow(v_table);
    END LOOP;
END
$$;
GRANT SELECT (seq, hash) ON audit_heads TO atrium_purge;
CALL policies_create('tenants', 'atrium_purge', '{select,delete}');
GRANT SELECT (id, status, delete_after), DELETE ON tenants TO atrium_purge;

-- Removes all rows of the transaction's tenant, and the tenant. Only one that
-- is deleted and whose time of grace is over at p_now. Tells where its audit
-- chain ended and how many rows there were of what. A table that did not allow
-- it fails the whole.
CREATE FUNCTION tenant_purge(
    p_tenant_id uuid,
    p_now timestamptz,
    OUT head_seq bigint,
    OUT head_hash bytea,
    OUT purged jsonb
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_left oid[];
    v_table oid;
    v_name text;
    v_count bigint;
BEGIN
    IF p_tenant_id IS DISTINCT FROM nullif(current_setting('app.current_tenant_id', true), '')::uuid THEN
        RAISE EXCEPTION 'only the transaction''s own tenant can be purged'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM FROM public.tenants WHERE id = p_tenant_id AND status = 'deleted' AND delete_after <= p_now;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the tenant is not deleted, or its time of grace is not over'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT seq, hash INTO head_seq, head_hash FROM public.audit_heads WHERE tenant_id = p_tenant_id;

    SELECT array_agg(c.oid) INTO v_left
      FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition;
    purged := '{}';
    WHILE cardinality(v_left) > 0 LOOP
        -- One that no table still to come refers to.
        SELECT t, c.relname INTO v_table, v_name
          FROM unnest(v_left) AS t
          JOIN pg_class c ON c.oid = t
         WHERE NOT EXISTS (
                   SELECT FROM pg_constraint k
                    WHERE k.contype = 'f' AND k.confrelid = t AND k.conrelid <> t AND k.conrelid = ANY (v_left)
               )
         ORDER BY c.relname
         LIMIT 1;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'tables refer to each other in a circle';
        END IF;
        EXECUTE format('DELETE FROM public.%I WHERE tenant_id = $1', v_name) USING p_tenant_id;
        GET DIAGNOSTICS v_count = ROW_COUNT;
        IF v_count > 0 THEN
            purged := purged || jsonb_build_object(v_name, v_count);
        END IF;
        v_left := array_remove(v_left, v_table);
    END LOOP;

    DELETE FROM public.tenants WHERE id = p_tenant_id AND status = 'deleted' AND delete_after <= p_now;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the tenant was resumed in the meantime'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION tenant_purge(uuid, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenant_purge(uuid, timestamptz) TO atrium_operator;
GRANT CREATE ON SCHEMA public TO atrium_purge;
ALTER FUNCTION tenant_purge(uuid, timestamptz) OWNER TO atrium_purge;
REVOKE CREATE ON SCHEMA public FROM atrium_purge;
