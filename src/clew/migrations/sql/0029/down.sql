SET LOCAL lock_timeout = '10s';
ALTER TABLE exchange_states DROP COLUMN base_version;
CREATE OR REPLACE FUNCTION record_changes_of() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    EXECUTE format(
        'INSERT INTO changes (organization_id, table_name, operation, row_id) '
        'SELECT DISTINCT organization_id, %L, ''update'', %I FROM changed_rows', TG_ARGV[0], TG_ARGV[1]);
    RETURN NULL;
END $$;
