CREATE TABLE quarantine (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    collection_item_id UUID NOT NULL,
    file_name TEXT NOT NULL,
    source TEXT NOT NULL,
    record BIGINT,
    line BIGINT,
    byte_offset BIGINT,
    byte_length BIGINT,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    content BYTEA NOT NULL,
    status TEXT DEFAULT 'held' NOT NULL,
    attempts INTEGER DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT quarantine_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT quarantine_status_check CHECK (status = ANY (ARRAY['held'::text, 'retried'::text, 'dropped'::text])),
    CONSTRAINT quarantine_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX quarantine_organization_id_collection_item_id_line_idx ON quarantine (organization_id, collection_item_id, line);
CREATE INDEX quarantine_organization_id_status_reason_idx ON quarantine (organization_id, status, reason);

CREATE TABLE jobs (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    kind TEXT NOT NULL,
    queue TEXT DEFAULT 'celery' NOT NULL,
    priority INTEGER DEFAULT 5 NOT NULL,
    status TEXT DEFAULT 'pending' NOT NULL,
    payload JSONB DEFAULT '{}'::jsonb NOT NULL,
    result JSONB,
    error_message TEXT,
    attempts INTEGER DEFAULT 0 NOT NULL,
    max_attempts INTEGER DEFAULT 5 NOT NULL,
    run_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    heartbeat_at TIMESTAMP WITH TIME ZONE,
    completed_at TIMESTAMP WITH TIME ZONE,
    locked_by TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT jobs_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT jobs_status_check CHECK (status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text, 'cancelled'::text])),
    CONSTRAINT jobs_priority_check CHECK (priority BETWEEN 1 AND 10),
    CONSTRAINT jobs_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX jobs_organization_id_status_run_at_idx ON jobs (organization_id, status, run_at);

CREATE TABLE changes (
    organization_id UUID NOT NULL,
    sequence BIGINT GENERATED ALWAYS AS IDENTITY,
    xid BIGINT DEFAULT pg_current_xact_id()::text::bigint NOT NULL,
    table_name TEXT NOT NULL,
    operation TEXT NOT NULL,
    row_id UUID,
    batch JSONB,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT changes_pkey PRIMARY KEY (organization_id, sequence),
    CONSTRAINT changes_operation_check CHECK (operation = ANY (ARRAY['insert'::text, 'update'::text, 'delete'::text, 'batch'::text, 'drop'::text]))
);
CREATE INDEX changes_xid_idx ON changes (xid);

