-- The projector reads what it projects, of every organization, and changes nothing but its own books.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'changes', 'entities', 'entity_sources', 'relationships', 'relationship_sources', 'attack_sessions',
        'attack_session_keys', 'collection_items', 'collection_item_hashes', 'sources', 'social_posts', 'social_post_keys',
        'investigations', 'targets', 'organizations']
    LOOP
        EXECUTE format('CREATE POLICY projector_reads ON %I FOR SELECT TO clew_projector USING (true)', name);
        EXECUTE format('GRANT SELECT ON %I TO clew_projector', name);
    END LOOP;
END $$;

CREATE POLICY projector_trims ON changes FOR DELETE TO clew_projector USING (true);
GRANT DELETE ON changes TO clew_projector;

ALTER TABLE projection_failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE projection_failures FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON projection_failures USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
CREATE POLICY projector_keeps ON projection_failures TO clew_projector USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON projections, projection_failures TO clew_projector;
GRANT SELECT, INSERT ON feed_epochs TO clew_projector;
GRANT SELECT ON schema_version TO clew_projector;
