-- The caller of a request, found by the hash of its session's token.

-- The live session with this hash, or with this one as the previous hash, and its
-- member, whose organisation and id become those of the transaction: all settings
-- that a member without permissions and teams has. All columns are NULL, and both
-- settings empty, if it is unknown, revoked or expired.
--
-- For the login of members' requests, which can read no session: nothing is
-- returned to someone who doesn't know a hash, and neither the tokens of the issuer
-- nor the hash of another session.
CREATE OR REPLACE FUNCTION session_enter(
    p_id_hash bytea,
    p_now timestamptz,
    OUT tenant_id uuid,
    OUT user_id uuid,
    OUT session_id uuid,
    OUT last_seen_at timestamptz,
    OUT privileges_hash bytea,
    OUT by_previous_id boolean,
    OUT refresh_is_due boolean
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT s.tenant_id, s.user_id, s.id, s.last_seen_at, s.privileges_hash, s.id_hash <> p_id_hash,
           coalesce(s.refresh_at <= p_now, false) AND coalesce(s.refresh_lease_until <= p_now, true)
      INTO tenant_id, user_id, session_id, last_seen_at, privileges_hash, by_previous_id, refresh_is_due
      FROM public.web_sessions AS s
     WHERE (s.id_hash = p_id_hash OR s.previous_id_hash = p_id_hash AND s.previous_id_until > p_now)
       AND s.revoked_at IS NULL AND s.idle_expires_at > p_now AND s.absolute_expires_at > p_now;
    PERFORM set_config('app.current_tenant_id', coalesce(tenant_id::text, ''), true),
            set_config('app.current_user_id', coalesce(user_id::text, ''), true);
END
$$;
CALL function_allow('session_enter', '{atrium_app}', 'atrium_session');
