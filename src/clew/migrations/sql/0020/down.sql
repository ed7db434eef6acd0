ALTER TABLE role_permissions NO FORCE ROW LEVEL SECURITY;
DELETE FROM role_permissions WHERE permission = 'document:read';
ALTER TABLE role_permissions FORCE ROW LEVEL SECURITY;
DELETE FROM permissions WHERE code = 'document:read';
DO $$
DECLARE
    name text;
    operation text;
BEGIN
    FOREACH name IN ARRAY ARRAY['analysis_results', 'ingest_files', 'uploads'] LOOP
        EXECUTE format('DROP POLICY projector_reads ON %I', name);
        EXECUTE format('REVOKE ALL ON %I FROM clew_projector', name);
    END LOOP;
    FOREACH operation IN ARRAY ARRAY['insert', 'update', 'delete'] LOOP
        EXECUTE format('DROP TRIGGER %I ON analysis_results', format('analysis_results_%s_recorded', operation));
    END LOOP;
END $$;
ALTER TABLE analysis_results DROP COLUMN analysis_type, DROP COLUMN input_entities, DROP COLUMN results,
    DROP COLUMN metrics, DROP COLUMN insights, DROP COLUMN created_by;
DROP INDEX analysis_results_organization_id_created_at_idx;
DROP VIEW raw_documents;
DROP TABLE enriched_data;
