-- What a source told of an entity, row by row and as it was told: entities hold what all of them come to.
CREATE TABLE enriched_data (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    entity_id UUID NOT NULL,
    collection_item_id UUID,
    enrichment_type TEXT NOT NULL,
    data JSONB DEFAULT '{}'::jsonb NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT enriched_data_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT enriched_data_told_once_key
        UNIQUE NULLS NOT DISTINCT (organization_id, entity_id, enrichment_type, collection_item_id),
    CONSTRAINT enriched_data_organization_id_entity_id_fkey FOREIGN KEY(organization_id, entity_id)
        REFERENCES entities (organization_id, id) ON DELETE CASCADE
);
CREATE INDEX enriched_data_organization_id_entity_id_created_at_idx ON enriched_data (organization_id, entity_id, created_at DESC, id DESC);
CREATE INDEX enriched_data_organization_id_collection_item_id_created_at_idx ON enriched_data (organization_id, collection_item_id, created_at DESC, id DESC);
CREATE INDEX enriched_data_organization_id_enrichment_type_created_at_idx ON enriched_data (organization_id, enrichment_type, created_at DESC, id DESC);
CREATE INDEX enriched_data_organization_id_created_at_idx ON enriched_data (organization_id, created_at DESC, id DESC);

ALTER TABLE enriched_data ENABLE ROW LEVEL SECURITY;
ALTER TABLE enriched_data FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON enriched_data USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON enriched_data TO clew_application;

-- What was collected, as documents: read where it is kept. A file's bytes are in the file store, by its hash.
CREATE VIEW raw_documents WITH (security_invoker = true) AS
SELECT item.organization_id, item.id, item.collection_id, item.item_type AS document_type,
       CASE WHEN item.item_type IS DISTINCT FROM 'file' THEN item.raw_data END AS content,
       jsonb_strip_nulls(jsonb_build_object(
           'source', source.name, 'file_id', item.parent_id, 'file_name', item.file_name, 'line', item.line)) AS metadata,
       item.hash,
       CASE WHEN item.item_type = 'file' THEN jsonb_build_object(
           'filename', item.raw_data ->> 'file_name', 'size', item.raw_data -> 'size',
           'mime_type', coalesce(item.raw_data ->> 'mime_type', 'application/octet-stream'),
           'storage_path', left(item.hash, 2) || '/' || item.hash) END AS file_info,
       item.source_id, item.parent_id AS file_id, item.collected_at AS created_at
FROM collection_items AS item
LEFT JOIN sources AS source ON source.organization_id = item.organization_id AND source.id = item.source_id;
GRANT SELECT ON raw_documents TO clew_application;

-- What an analysis came to, as one document.
ALTER TABLE analysis_results
    ADD COLUMN analysis_type TEXT DEFAULT 'coordination' NOT NULL,
    ADD COLUMN input_entities JSONB DEFAULT '[]'::jsonb NOT NULL,
    ADD COLUMN results JSONB DEFAULT '{}'::jsonb NOT NULL,
    ADD COLUMN metrics JSONB DEFAULT '{}'::jsonb NOT NULL,
    ADD COLUMN insights JSONB DEFAULT '[]'::jsonb NOT NULL,
    ADD COLUMN created_by UUID;
CREATE INDEX analysis_results_organization_id_analysis_type_created_at_idx ON analysis_results (organization_id, analysis_type, created_at DESC, id DESC);
CREATE INDEX analysis_results_organization_id_created_at_idx ON analysis_results (organization_id, created_at DESC, id DESC);
-- Their owner sees rows only while security is not forced.
ALTER TABLE analysis_results NO FORCE ROW LEVEL SECURITY;
ALTER TABLE analysis_sessions NO FORCE ROW LEVEL SECURITY;
UPDATE analysis_results AS kept
SET results = session.final_assessment, created_by = session.user_id,
    metrics = kept.processing_steps || jsonb_strip_nulls(jsonb_build_object(
        'temporal', kept.temporal_correlation_score, 'behavioral', kept.behavioral_similarity_score,
        'infrastructure', kept.infrastructure_correlation_score, 'geographic', kept.geographic_distribution_score))
FROM analysis_sessions AS session
WHERE session.organization_id = kept.organization_id AND session.id = kept.analysis_session_id;
ALTER TABLE analysis_sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE analysis_results FORCE ROW LEVEL SECURITY;
