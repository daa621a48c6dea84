REVOKE SELECT (size) ON imports FROM atrium_worker;
