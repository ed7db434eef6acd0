ALTER TABLE role_permissions NO FORCE ROW LEVEL SECURITY;
DELETE FROM role_permissions WHERE permission = 'document:read';
ALTER TABLE role_permissions FORCE ROW LEVEL SECURITY;
DELETE FROM permissions WHERE code = 'document:read';
DO $$
DECLARE
    operation text;
BEGIN
    DROP POLICY projector_reads ON analysis_results;
    REVOKE ALL ON analysis_results FROM clew_projector;
    FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
        EXECUTE format('DROP TRIGGER %I ON analysis_results', format('analysis_results_%s_recorded', operation));
    END LOOP;
END $$;
ALTER TABLE analysis_results DROP COLUMN analysis_type, DROP COLUMN input_entities, DROP COLUMN results,
    DROP COLUMN metrics, DROP COLUMN insights, DROP COLUMN created_by;
DROP INDEX analysis_results_organization_id_created_at_idx;
DROP VIEW raw_documents;
DROP TABLE enriched_data;
