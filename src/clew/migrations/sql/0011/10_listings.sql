-- What is listed page by page is read from an index in the order of the list, up to the id that tells equals apart.
-- Where one took the place of another, its first columns are those of the other, so it serves the same questions.
CREATE INDEX entities_organization_id_entity_type_created_at_id_idx ON entities (organization_id, entity_type, created_at, id);
CREATE INDEX entities_organization_id_created_at_id_idx ON entities (organization_id, created_at, id);
DROP INDEX entities_organization_id_entity_type_idx;
CREATE INDEX relationships_organization_id_source_entity_id_relation_f162 ON relationships (organization_id, source_entity_id, relationship_type, id);
CREATE INDEX relationships_organization_id_target_entity_id_relation_21db ON relationships (organization_id, target_entity_id, relationship_type, id);
DROP INDEX relationships_organization_id_source_entity_id_relation_5eda;
DROP INDEX relationships_organization_id_target_entity_id_relation_faa0;
CREATE INDEX collections_organization_id_created_at_id_idx ON collections (organization_id, created_at, id);
DROP INDEX collections_organization_id_created_at_idx;
CREATE INDEX quarantine_organization_id_status_created_at_id_idx ON quarantine (organization_id, status, created_at, id);
CREATE INDEX investigations_organization_id_created_at_id_idx ON investigations (organization_id, created_at, id);
CREATE INDEX investigations_organization_id_updated_at_id_idx ON investigations (organization_id, updated_at, id);
CREATE INDEX targets_organization_id_investigation_id_created_at_id_idx ON targets (organization_id, investigation_id, created_at, id);
