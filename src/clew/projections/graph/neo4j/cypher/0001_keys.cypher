// Keys of what Clew keeps in this server. A space is one generation of one installation's view: every key and every
// question begins with it, and with the organization.
CREATE CONSTRAINT clew_entity_key IF NOT EXISTS
FOR (n:Entity) REQUIRE (n.space, n.organization_id, n.id) IS UNIQUE;

CREATE CONSTRAINT clew_source_key IF NOT EXISTS
FOR (n:Source) REQUIRE (n.space, n.organization_id, n.id) IS UNIQUE;

CREATE CONSTRAINT clew_related_key IF NOT EXISTS
FOR ()-[r:RELATED_TO]-() REQUIRE (r.space, r.organization_id, r.id) IS UNIQUE;

CREATE CONSTRAINT clew_graph_key IF NOT EXISTS
FOR (g:ClewGraph) REQUIRE g.prefix IS UNIQUE;

CREATE CONSTRAINT clew_generation_key IF NOT EXISTS
FOR (g:ClewGeneration) REQUIRE g.space IS UNIQUE;
