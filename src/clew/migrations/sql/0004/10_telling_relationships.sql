-- The few relationships that say something of their own are documents of the search view. A load makes relationships by
-- the hundred thousand; this index tells of each that it is none of them without reading it.
CREATE INDEX relationships_organization_id_id_idx ON relationships (organization_id, id)
    WHERE properties - ARRAY['record', 'record_type', 'source', 'sources'] <> '{}';
