-- Views of documents follow these tables, too.
DO $$
DECLARE
    name text;
    operation text;
BEGIN
    FOREACH name IN ARRAY ARRAY['enriched_data', 'analysis_results'] LOOP
        FOREACH operation IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            EXECUTE format(
                'CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed_rows '
                'FOR EACH STATEMENT EXECUTE FUNCTION record_changes()',
                format('%s_%s_recorded', name, lower(operation)), operation, name,
                CASE operation WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END);
        END LOOP;
        EXECUTE format('CREATE POLICY projector_reads ON %I FOR SELECT TO clew_projector USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO clew_projector', name);
    END LOOP;
END $$;
GRANT SELECT ON raw_documents TO clew_projector;
