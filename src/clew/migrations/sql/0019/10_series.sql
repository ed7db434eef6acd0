SET LOCAL lock_timeout = '10s';
CREATE TABLE series (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    number BIGINT NOT NULL,
    measurement TEXT NOT NULL,
    field TEXT NOT NULL,
    tags JSONB DEFAULT '{}'::jsonb NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT series_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT series_organization_id_number_key UNIQUE (organization_id, number)
);
CREATE INDEX series_organization_id_measurement_idx ON series (organization_id, measurement);

CREATE TABLE series_blocks (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    hour TIMESTAMP WITH TIME ZONE NOT NULL,
    series BIGINT NOT NULL,
    measurement TEXT NOT NULL,
    derived BOOLEAN DEFAULT false NOT NULL,
    removed BOOLEAN DEFAULT false NOT NULL,
    count INTEGER DEFAULT 0 NOT NULL,
    points BYTEA,
    minutes BYTEA,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT series_blocks_pkey PRIMARY KEY (organization_id, hour, id)
) PARTITION BY RANGE (hour);
CREATE INDEX series_blocks_organization_id_measurement_hour_idx ON series_blocks (organization_id, measurement, hour);

DO $$
DECLARE
    starts timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format('CREATE TABLE series_blocks_impossible_past PARTITION OF series_blocks '
                   'FOR VALUES FROM (MINVALUE) TO (%L)', '2000-01-01 00:00:00+00');
    EXECUTE format('CREATE TABLE series_blocks_impossible_future PARTITION OF series_blocks '
                   'FOR VALUES FROM (%L) TO (MAXVALUE)', starts);
END $$;

CREATE TABLE series_days (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    day TIMESTAMP WITH TIME ZONE NOT NULL,
    series BIGINT NOT NULL,
    measurement TEXT NOT NULL,
    derived BOOLEAN DEFAULT false NOT NULL,
    removed BOOLEAN DEFAULT false NOT NULL,
    hours BYTEA,
    hour_bins BYTEA,
    whole BYTEA NOT NULL,
    whole_bins BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT series_days_pkey PRIMARY KEY (organization_id, id)
);
CREATE INDEX series_days_organization_id_measurement_day_idx ON series_days (organization_id, measurement, day);
CREATE INDEX series_days_organization_id_idx ON series_days (organization_id) WHERE derived;
-- What is counted and compared needs not be unpacked: only what is read is.
ALTER TABLE series_days SET (toast_tuple_target = 256);

CREATE TABLE series_archives (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    day TIMESTAMP WITH TIME ZONE NOT NULL,
    measurement TEXT NOT NULL,
    resolution TEXT DEFAULT 'raw'::text NOT NULL,
    sha256 CHAR(64) NOT NULL,
    bytes BIGINT DEFAULT 0 NOT NULL,
    rows BIGINT DEFAULT 0 NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT series_archives_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT series_archives_organization_id_measurement_day_resolution_key UNIQUE (organization_id, measurement, day, resolution),
    CONSTRAINT series_archives_resolution_check CHECK (resolution = ANY (ARRAY['raw'::text, '1m'::text]))
);

-- How far the counts of events are; of the whole installation, and stored with what it speaks of.
CREATE TABLE series_state (
    name TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    position TEXT NOT NULL,
    CONSTRAINT series_state_pkey PRIMARY KEY (name)
);
