-- Files that broke off or that nobody looked at are let go of whether or not
-- their giver comes back.
CALL policies_create_open('imports', 'atrium_worker', '{select}');
GRANT SELECT (tenant_id, user_id, id, state, created_at) ON imports TO atrium_worker;
CREATE INDEX imports_unstarted_idx ON imports (created_at) WHERE state <> 'started';
