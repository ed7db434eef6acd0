CREATE TABLE api_keys (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    user_id UUID NOT NULL,
    key_hash TEXT NOT NULL,
    prefix TEXT NOT NULL,
    name TEXT,
    description TEXT,
    scopes TEXT[] DEFAULT '{read,write}'::text[] NOT NULL,
    rate_limit_per_minute INTEGER DEFAULT 10 NOT NULL,
    rate_limit_per_hour INTEGER DEFAULT 100 NOT NULL,
    rate_limit_per_day INTEGER DEFAULT 1000 NOT NULL,
    quota_analyses_per_month INTEGER DEFAULT 10000 NOT NULL,
    analyses_used_this_month INTEGER DEFAULT 0 NOT NULL,
    analyses_month DATE DEFAULT '2000-01-01'::date NOT NULL,
    is_active BOOLEAN DEFAULT true NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE,
    last_used_at TIMESTAMP WITH TIME ZONE,
    last_used_ip INET,
    revoked_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT api_keys_pkey PRIMARY KEY (organization_id, id),
    CONSTRAINT api_keys_organization_id_user_id_fkey FOREIGN KEY(organization_id, user_id) REFERENCES users (organization_id, id) ON DELETE CASCADE,
    CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash),
    CONSTRAINT api_keys_limits_check CHECK (LEAST(rate_limit_per_minute, rate_limit_per_hour, rate_limit_per_day, quota_analyses_per_month) >= 0),
    CONSTRAINT api_keys_organization_id_fkey FOREIGN KEY(organization_id) REFERENCES organizations (id) ON DELETE CASCADE
);
CREATE INDEX api_keys_organization_id_user_id_idx ON api_keys (organization_id, user_id);

CREATE TABLE api_key_counters (
    organization_id UUID NOT NULL,
    api_key_id UUID NOT NULL,
    minute_starts TIMESTAMP WITH TIME ZONE DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    minute_used INTEGER DEFAULT 0 NOT NULL,
    hour_starts TIMESTAMP WITH TIME ZONE DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    hour_used INTEGER DEFAULT 0 NOT NULL,
    day_starts TIMESTAMP WITH TIME ZONE DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    day_used INTEGER DEFAULT 0 NOT NULL,
    CONSTRAINT api_key_counters_pkey PRIMARY KEY (organization_id, api_key_id),
    CONSTRAINT api_key_counters_organization_id_api_key_id_fkey FOREIGN KEY(organization_id, api_key_id) REFERENCES api_keys (organization_id, id) ON DELETE CASCADE
) WITH (fillfactor = 50);

CREATE TABLE api_usage_logs (
    organization_id UUID NOT NULL,
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    api_key_id UUID NOT NULL,
    endpoint TEXT NOT NULL,
    method TEXT NOT NULL,
    request_timestamp TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    response_status INTEGER,
    response_time_ms INTEGER,
    request_size_bytes BIGINT,
    response_size_bytes BIGINT,
    client_ip INET,
    user_agent TEXT,
    created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT api_usage_logs_pkey PRIMARY KEY (organization_id, request_timestamp, id)
) PARTITION BY RANGE (request_timestamp);
CREATE INDEX api_usage_logs_organization_id_api_key_id_idx ON api_usage_logs (organization_id, api_key_id, request_timestamp DESC);
CREATE INDEX api_usage_logs_organization_id_endpoint_idx ON api_usage_logs (organization_id, endpoint);
-- Logs of use are partitioned by month like the record's large tables, and dropped by the month when they are old.
CREATE OR REPLACE FUNCTION partitioned_tables() RETURNS text[] LANGUAGE sql IMMUTABLE
AS $$ SELECT ARRAY['api_usage_logs', 'attack_sessions', 'collection_items', 'events', 'social_posts'] $$;

DO $$
DECLARE
    starts timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
BEGIN
    EXECUTE format('CREATE TABLE api_usage_logs_impossible_past PARTITION OF api_usage_logs '
                   'FOR VALUES FROM (MINVALUE) TO (%L)', '2000-01-01 00:00:00+00');
    EXECUTE format('CREATE TABLE api_usage_logs_impossible_future PARTITION OF api_usage_logs '
                   'FOR VALUES FROM (%L) TO (MAXVALUE)', starts);
END $$;

-- Gives up the months of the log that ended at least so many days ago; answers how many. Nothing else can be dropped by
-- it, and nothing that is younger than 30 days.
CREATE FUNCTION drop_old_api_usage_logs(keep_days integer DEFAULT 30) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' SET lock_timeout = '10s' AS $$
DECLARE
    partition text;
    dropped integer := 0;
BEGIN
    IF keep_days IS NULL OR keep_days < 30 THEN
        RAISE EXCEPTION 'days to keep must be 30 or more, not %', keep_days USING ERRCODE = '22023';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('clew partitions'));
    FOR partition IN
        SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = oid
        WHERE inhparent = 'public.api_usage_logs'::regclass AND relname ~ '^api_usage_logs_[0-9]{4}_[0-9]{2}$'
          AND to_date(right(relname, 7), 'YYYY_MM') + interval '1 month' <= now() - make_interval(days => keep_days)
    LOOP
        EXECUTE format('DROP TABLE public.%I', partition);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END $$;
REVOKE ALL ON FUNCTION drop_old_api_usage_logs(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_old_api_usage_logs(integer) TO clew_application;
