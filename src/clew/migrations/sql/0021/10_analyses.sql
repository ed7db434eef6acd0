SET LOCAL lock_timeout = '10s';
-- Whose work an analysis is; none of one that a command carries out itself.
ALTER TABLE analysis_sessions ADD COLUMN job_id UUID;
-- One is asked for by its id alone, again and again while somebody waits for it.
CREATE INDEX analysis_sessions_organization_id_id_idx ON analysis_sessions (organization_id, id);

CREATE TABLE analysis_intermediates (
    organization_id UUID NOT NULL,
    analysis_session_id UUID NOT NULL,
    name TEXT NOT NULL,
    part INTEGER NOT NULL,
    content BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT analysis_intermediates_pkey PRIMARY KEY (organization_id, analysis_session_id, name, part)
);
-- Compressed already.
ALTER TABLE analysis_intermediates ALTER COLUMN content SET STORAGE EXTERNAL;

-- As langgraph-checkpoint-postgres 3.2 makes them, but that rows are an organization's and keys begin with it.
CREATE TABLE checkpoints (
    organization_id UUID NOT NULL,
    thread_id TEXT NOT NULL,
    checkpoint_ns TEXT DEFAULT '' NOT NULL,
    checkpoint_id TEXT NOT NULL,
    parent_checkpoint_id TEXT,
    type TEXT,
    checkpoint JSONB NOT NULL,
    metadata JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT checkpoints_pkey PRIMARY KEY (organization_id, thread_id, checkpoint_ns, checkpoint_id)
);
CREATE TABLE checkpoint_blobs (
    organization_id UUID NOT NULL,
    thread_id TEXT NOT NULL,
    checkpoint_ns TEXT DEFAULT '' NOT NULL,
    channel TEXT NOT NULL,
    version TEXT NOT NULL,
    type TEXT NOT NULL,
    blob BYTEA,
    CONSTRAINT checkpoint_blobs_pkey PRIMARY KEY (organization_id, thread_id, checkpoint_ns, channel, version)
);
CREATE TABLE checkpoint_writes (
    organization_id UUID NOT NULL,
    thread_id TEXT NOT NULL,
    checkpoint_ns TEXT DEFAULT '' NOT NULL,
    checkpoint_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    task_path TEXT DEFAULT '' NOT NULL,
    idx INTEGER NOT NULL,
    channel TEXT NOT NULL,
    type TEXT,
    blob BYTEA NOT NULL,
    CONSTRAINT checkpoint_writes_pkey PRIMARY KEY (organization_id, thread_id, checkpoint_ns, checkpoint_id, task_id, idx)
);

CREATE TABLE analysis_callbacks (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    analysis_session_id UUID NOT NULL,
    url TEXT NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    response_status INTEGER,
    reason TEXT,
    delivered_at TIMESTAMP WITH TIME ZONE,
    job_id UUID,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT analysis_callbacks_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT analysis_callbacks_organization_id_analysis_session_id_key UNIQUE (organization_id, analysis_session_id),
    CONSTRAINT analysis_callbacks_status_check CHECK (status = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])),
    CONSTRAINT analysis_callbacks_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX analysis_callbacks_organization_id_status_idx ON analysis_callbacks (organization_id, status);

CREATE TABLE webhook_secrets (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    secret BYTEA NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT webhook_secrets_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT webhook_secrets_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX webhook_secrets_organization_id_created_at_idx ON webhook_secrets (organization_id, created_at);

-- What belongs to an analysis goes with it.
CREATE OR REPLACE FUNCTION delete_analysis_dependents() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    DELETE FROM analysis_results AS r USING old_rows AS o
        WHERE r.organization_id = o.organization_id AND r.analysis_session_id = o.id;
    DELETE FROM analysis_session_members AS m USING old_rows AS o
        WHERE m.organization_id = o.organization_id AND m.analysis_session_id = o.id;
    DELETE FROM campaign_sessions AS s USING old_rows AS o
        WHERE s.organization_id = o.organization_id AND s.analysis_session_id = o.id;
    DELETE FROM analysis_intermediates AS i USING old_rows AS o
        WHERE i.organization_id = o.organization_id AND i.analysis_session_id = o.id;
    DELETE FROM analysis_callbacks AS c USING old_rows AS o
        WHERE c.organization_id = o.organization_id AND c.analysis_session_id = o.id;
    DELETE FROM tool_execution_logs AS t USING old_rows AS o
        WHERE t.organization_id = o.organization_id AND t.analysis_session_id = o.id;
    DELETE FROM checkpoints AS k USING old_rows AS o
        WHERE k.organization_id = o.organization_id AND k.thread_id = o.id::text;
    DELETE FROM checkpoint_blobs AS b USING old_rows AS o
        WHERE b.organization_id = o.organization_id AND b.thread_id = o.id::text;
    DELETE FROM checkpoint_writes AS w USING old_rows AS o
        WHERE w.organization_id = o.organization_id AND w.thread_id = o.id::text;
    RETURN NULL;
END $$;

-- Each step that ends, and what became of a callback, is news of its analysis.
CREATE TRIGGER announces AFTER UPDATE OF execution_status ON tool_execution_logs
    FOR EACH ROW WHEN (NEW.analysis_session_id IS NOT NULL)
    EXECUTE FUNCTION announce_change('analyses', 'analysis_session_id');
CREATE TRIGGER announces AFTER UPDATE ON analysis_callbacks
    FOR EACH ROW EXECUTE FUNCTION announce_change('analyses', 'analysis_session_id');
