-- Everything a reader of the feed has not seen is found by two looks at this index: what was open when it last looked,
-- and what came after.
DROP INDEX changes_xid_idx;
CREATE INDEX changes_xid_sequence_idx ON changes (xid, sequence);

-- A restore begins a new epoch: positions of another epoch say nothing about this record.
CREATE TABLE feed_epochs (
    number bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    epoch uuid DEFAULT gen_random_uuid() NOT NULL,
    reason text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT feed_epochs_pkey PRIMARY KEY (number),
    CONSTRAINT feed_epochs_epoch_key UNIQUE (epoch)
);
INSERT INTO feed_epochs (reason) VALUES ('set up');

-- A copy of each projection's position, kept behind the one that is stored with its data, and how it fares.
CREATE TABLE projections (
    name text NOT NULL,
    adapter text NOT NULL,
    schema_version integer NOT NULL,
    status text DEFAULT 'building' NOT NULL,
    reason text,
    position text DEFAULT '' NOT NULL,
    token text DEFAULT '' NOT NULL,
    intended_token text DEFAULT '' NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    changes_applied bigint DEFAULT 0 NOT NULL,
    errors bigint DEFAULT 0 NOT NULL,
    last_error text,
    last_error_at timestamp with time zone,
    built_at timestamp with time zone,
    caught_up_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT projections_pkey PRIMARY KEY (name),
    CONSTRAINT projections_status_check CHECK (status = ANY (ARRAY['building'::text, 'ready'::text, 'rebuild'::text]))
);

-- Rows that a view would not take. They are tried again whenever they change, and by a rebuild.
CREATE TABLE projection_failures (
    organization_id uuid NOT NULL,
    projection text NOT NULL,
    table_name text NOT NULL,
    row_id uuid NOT NULL,
    reason text NOT NULL,
    attempts integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT projection_failures_pkey PRIMARY KEY (organization_id, projection, table_name, row_id)
);
