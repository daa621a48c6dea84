-- Open pages and programs are told how far their jobs are: those that moved
-- lately, among all that a member ever had.
CREATE INDEX jobs_updated_at_idx ON jobs (tenant_id, actor_user_id, updated_at DESC);
