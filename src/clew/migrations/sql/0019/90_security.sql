DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['series', 'series_blocks', 'series_days', 'series_archives'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_organization ON %I USING (organization_id = '
            '(SELECT nullif(current_setting(''app.current_organization_id'', true), '''')::uuid))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO clew_application', name);
        EXECUTE format('CREATE POLICY projector_reads ON %I FOR SELECT TO clew_projector USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO clew_projector', name);
    END LOOP;
    -- What is counted from events is the projector's to write, and nothing else; what was measured is not.
    FOREACH name IN ARRAY ARRAY['series_blocks', 'series_days'] LOOP
        EXECUTE format('CREATE POLICY projector_counts ON %I TO clew_projector USING (derived) WITH CHECK (derived)', name);
        EXECUTE format('CREATE POLICY measured_in ON %I AS RESTRICTIVE FOR INSERT TO clew_application '
                       'WITH CHECK (NOT derived)', name);
        EXECUTE format('CREATE POLICY measured_on ON %I AS RESTRICTIVE FOR UPDATE TO clew_application '
                       'USING (NOT derived)', name);
        EXECUTE format('CREATE POLICY measured_out ON %I AS RESTRICTIVE FOR DELETE TO clew_application '
                       'USING (NOT derived)', name);
        EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %I TO clew_projector', name);
    END LOOP;
END $$;
CREATE POLICY projector_names ON series FOR INSERT TO clew_projector
    WITH CHECK (measurement = ANY (ARRAY['event_counts'::text, 'event_timelines'::text]));
GRANT INSERT ON series TO clew_projector;
CREATE POLICY projector_tells ON changes FOR INSERT TO clew_projector
    WITH CHECK (table_name = ANY (ARRAY['series_blocks'::text, 'series_days'::text]));
GRANT INSERT ON changes TO clew_projector;
CREATE POLICY projector_reads ON events FOR SELECT TO clew_projector USING (true);
GRANT SELECT ON events TO clew_projector;
GRANT SELECT, INSERT, UPDATE, DELETE ON series_state TO clew_projector;
GRANT EXECUTE ON FUNCTION ensure_partitions(text, date[]) TO clew_projector;
