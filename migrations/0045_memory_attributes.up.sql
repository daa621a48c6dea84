-- A proposal holds the attributes of the memory as JSON, in the format of the
-- function memory_attributes: as they are, or as a proposed change makes them.

ALTER TABLE memory_proposals
    DROP CONSTRAINT memory_proposals_change_check,
    DROP CONSTRAINT memory_proposals_importance_check;

-- Changing the type reaches every row; an UPDATE would see no tenant's.
ALTER TABLE memory_proposals
    ALTER COLUMN importance TYPE jsonb USING jsonb_build_object(
        'expires_at', to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'importance', coalesce(importance, 0.5),
        'allowed_vendors', to_jsonb(allowed_vendors)
    );
ALTER TABLE memory_proposals RENAME COLUMN importance TO attributes;

-- The policy that compares the vendors is made anew from its file.
ALTER TABLE memory_proposals
    ALTER COLUMN attributes SET NOT NULL,
    ADD CONSTRAINT memory_proposals_attributes_check CHECK (
        jsonb_typeof(attributes) = 'object' AND octet_length(attributes::text) <= 100000
    ),
    DROP COLUMN expires_at,
    DROP COLUMN allowed_vendors CASCADE;
