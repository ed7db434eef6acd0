-- What belongs to an organization is its own; built-in roles are everybody's to see and nobody's to change.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'roles', 'role_permissions', 'user_roles', 'user_settings', 'system_configuration', 'invitations', 'sessions',
        'refresh_tokens', 'one_time_tokens', 'mfa_recovery_codes', 'api_keys', 'api_key_counters', 'api_usage_logs']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_organization ON %I USING (organization_id = '
            '(SELECT nullif(current_setting(''app.current_organization_id'', true), '''')::uuid))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO clew_application', name);
    END LOOP;
END $$;
CREATE POLICY built_in ON roles FOR SELECT USING (organization_id IS NULL);
CREATE POLICY built_in ON role_permissions FOR SELECT USING (organization_id IS NULL);
GRANT SELECT ON permissions TO clew_application;
-- What was logged is deleted when it is old, and never edited.
REVOKE UPDATE ON api_usage_logs FROM clew_application;

-- The authenticator finds out who calls before any organization is known. It may look up what people and programs sign
-- in with, and whether they still may; it sees no secret of a second factor, and changes nobody's account.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'organizations', 'users', 'user_roles', 'roles', 'role_permissions', 'sessions', 'refresh_tokens',
        'one_time_tokens', 'api_keys', 'api_key_counters']
    LOOP
        EXECUTE format('CREATE POLICY authenticator_reads ON %I FOR SELECT TO clew_authenticator USING (true)', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['sessions', 'api_keys', 'api_key_counters'] LOOP
        EXECUTE format('CREATE POLICY authenticator_notes ON %I FOR UPDATE TO clew_authenticator USING (true)', name);
    END LOOP;
END $$;
GRANT SELECT ON schema_version TO clew_authenticator;
GRANT SELECT (id, slug, is_active) ON organizations TO clew_authenticator;
GRANT SELECT (organization_id, id, email, username, password_hash, role, is_active, is_verified, mfa_enabled)
    ON users TO clew_authenticator;
GRANT SELECT (organization_id, user_id, role_id) ON user_roles TO clew_authenticator;
GRANT SELECT (organization_id, id, name, is_builtin) ON roles TO clew_authenticator;
GRANT SELECT ON role_permissions TO clew_authenticator;
GRANT SELECT (organization_id, id, user_id, token_hash, last_activity, expires_at, revoked_at), UPDATE (last_activity)
    ON sessions TO clew_authenticator;
GRANT SELECT (organization_id, id, session_id, token_hash) ON refresh_tokens TO clew_authenticator;
GRANT SELECT (organization_id, id, purpose, token_hash) ON one_time_tokens TO clew_authenticator;
GRANT SELECT (organization_id, id, user_id, key_hash, scopes, rate_limit_per_minute, rate_limit_per_hour,
    rate_limit_per_day, is_active, expires_at, last_used_at), UPDATE (last_used_at, last_used_ip)
    ON api_keys TO clew_authenticator;
GRANT SELECT, UPDATE (minute_starts, minute_used, hour_starts, hour_used, day_starts, day_used)
    ON api_key_counters TO clew_authenticator;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_failures TO clew_authenticator;
GRANT SELECT, INSERT, DELETE, UPDATE (state, activated_at, retired_at) ON signing_keys TO clew_authenticator;
-- It writes the log of use, of many organizations at once, and cannot read it.
CREATE POLICY authenticator_logs ON api_usage_logs FOR INSERT TO clew_authenticator WITH CHECK (true);
GRANT INSERT ON api_usage_logs TO clew_authenticator;

-- The directory makes and renames organizations; whose they are, it cannot change.
REVOKE UPDATE, INSERT ON organizations FROM clew_directory;
GRANT INSERT (id, slug, name), UPDATE (name, settings, is_active, updated_at) ON organizations TO clew_directory;
