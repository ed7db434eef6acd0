-- Blocks and days are followed row by row. One that goes to a file is not gone: whoever moves it says so.
CREATE FUNCTION record_series_changes() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF coalesce(current_setting('app.series_are_moved', true), '') <> 'yes' THEN
        INSERT INTO changes (organization_id, table_name, operation, row_id)
        SELECT organization_id, TG_TABLE_NAME, lower(TG_OP), id FROM changed_rows;
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE
    name text;
    operation text;
BEGIN
    FOREACH name IN ARRAY ARRAY['series_blocks', 'series_days'] LOOP
        FOREACH operation IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            EXECUTE format(
                'CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed_rows '
                'FOR EACH STATEMENT EXECUTE FUNCTION record_series_changes()',
                format('%s_%s_recorded', name, lower(operation)), operation, name,
                CASE operation WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END);
        END LOOP;
    END LOOP;
END $$;
