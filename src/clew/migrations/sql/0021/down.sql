DROP TRIGGER announces ON tool_execution_logs;
CREATE OR REPLACE FUNCTION delete_analysis_dependents() RETURNS trigger
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
DROP TABLE webhook_secrets, analysis_callbacks, checkpoint_writes, checkpoint_blobs, checkpoints, analysis_intermediates;
DROP INDEX analysis_sessions_organization_id_id_idx;
ALTER TABLE analysis_sessions DROP COLUMN job_id;
