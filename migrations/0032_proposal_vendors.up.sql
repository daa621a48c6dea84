-- What is proposed can be read and decided by programs, and a program reads
-- only what is meant for its product: the words in a proposal as well.

-- Of what was proposed before it is not known any more; no program reads that.
ALTER TABLE memory_proposals
    ADD COLUMN allowed_vendors text[] NOT NULL DEFAULT '{}'
        CONSTRAINT memory_proposals_allowed_vendors_check
        CHECK (
            allowed_vendors <@ '{*,chatgpt,claude,cursor,copilot,gemini,other}'::text[]
            AND cardinality(allowed_vendors) <= 20
        );
ALTER TABLE memory_proposals ALTER COLUMN allowed_vendors DROP DEFAULT;

DROP POLICY memory_proposals_app_select ON memory_proposals;
DO $$
DECLARE
    v_vendor text := $q$nullif(current_setting('app.vendor', true), '')$q$;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') THEN
        v_vendor := format('(SELECT %s)', v_vendor);
    END IF;
    CALL policies_create('memory_proposals', 'atrium_app', '{select}', format(
        $q$(proposed_by = :user OR reviewed_by = :user
            OR status = 'pending' AND proposed_by <> :user
               AND (:may(memory.review) OR :may(memory.share) AND team_id = ANY (:led)))
           AND (%1$s IS NULL OR allowed_vendors && ARRAY['*', %1$s])$q$,
        v_vendor
    ));
END
$$;
