REVOKE ALL ON organizations FROM clew_directory;
GRANT SELECT, INSERT, UPDATE ON organizations TO clew_directory;
DROP POLICY authenticator_reads ON organizations;
DROP POLICY authenticator_reads ON users;
REVOKE ALL ON organizations, users, schema_version FROM clew_authenticator;
DROP FUNCTION drop_old_api_usage_logs(integer);
DROP TABLE api_usage_logs, api_key_counters, api_keys, sign_in_failures, signing_keys, mfa_recovery_codes,
    one_time_tokens, refresh_tokens, sessions, invitations, system_configuration, user_settings, user_roles,
    role_permissions, roles, permissions;
CREATE OR REPLACE FUNCTION partitioned_tables() RETURNS text[] LANGUAGE sql IMMUTABLE
AS $$ SELECT ARRAY['attack_sessions', 'collection_items', 'events', 'social_posts'] $$;
ALTER TABLE users DROP COLUMN mfa_last_step, DROP COLUMN password_changed_at;
