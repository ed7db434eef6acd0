-- The table is as old as the record, and nothing has used it so far: its columns get the names by which jobs are spoken of.
ALTER TABLE jobs RENAME COLUMN payload TO parameters;
ALTER TABLE jobs RENAME COLUMN run_at TO run_after;
ALTER TABLE jobs DROP COLUMN locked_by, DROP COLUMN error_message;
-- A program of an older revision has no claim on what it left as running.
ALTER TABLE jobs NO FORCE ROW LEVEL SECURITY;
UPDATE jobs SET status = 'pending' WHERE status = 'running';
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
ALTER TABLE jobs
    ADD COLUMN user_id UUID,
    ADD COLUMN step TEXT,
    ADD COLUMN bytes_done BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN bytes_total BIGINT,
    ADD COLUMN records_done BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN records_total BIGINT,
    ADD COLUMN error JSONB,
    ADD COLUMN claim_id UUID,
    ADD COLUMN cancel_requested_at TIMESTAMP WITH TIME ZONE,
    ADD CONSTRAINT jobs_queue_check CHECK (queue = ANY (ARRAY['celery'::text, 'analysis'::text, 'enrichment'::text, 'projections'::text, 'reports'::text])),
    ADD CONSTRAINT jobs_claim_check CHECK ((status = 'running') = (claim_id IS NOT NULL)),
    ADD CONSTRAINT jobs_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE SET NULL (user_id);
ALTER INDEX jobs_organization_id_status_run_at_idx RENAME TO jobs_organization_id_status_run_after_idx;
-- The runner takes jobs of all organizations in this order. It holds what waits and nothing else.
CREATE INDEX jobs_waiting_idx ON jobs (priority DESC, run_after, id) WHERE status = 'pending'::text;
CREATE INDEX jobs_running_idx ON jobs (heartbeat_at) WHERE status = 'running'::text;

-- The runner hands jobs out and takes them back, for every organization. It sees neither what a job is about nor what
-- came of it: the work is done, and its result written, in the organization's own name. So it completes no job either.
CREATE POLICY runner_reads ON jobs FOR SELECT TO clew_runner USING (true);
CREATE POLICY runner_hands_out ON jobs FOR UPDATE TO clew_runner USING (true) WITH CHECK (status <> 'completed');
GRANT SELECT (organization_id, id, user_id, kind, queue, priority, status, attempts, max_attempts, run_after, claim_id,
    heartbeat_at, cancel_requested_at, started_at),
    UPDATE (status, attempts, run_after, claim_id, heartbeat_at, started_at, completed_at, error, updated_at)
    ON jobs TO clew_runner;
GRANT SELECT ON schema_version TO clew_runner;
