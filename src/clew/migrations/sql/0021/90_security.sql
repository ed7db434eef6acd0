DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['analysis_intermediates', 'checkpoints', 'checkpoint_blobs', 'checkpoint_writes',
        'analysis_callbacks', 'webhook_secrets']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_organization ON %I USING (organization_id = '
            '(SELECT nullif(current_setting(''app.current_organization_id'', true), '''')::uuid))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO clew_application', name);
    END LOOP;
END $$;
