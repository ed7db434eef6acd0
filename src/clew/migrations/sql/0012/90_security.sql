DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['analysis_sessions', 'analysis_results', 'campaigns', 'campaign_sessions',
        'campaign_indicators', 'campaign_members', 'analysis_session_members', 'campaign_decisions',
        'campaign_activity', 'campaign_analytics', 'alert_events', 'coordination_states', 'event_batches']
    LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_organization ON %I USING (organization_id = '
            '(SELECT nullif(current_setting(''app.current_organization_id'', true), '''')::uuid))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO clew_application', name);
    END LOOP;
END $$;
-- What became of a campaign is told once and not rewritten.
REVOKE UPDATE, DELETE ON campaign_activity FROM clew_application;
-- A restore begins a new epoch, in which what an analysis remembers of transactions means nothing.
GRANT SELECT ON feed_epochs TO clew_application;
