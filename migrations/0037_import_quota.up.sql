-- What an organisation's waiting files hold together is counted across its
-- members, whose files are out of each other's sight.
GRANT SELECT (size) ON imports TO atrium_worker;
