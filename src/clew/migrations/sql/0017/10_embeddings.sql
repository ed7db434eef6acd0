SET LOCAL lock_timeout = '10s';
-- Vectors that an endpoint was paid for, by what they were made of: a view that is made anew does not pay again.
CREATE TABLE embedding_cache (
    organization_id UUID NOT NULL,
    model TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    embedding BYTEA NOT NULL,
    used_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT embedding_cache_pkey PRIMARY KEY (organization_id, model, content_hash),
    CONSTRAINT embedding_cache_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

-- What embedding cost, a row for each day (UTC) and model.
CREATE TABLE embedding_costs (
    organization_id UUID NOT NULL,
    day TIMESTAMP WITH TIME ZONE NOT NULL,
    model TEXT NOT NULL,
    requests BIGINT DEFAULT 0 NOT NULL,
    texts BIGINT DEFAULT 0 NOT NULL,
    tokens BIGINT DEFAULT 0 NOT NULL,
    usd NUMERIC(14, 6) DEFAULT 0 NOT NULL,
    CONSTRAINT embedding_costs_pkey PRIMARY KEY (organization_id, day, model),
    CONSTRAINT embedding_costs_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['embedding_cache', 'embedding_costs'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_organization ON %I USING (organization_id = '
            '(SELECT nullif(current_setting(''app.current_organization_id'', true), '''')::uuid))', name);
        EXECUTE format('CREATE POLICY projector_keeps ON %I TO clew_projector USING (true) WITH CHECK (true)', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO clew_application, clew_projector', name);
    END LOOP;
END $$;
