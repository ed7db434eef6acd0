CREATE TABLE graph_measurements (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    algorithms TEXT NOT NULL,
    parameters JSONB DEFAULT '{}'::jsonb NOT NULL,
    entities BIGINT DEFAULT 0 NOT NULL,
    relationships BIGINT DEFAULT 0 NOT NULL,
    communities BIGINT DEFAULT 0 NOT NULL,
    modularity DOUBLE PRECISION,
    measured_by UUID,
    started_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT graph_measurements_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT graph_measurements_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX graph_measurements_organization_id_created_at_id_idx ON graph_measurements (organization_id, created_at, id);

CREATE TABLE graph_measures (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    measurement_id UUID NOT NULL,
    pagerank DOUBLE PRECISION NOT NULL,
    betweenness DOUBLE PRECISION,
    community UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT graph_measures_pkey PRIMARY KEY (organization_id, id)
);

DO $$
DECLARE
    name text;
    operation text;
BEGIN
    FOREACH name IN ARRAY ARRAY['graph_measurements', 'graph_measures'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY own_organization ON %I USING (organization_id = '
            '(SELECT nullif(current_setting(''app.current_organization_id'', true), '''')::uuid))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO clew_application', name);
    END LOOP;
    -- A measure reaches the views by the feed, as does the name of a source.
    FOREACH name IN ARRAY ARRAY['graph_measures', 'sources'] LOOP
        FOREACH operation IN ARRAY ARRAY['INSERT', 'UPDATE', 'DELETE'] LOOP
            EXECUTE format(
                'CREATE TRIGGER %I AFTER %s ON %I REFERENCING %s TABLE AS changed_rows '
                'FOR EACH STATEMENT EXECUTE FUNCTION record_changes()',
                format('%s_%s_recorded', name, lower(operation)), operation, name,
                CASE operation WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END);
        END LOOP;
    END LOOP;
END $$;

CREATE POLICY projector_reads ON graph_measures FOR SELECT TO clew_projector USING (true);
GRANT SELECT ON graph_measures TO clew_projector;
