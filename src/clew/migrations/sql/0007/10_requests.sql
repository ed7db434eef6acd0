CREATE TABLE idempotency_keys (
    organization_id UUID NOT NULL,
    caller UUID NOT NULL,
    key TEXT NOT NULL,
    request_digest BYTEA NOT NULL,
    response_status INTEGER,
    response BYTEA,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (organization_id, caller, key),
    CONSTRAINT idempotency_keys_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX idempotency_keys_organization_id_created_at_idx ON idempotency_keys (organization_id, created_at);

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY own_organization ON idempotency_keys USING (organization_id =
    (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
GRANT SELECT, INSERT, DELETE, UPDATE (response_status, response) ON idempotency_keys TO clew_application;
