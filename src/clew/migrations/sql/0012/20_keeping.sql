-- Analyses are kept by month. Months are made ahead; what fits none waits in the future's own partition.
CREATE TABLE analysis_sessions_impossible_past PARTITION OF analysis_sessions
    FOR VALUES FROM (MINVALUE) TO ('2000-01-01 00:00:00+00');
DO $$
DECLARE
    starts timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format('CREATE TABLE analysis_sessions_impossible_future PARTITION OF analysis_sessions '
                   'FOR VALUES FROM (%L) TO (MAXVALUE)', starts);
    PERFORM advance_future('analysis_sessions', (starts AT TIME ZONE 'UTC' + interval '1 month')::date);
END $$;

-- No foreign key can point at a partitioned table: what belongs to an analysis goes with it by this.
CREATE FUNCTION delete_analysis_dependents() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM analysis_results AS r USING old_rows AS o
        WHERE r.organization_id = o.organization_id AND r.analysis_session_id = o.id;
    DELETE FROM analysis_session_members AS m USING old_rows AS o
        WHERE m.organization_id = o.organization_id AND m.analysis_session_id = o.id;
    DELETE FROM campaign_sessions AS s USING old_rows AS o
        WHERE s.organization_id = o.organization_id AND s.analysis_session_id = o.id;
    RETURN NULL;
END $$;
CREATE TRIGGER analyses_take_dependents AFTER DELETE ON analysis_sessions REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delete_analysis_dependents();

SELECT audit.keep_history('public.analysis_sessions');
SELECT audit.keep_history('public.campaigns');
SELECT audit.keep_history('public.campaign_decisions');

CREATE TRIGGER announces AFTER INSERT OR UPDATE OR DELETE ON campaigns
    FOR EACH ROW EXECUTE FUNCTION announce_change('campaigns', 'id');
CREATE TRIGGER announces AFTER INSERT OR DELETE OR UPDATE OF status ON analysis_sessions
    FOR EACH ROW EXECUTE FUNCTION announce_change('analyses', 'id');
-- Compressed already; compressing it again would cost every run a second.
ALTER TABLE coordination_states ALTER COLUMN background SET STORAGE EXTERNAL, ALTER COLUMN addresses SET STORAGE EXTERNAL;
