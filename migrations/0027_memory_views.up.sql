-- Questions and filters that a member looks at again and again, by name.

CREATE TABLE memory_views (
    tenant_id uuid NOT NULL
        CONSTRAINT memory_views_tenant_id_fkey REFERENCES tenants (id),
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL
        CONSTRAINT memory_views_name_check CHECK (char_length(name) BETWEEN 1 AND 60),
    sort_name text COLLATE "C" NOT NULL GENERATED ALWAYS AS (lower(name)) STORED,
    -- `domain::memory_view::MemoryViewQuery`.
    query jsonb NOT NULL
        CONSTRAINT memory_views_query_check
        CHECK (jsonb_typeof(query) = 'object' AND octet_length(query::text) <= 16384),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT memory_views_pkey PRIMARY KEY (tenant_id, id),
    CONSTRAINT memory_views_name_key UNIQUE (tenant_id, user_id, sort_name),
    CONSTRAINT memory_views_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE memory_views IS 'Saved questions and filters of members, each seen by its owner alone.';

CALL policies_create('memory_views', 'atrium_app', '{select}', 'user_id = :user');
CALL policies_create('memory_views', 'atrium_app', '{insert,update,delete}', 'user_id = :user AND :may(memory.read)');
GRANT SELECT, INSERT, DELETE ON memory_views TO atrium_app;
GRANT UPDATE (name, updated_at) ON memory_views TO atrium_app;
