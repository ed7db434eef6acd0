CREATE TABLE uploads (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID,
    file_name TEXT NOT NULL,
    status TEXT DEFAULT 'receiving' NOT NULL,
    size_bytes BIGINT,
    received_bytes BIGINT DEFAULT 0 NOT NULL,
    sha256 TEXT,
    expected_digests JSONB DEFAULT '{}'::jsonb NOT NULL,
    options JSONB DEFAULT '{}'::jsonb NOT NULL,
    job_id UUID,
    is_kept BOOLEAN DEFAULT true NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT uploads_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT uploads_status_check CHECK (status = ANY (ARRAY['receiving'::text, 'completed'::text, 'cancelled'::text, 'expired'::text])),
    CONSTRAINT uploads_received_check CHECK (received_bytes >= 0 AND received_bytes <= coalesce(size_bytes, received_bytes)),
    CONSTRAINT uploads_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE SET NULL (user_id),
    CONSTRAINT uploads_organization_id_job_id_fkey FOREIGN KEY(organization_id, job_id) REFERENCES jobs (organization_id, id) ON DELETE SET NULL (job_id),
    CONSTRAINT uploads_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX uploads_organization_id_status_idx ON uploads (organization_id, status);
-- Whose bytes are still on disk: what the sweeper looks through.
CREATE INDEX uploads_kept_idx ON uploads (organization_id, expires_at) WHERE is_kept;

ALTER TABLE uploads ENABLE ROW LEVEL SECURITY;
ALTER TABLE uploads FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON uploads USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON uploads TO clew_application;

CREATE TRIGGER announces AFTER INSERT OR UPDATE OR DELETE ON uploads
    FOR EACH ROW EXECUTE FUNCTION announce_change('uploads', 'id');
