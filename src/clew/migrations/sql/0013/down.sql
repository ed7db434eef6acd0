DROP FUNCTION install_operator(uuid, uuid);
REVOKE SELECT (second_factor) ON sessions FROM clew_authenticator;
REVOKE SELECT (organization_id, key, value) ON system_configuration FROM clew_authenticator;
DROP POLICY authenticator_reads ON system_configuration;
