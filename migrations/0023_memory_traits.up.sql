-- What a memory is besides its words: how long it is kept, which context of
-- its owner it belongs to, what it answers, who may read it, where it is from.

CREATE TABLE personas (
    tenant_id uuid NOT NULL
        CONSTRAINT personas_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL
        CONSTRAINT personas_name_check CHECK (char_length(name) BETWEEN 1 AND 50),
    description text NOT NULL
        CONSTRAINT personas_description_check CHECK (char_length(description) <= 500),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT personas_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT personas_name_key UNIQUE (tenant_id, user_id, name),
    -- For memories, which belong to a persona of their own owner.
    CONSTRAINT personas_user_id_key UNIQUE (tenant_id, user_id, id),
    CONSTRAINT personas_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE personas IS 'Contexts of a member, such as work and home, that memories may belong to.';
CALL policies_create('personas', 'atrium_app', '{select,insert,update,delete}', 'user_id = :user');
GRANT SELECT, INSERT, DELETE ON personas TO atrium_app;
GRANT UPDATE (name, description, updated_at) ON personas TO atrium_app;

-- The default stands for the rows that are there already; the program always
-- says who may read a new one.
ALTER TABLE memories
    -- Only what is meant for a while has an end.
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN term text NOT NULL
        GENERATED ALWAYS AS (CASE WHEN expires_at IS NULL THEN 'long' ELSE 'short' END) STORED,
    ADD COLUMN persona_id uuid,
    -- What this is a reply to; never a reply itself, and never another later.
    ADD COLUMN parent_id uuid,
    -- AI products that may read it; an asterisk stands for all.
    ADD COLUMN allowed_vendors text[] NOT NULL DEFAULT '{*}'
        CONSTRAINT memories_allowed_vendors_check
        CHECK (cardinality(allowed_vendors) <= 20 AND array_position(allowed_vendors, NULL) IS NULL),
    -- The conversation it comes from, as the program that wrote it calls it.
    ADD COLUMN source_session_id text
        CONSTRAINT memories_source_session_id_check CHECK (char_length(source_session_id) BETWEEN 1 AND 200),
    ADD CONSTRAINT memories_persona_id_fkey
        FOREIGN KEY (tenant_id, user_id, persona_id) REFERENCES personas (tenant_id, user_id, id),
    ADD CONSTRAINT memories_parent_id_fkey FOREIGN KEY (tenant_id, parent_id) REFERENCES memories (tenant_id, id),
    ADD CONSTRAINT memories_parent_check CHECK (parent_id <> id),
    DROP CONSTRAINT memories_origin_check,
    ADD CONSTRAINT memories_origin_check CHECK (
        origin IN (
            'dashboard', 'import', 'api', 'mcp', 'chatgpt', 'claude', 'cursor', 'copilot', 'gemini', 'agent'
        )
    );
ALTER TABLE memories ALTER COLUMN allowed_vendors DROP DEFAULT;

CREATE INDEX memories_persona_id_idx ON memories (tenant_id, user_id, persona_id) WHERE persona_id IS NOT NULL;
CREATE INDEX memories_parent_id_idx ON memories (tenant_id, parent_id, created_at, id) WHERE parent_id IS NOT NULL;
CREATE INDEX memories_expires_at_idx ON memories (tenant_id, expires_at)
    WHERE expires_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX memories_source_session_id_idx ON memories (tenant_id, user_id, source_session_id)
    WHERE source_session_id IS NOT NULL;

GRANT UPDATE (expires_at, persona_id, importance, allowed_vendors) ON memories TO atrium_app;

-- A persona is its owner's; a memory that goes to somebody else leaves it.
GRANT SELECT (persona_id), UPDATE (persona_id) ON memories TO atrium_handover;
GRANT CREATE ON SCHEMA public TO atrium_handover;
SET ROLE atrium_handover;
CREATE OR REPLACE FUNCTION user_memories_hand_over(p_from uuid, p_to uuid) RETURNS bigint
LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH handed AS (
        UPDATE public.memories SET user_id = p_to, source_digest = NULL, persona_id = NULL
         WHERE tenant_id = nullif(current_setting('app.current_tenant_id', true), '')::uuid
           AND user_id = p_from AND visibility <> 'private' AND deleted_at IS NULL
        RETURNING 1
    )
    SELECT count(*) FROM handed
$$;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM atrium_handover;
