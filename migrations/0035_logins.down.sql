REVOKE INSERT ON identities FROM atrium_operator;
DROP POLICY identities_operator_insert ON identities;
