-- The change feed's writers: one row for each entity or relationship that really changed, per statement. The merge
-- statements update only what differs, so what arrives here did change.

CREATE FUNCTION record_changes() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    INSERT INTO changes (organization_id, table_name, operation, row_id)
    SELECT organization_id, TG_TABLE_NAME, lower(TG_OP), id FROM changed_rows;
    RETURN NULL;
END $$;

DO $$
DECLARE
    name text;
    operation text;
BEGIN
    FOREACH name IN ARRAY ARRAY['entities', 'relationships', 'investigations', 'targets'] LOOP
        FOREACH operation IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            EXECUTE format(
                'CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed_rows '
                'FOR EACH STATEMENT EXECUTE FUNCTION record_changes()',
                format('%s_%s_recorded', name, lower(operation)), operation, name,
                CASE operation WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END);
        END LOOP;
    END LOOP;
END $$;

-- What foreign keys would do row by row, done once per statement.
CREATE FUNCTION require_ends() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
DECLARE
    missing uuid;
BEGIN
    SELECT ends.entity_id INTO missing
    FROM (SELECT organization_id, source_entity_id FROM new_rows
          UNION SELECT organization_id, target_entity_id FROM new_rows) AS ends (organization_id, entity_id)
    WHERE NOT EXISTS (SELECT FROM entities
                      WHERE entities.organization_id = ends.organization_id AND entities.id = ends.entity_id
                      OFFSET 0)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a relationship needs both of its entities; % is not there', missing
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER relationships_need_ends AFTER INSERT ON relationships REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION require_ends();

CREATE FUNCTION delete_dependents() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    IF TG_TABLE_NAME = 'entities' THEN
        DELETE FROM relationships WHERE ctid = ANY (ARRAY(
            SELECT found.ctid FROM old_rows CROSS JOIN LATERAL (
                SELECT ctid FROM relationships
                WHERE organization_id = old_rows.organization_id AND source_entity_id = old_rows.id OFFSET 0) AS found
            UNION SELECT found.ctid FROM old_rows CROSS JOIN LATERAL (
                SELECT ctid FROM relationships
                WHERE organization_id = old_rows.organization_id AND target_entity_id = old_rows.id OFFSET 0) AS found));
        DELETE FROM entity_sources WHERE ctid = ANY (ARRAY(
            SELECT found.ctid FROM old_rows CROSS JOIN LATERAL (
                SELECT ctid FROM entity_sources
                WHERE organization_id = old_rows.organization_id AND entity_id = old_rows.id OFFSET 0) AS found));
    ELSE
        DELETE FROM relationship_sources WHERE ctid = ANY (ARRAY(
            SELECT found.ctid FROM old_rows CROSS JOIN LATERAL (
                SELECT ctid FROM relationship_sources
                WHERE organization_id = old_rows.organization_id AND relationship_id = old_rows.id OFFSET 0) AS found));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER entities_take_dependents AFTER DELETE ON entities REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delete_dependents();
CREATE TRIGGER relationships_take_dependents AFTER DELETE ON relationships REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delete_dependents();

-- Room for updates in place: most updates only move last_seen, which no index holds.
ALTER TABLE entities SET (fillfactor = 85);
ALTER TABLE relationships SET (fillfactor = 85);
