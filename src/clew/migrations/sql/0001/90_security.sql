-- Every table of a tenant shows an organization only its own rows, to the owner as well. The organization comes from
-- the transaction's setting; without one nothing is visible. Partitions get no grants: the way in is their parent.

DO $$
DECLARE
    name text;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_class c
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_organization ON %I USING (organization_id = '
            '(SELECT nullif(current_setting(''app.current_organization_id'', true), '''')::uuid))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO clew_application', name);
    END LOOP;
END $$;

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON organizations
    USING (id = (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
CREATE POLICY directory ON organizations TO clew_directory USING (true) WITH CHECK (true);
GRANT SELECT ON organizations TO clew_application;
GRANT SELECT, INSERT, UPDATE ON organizations TO clew_directory;

-- The feed is written once and never edited by those who cause it.
REVOKE UPDATE, DELETE ON changes FROM clew_application;

GRANT SELECT, INSERT, UPDATE, DELETE ON social_profiles, email_accounts, phone_numbers, domains, ip_addresses
    TO clew_application;
GRANT SELECT ON schema_version TO clew_application, clew_directory;
