ALTER TABLE memory_proposals
    ADD COLUMN allowed_vendors text[],
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN importance real,
    DROP CONSTRAINT memory_proposals_attributes_check;

-- A proposal to share a memory has only vendors.
ALTER TABLE memory_proposals
    ALTER COLUMN allowed_vendors TYPE text[] USING translate(attributes ->> 'allowed_vendors', '[]"', '{}')::text[],
    ALTER COLUMN expires_at TYPE timestamptz USING
        CASE WHEN replaces IS NOT NULL THEN (attributes ->> 'expires_at')::timestamptz END,
    ALTER COLUMN importance TYPE real USING
        CASE WHEN replaces IS NOT NULL THEN (attributes ->> 'importance')::real END;

ALTER TABLE memory_proposals
    ALTER COLUMN allowed_vendors SET NOT NULL,
    ADD CONSTRAINT memory_proposals_allowed_vendors_check CHECK (
        allowed_vendors <@ '{*,chatgpt,claude,cursor,copilot,gemini,other}'::text[] AND cardinality(allowed_vendors) <= 20
    ),
    ADD CONSTRAINT memory_proposals_change_check CHECK (
        (replaces IS NULL) = (importance IS NULL) AND (replaces IS NOT NULL OR expires_at IS NULL)
    ),
    ADD CONSTRAINT memory_proposals_importance_check CHECK (importance BETWEEN 0 AND 1),
    DROP COLUMN attributes CASCADE;
