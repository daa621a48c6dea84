-- Explicit, because an administrator may revoke the privileges of PUBLIC.
GRANT USAGE ON SCHEMA public TO
    atrium_app, atrium_auth, atrium_worker, atrium_operator,
    atrium_search, atrium_audit, atrium_handover, atrium_purge, atrium_session, atrium_sharing, atrium_trash;
