-- Where result rows stand: a row is one item, however many files hold it, on however many lines.
CREATE TABLE collection_item_places (
    organization_id UUID NOT NULL,
    collection_item_id UUID NOT NULL,
    file_id UUID NOT NULL,
    line BIGINT NOT NULL,
    CONSTRAINT collection_item_places_pkey PRIMARY KEY (organization_id, collection_item_id, file_id, line)
);
CREATE INDEX collection_item_places_organization_id_file_id_idx ON collection_item_places (organization_id, file_id);

-- Until now a row knew only the file that brought it first. Its owner sees rows only while security is not forced.
ALTER TABLE collection_items NO FORCE ROW LEVEL SECURITY;
INSERT INTO collection_item_places (organization_id, collection_item_id, file_id, line)
SELECT organization_id, id, parent_id, coalesce(line, 1) FROM collection_items WHERE parent_id IS NOT NULL
ON CONFLICT DO NOTHING;
ALTER TABLE collection_items FORCE ROW LEVEL SECURITY;
