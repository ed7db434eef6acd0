-- The application adds to the trail of its own organization and reads that; what orders and salts a row it cannot
-- choose. The owner adds on behalf of triggers. The sealer and the auditor read everybody's.
DO $$
DECLARE
    name text;
    sealed text[] := ARRAY['events', 'row_history', 'configuration_changes', 'investigations', 'risk_assessments',
                           'compliance_assessments'];
    given text;
BEGIN
    FOREACH name IN ARRAY sealed || ARRAY['api_key_usage', 'system_metrics', 'seals'] LOOP
        EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_organization ON audit.%I USING (organization_id = '
            '(SELECT nullif(current_setting(''app.current_organization_id'', true), '''')::uuid))', name);
        EXECUTE format('CREATE POLICY auditor_reads ON audit.%I FOR SELECT TO clew_auditor USING (true)', name);
        EXECUTE format('GRANT SELECT ON audit.%I TO clew_application, clew_auditor', name);
        CONTINUE WHEN name IN ('seals', 'row_history');  -- written by the sealer, and by the trigger
        SELECT string_agg(quote_ident(attname), ', ') INTO given FROM pg_attribute
        WHERE attrelid = format('audit.%I', name)::regclass AND attnum > 0
          AND attname <> ALL (ARRAY['id', 'xid', 'salt', 'created_at']);
        EXECUTE format('GRANT INSERT (%s) ON audit.%I TO clew_application', given, name);
    END LOOP;
    FOREACH name IN ARRAY sealed || ARRAY['seals'] LOOP
        EXECUTE format('CREATE POLICY sealer_reads ON audit.%I FOR SELECT TO clew_sealer USING (true)', name);
        EXECUTE format('GRANT SELECT ON audit.%I TO clew_sealer', name);
    END LOOP;
END $$;

CREATE POLICY triggers_write ON audit.row_history FOR INSERT TO clew_owner WITH CHECK (true);
CREATE POLICY retention_tells ON audit.events FOR INSERT TO clew_owner WITH CHECK (true);
CREATE POLICY sealer_adds ON audit.seals FOR INSERT TO clew_sealer WITH CHECK (true);

GRANT USAGE ON SCHEMA audit TO clew_application, clew_sealer, clew_auditor, clew_retention;
GRANT USAGE ON SEQUENCE audit.trail_id_seq TO clew_application;
GRANT SELECT ON audit.trail TO clew_application, clew_sealer, clew_auditor;
GRANT SELECT ON audit_logs, audit_log TO clew_application, clew_auditor;
GRANT INSERT ON audit.seals TO clew_sealer;
GRANT SELECT, UPDATE ON audit.sealing TO clew_sealer;
GRANT SELECT ON audit.sealing TO clew_auditor;
GRANT SELECT, INSERT, DELETE ON audit.spool_segments TO clew_application;
GRANT SELECT ON schema_version TO clew_sealer, clew_auditor, clew_retention;
-- Who the organizations are, for whoever works through all of them.
CREATE POLICY auditor_reads ON organizations FOR SELECT TO clew_auditor USING (true);
GRANT SELECT ON organizations TO clew_auditor;

REVOKE ALL ON FUNCTION audit.commitment(uuid, jsonb), audit.refuse_change(), audit.get_investigator_success_rate(text),
    audit.get_api_usage_stats(text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.commitment(uuid, jsonb) TO clew_application, clew_sealer, clew_auditor;
GRANT EXECUTE ON FUNCTION audit.get_investigator_success_rate(text), audit.get_api_usage_stats(text, integer)
    TO clew_application, clew_auditor;
GRANT EXECUTE ON FUNCTION audit.drop_month(text, date, integer) TO clew_retention;
