-- Each kind of work has a login of its own, which `atrium migrate up` allows
-- its roles. The operator's can't take the front door's: it ties an identity to
-- a member whom it adds, in that organisation, and reads none.
CALL policies_create('identities', 'atrium_operator', '{insert}');
GRANT INSERT ON identities TO atrium_operator;
