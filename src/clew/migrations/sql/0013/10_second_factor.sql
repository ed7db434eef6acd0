-- Whoever finds out who calls learns whether their organization demands a second factor of them, and nothing else of
-- what it configured.
CREATE POLICY authenticator_reads ON system_configuration FOR SELECT TO clew_authenticator
    USING (key = 'second_factor_required');
GRANT SELECT (organization_id, key, value) ON system_configuration TO clew_authenticator;
GRANT SELECT (second_factor) ON sessions TO clew_authenticator;
