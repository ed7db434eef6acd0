-- An entity that this transaction made or changed was told of by its own trigger: that it has a source now, too, needs no
-- second row of the feed. Half the rows that a load told of new entities were such.
CREATE OR REPLACE FUNCTION record_changes_of() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_TABLE_NAME = 'entity_sources' AND TG_OP = 'INSERT' THEN
        INSERT INTO changes (organization_id, table_name, operation, row_id)
        SELECT DISTINCT organization_id, 'entities', 'update', entity_id FROM changed_rows
        WHERE NOT EXISTS (
            SELECT FROM entities
            WHERE entities.organization_id = changed_rows.organization_id AND entities.id = changed_rows.entity_id
              AND entities.updated_at = now() AND entities.xmin = pg_current_xact_id()::xid
            OFFSET 0);
    ELSE
        EXECUTE format(
            'INSERT INTO changes (organization_id, table_name, operation, row_id) '
            'SELECT DISTINCT organization_id, %L, ''update'', %I FROM changed_rows', TG_ARGV[0], TG_ARGV[1]);
    END IF;
    RETURN NULL;
END $$;
