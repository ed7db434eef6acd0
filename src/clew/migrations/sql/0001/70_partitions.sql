-- Monthly partitions. A month is made when it is needed: ahead of time for the present, on demand for old data.
-- What lies before 2000 or after the months made so far is kept in a partition of its own, so no row is refused.

CREATE FUNCTION make_month_partition(parent text, month date) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    name text := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
BEGIN
    IF to_regclass(format('public.%I', name)) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, parent);
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   parent, name, month::timestamptz, (month + interval '1 month')::timestamptz);
    RETURN true;
END $$;

CREATE FUNCTION partitioned_tables() RETURNS text[] LANGUAGE sql IMMUTABLE
AS $$ SELECT ARRAY['attack_sessions', 'collection_items', 'events', 'social_posts'] $$;

CREATE FUNCTION future_starts(parent text) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
    SELECT (regexp_match(pg_get_expr(relpartbound, oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz::date
    FROM pg_class WHERE oid = to_regclass(format('public.%I', parent || '_impossible_future'))
$$;

-- Moves the border of the future on: what waited there and has become possible goes to its month.
CREATE FUNCTION advance_future(parent text, starts date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    waiting text := parent || '_impossible_future';
    month date := future_starts(parent);
    made integer := 0;
BEGIN
    IF month >= starts THEN
        RETURN 0;
    END IF;
    EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent, waiting);
    WHILE month < starts LOOP
        made := made + make_month_partition(parent, month)::integer;
        EXECUTE format(
            'WITH moved AS (DELETE FROM public.%1$I WHERE %2$I >= %3$L AND %2$I < %4$L RETURNING *) '
            'INSERT INTO public.%5$I SELECT * FROM moved',
            waiting, partition_column(parent), month::timestamptz, (month + interval '1 month')::timestamptz,
            format('%s_%s', parent, to_char(month, 'YYYY_MM')));
        month := (month + interval '1 month')::date;
    END LOOP;
    EXECUTE format('ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (MAXVALUE)',
                   parent, waiting, starts::timestamptz);
    RETURN made;
END $$;

CREATE FUNCTION partition_column(parent text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT attname::text FROM pg_partitioned_table
    JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
    WHERE partrelid = to_regclass(format('public.%I', parent))
$$;

-- Called by the program at start and daily; answers how many partitions it made.
CREATE FUNCTION create_monthly_partitions(months_ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' SET lock_timeout = '10s' AS $$
DECLARE
    parent text;
    made integer := 0;
BEGIN
    IF months_ahead NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION 'months ahead must lie between 0 and 24, not %', months_ahead USING ERRCODE = '22023';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('clew partitions'));
    FOREACH parent IN ARRAY partitioned_tables() LOOP
        made := made + advance_future(
            parent, (date_trunc('month', now()) + make_interval(months => months_ahead + 1))::date);
    END LOOP;
    RETURN made;
END $$;

-- Called by the loader for the months its rows need. Months that belong to the impossible past or future need none.
CREATE FUNCTION ensure_partitions(parent text, months date[]) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public SET timezone = 'UTC' SET lock_timeout = '10s' AS $$
DECLARE
    month date;
    made integer := 0;
BEGIN
    IF parent <> ALL (partitioned_tables()) THEN
        RAISE EXCEPTION '% is not partitioned by month', parent USING ERRCODE = '22023';
    END IF;
    IF cardinality(months) > 1200 THEN
        RAISE EXCEPTION 'more than 1200 months at once' USING ERRCODE = '22023';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('clew partitions'));
    FOR month IN SELECT DISTINCT date_trunc('month', m)::date FROM unnest(months) AS m ORDER BY 1 LOOP
        IF month >= DATE '2000-01-01' AND month < future_starts(parent) THEN
            made := made + make_month_partition(parent, month)::integer;
        END IF;
    END LOOP;
    RETURN made;
END $$;

DO $$
DECLARE
    parent text;
    starts timestamptz := date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
BEGIN
    FOREACH parent IN ARRAY partitioned_tables() LOOP
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (MINVALUE) TO (%L)',
                       parent || '_impossible_past', parent, '2000-01-01 00:00:00+00');
        EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (MAXVALUE)',
                       parent || '_impossible_future', parent, starts);
    END LOOP;
END $$;

REVOKE ALL ON FUNCTION make_month_partition(text, date), future_starts(text), advance_future(text, date),
    partition_column(text), create_monthly_partitions(integer), ensure_partitions(text, date[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION create_monthly_partitions(integer), ensure_partitions(text, date[]) TO clew_application;
