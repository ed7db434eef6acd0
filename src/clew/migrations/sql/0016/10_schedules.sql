SET LOCAL lock_timeout = '10s';
-- When Celery was last told of a job that waits; told again if nobody took it.
ALTER TABLE jobs ADD COLUMN sent_at TIMESTAMP WITH TIME ZONE;
GRANT SELECT (sent_at), UPDATE (sent_at) ON jobs TO clew_runner;

CREATE TABLE schedules (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    queue TEXT DEFAULT 'celery' NOT NULL,
    priority INTEGER DEFAULT 5 NOT NULL,
    parameters JSONB DEFAULT '{}'::jsonb NOT NULL,
    every_seconds INTEGER NOT NULL,
    next_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_job_id UUID,
    is_active BOOLEAN DEFAULT true NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT schedules_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT schedules_organization_id_name_key UNIQUE (organization_id, name),
    CONSTRAINT schedules_queue_check CHECK (queue = ANY (ARRAY['celery'::text, 'analysis'::text, 'enrichment'::text, 'projections'::text, 'reports'::text])),
    CONSTRAINT schedules_priority_check CHECK (priority BETWEEN 1 AND 10),
    CONSTRAINT schedules_every_check CHECK (every_seconds > 0),
    CONSTRAINT schedules_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE SET NULL (user_id),
    CONSTRAINT schedules_organization_id_last_job_id_fkey FOREIGN KEY(organization_id, last_job_id) REFERENCES jobs (organization_id, id) ON DELETE SET NULL (last_job_id),
    CONSTRAINT schedules_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
-- Of all organizations, as the runner looks for them.
CREATE INDEX schedules_due_idx ON schedules (next_at) WHERE is_active;

ALTER TABLE schedules ENABLE ROW LEVEL SECURITY;
ALTER TABLE schedules FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON schedules USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON schedules TO clew_application;
-- The runner sees which are due; the job is made in the organization's own name.
CREATE POLICY runner_reads ON schedules FOR SELECT TO clew_runner USING (true);
GRANT SELECT (organization_id, id, user_id, next_at, is_active) ON schedules TO clew_runner;
