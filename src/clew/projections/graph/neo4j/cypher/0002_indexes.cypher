// What entities are looked up by, ranked by and gathered by.
CREATE INDEX clew_entity_type IF NOT EXISTS
FOR (n:Entity) ON (n.space, n.organization_id, n.type);

CREATE INDEX clew_entity_name IF NOT EXISTS
FOR (n:Entity) ON (n.space, n.organization_id, n.name);

CREATE INDEX clew_entity_pagerank IF NOT EXISTS
FOR (n:Entity) ON (n.space, n.organization_id, n.pagerank);

CREATE INDEX clew_entity_community IF NOT EXISTS
FOR (n:Entity) ON (n.space, n.organization_id, n.community);
