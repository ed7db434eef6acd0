-- Posts get what merging needs: the platform's own id, when each value was observed, and whether the time is one.
ALTER TABLE social_posts ADD COLUMN external_id TEXT, ADD COLUMN document_id UUID, ADD COLUMN url TEXT,
    ADD COLUMN metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    ADD COLUMN impossible_time BOOLEAN DEFAULT false NOT NULL;
ALTER TABLE social_posts ADD CONSTRAINT social_posts_organization_id_document_id_fkey
    FOREIGN KEY (organization_id, document_id) REFERENCES entities (organization_id, id)
    ON DELETE SET NULL (document_id);
CREATE INDEX social_posts_organization_id_document_id_idx ON social_posts (organization_id, document_id)
    WHERE document_id IS NOT NULL;

ALTER TABLE ingest_files ADD COLUMN posts_new INTEGER DEFAULT 0 NOT NULL;

-- In which partition a post lies; a better time for it may be learned later.
CREATE TABLE social_post_keys (
    organization_id UUID NOT NULL,
    id UUID NOT NULL,
    posted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    impossible_time BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT social_post_keys_pkey PRIMARY KEY (organization_id, id)
);

CREATE TABLE social_post_sources (
    organization_id UUID NOT NULL,
    post_id UUID NOT NULL,
    collection_item_id UUID NOT NULL,
    confidence NUMERIC(3, 2) DEFAULT 0.50 NOT NULL,
    line BIGINT,
    CONSTRAINT social_post_sources_pkey PRIMARY KEY (organization_id, post_id, collection_item_id)
);
CREATE INDEX social_post_sources_organization_id_collection_item_id_idx ON social_post_sources (organization_id, collection_item_id);

ALTER TABLE social_posts NO FORCE ROW LEVEL SECURITY;
INSERT INTO social_post_keys (organization_id, id, posted_at)
SELECT organization_id, id, min(posted_at) FROM social_posts GROUP BY organization_id, id;
ALTER TABLE social_posts FORCE ROW LEVEL SECURITY;

CREATE FUNCTION delete_post_dependents() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM social_post_keys USING old_rows
    WHERE social_post_keys.organization_id = old_rows.organization_id AND social_post_keys.id = old_rows.id;
    DELETE FROM social_post_sources USING old_rows
    WHERE social_post_sources.organization_id = old_rows.organization_id AND post_id = old_rows.id;
    RETURN NULL;
END $$;
CREATE TRIGGER social_posts_take_dependents AFTER DELETE ON social_posts REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION delete_post_dependents();
