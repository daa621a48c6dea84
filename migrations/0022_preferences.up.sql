-- How each member wants things shown.

CREATE TABLE user_preferences (
    tenant_id uuid NOT NULL
        CONSTRAINT user_preferences_tenant_id_fkey REFERENCES tenants (id),
    user_id uuid NOT NULL,
    -- What is NULL was not chosen: the browser's colours, the organisation's
    -- time zone, Atrium's formats.
    theme text
        CONSTRAINT user_preferences_theme_check CHECK (theme IN ('system', 'light', 'dark')),
    time_zone text
        CONSTRAINT user_preferences_time_zone_check CHECK (char_length(time_zone) BETWEEN 1 AND 64),
    locale text
        CONSTRAINT user_preferences_locale_check CHECK (locale ~ '^[a-z]{2}-[A-Z]{2}$'),
    updated_at timestamptz NOT NULL,
    CONSTRAINT user_preferences_pkey PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT user_preferences_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE user_preferences IS 'Colours, time zone and formats, as a member chose them.';

-- Atrium itself reads them when it finds out who asks, before a member's
-- permissions are known.
CALL policies_create('user_preferences', 'atrium_app', '{select}', 'user_id = :user OR :may(system)');
CALL policies_create('user_preferences', 'atrium_app', '{insert,update}', 'user_id = :user AND :may(profile.manage)');
GRANT SELECT, INSERT ON user_preferences TO atrium_app;
GRANT UPDATE (theme, time_zone, locale, updated_at) ON user_preferences TO atrium_app;
