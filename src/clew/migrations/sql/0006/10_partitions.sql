-- Monthly partitions outside the schema public: a parent is named 'schema.table' there. Which tables are partitioned by
-- month is read from the catalogue, so a new one needs no word here.

CREATE FUNCTION qualified_partition(parent text, suffix text DEFAULT '') RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, public AS $$
    SELECT CASE WHEN strpos(parent, '.') > 0
                THEN format('%I.%I', split_part(parent, '.', 1), split_part(parent, '.', 2) || suffix)
                ELSE format('public.%I', parent || suffix) END
$$;
REVOKE ALL ON FUNCTION qualified_partition(text, text) FROM PUBLIC;

CREATE OR REPLACE FUNCTION partitioned_tables() RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT array_agg(CASE nspname WHEN 'public' THEN relname::text ELSE format('%s.%s', nspname, relname) END
                     ORDER BY nspname DESC, relname)
    FROM pg_partitioned_table JOIN pg_class c ON c.oid = partrelid JOIN pg_namespace n ON n.oid = relnamespace
    WHERE partstrat = 'r' AND nspname IN ('public', 'audit')
$$;

CREATE OR REPLACE FUNCTION make_month_partition(parent text, month date) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    partition text := qualified_partition(parent, to_char(month, '_YYYY_MM'));
    whole text := qualified_partition(parent);
BEGIN
    IF to_regclass(partition) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', partition, whole);
    IF parent LIKE 'audit.%' THEN  -- a partition inherits the triggers for rows, this one it does not
        EXECUTE format('CREATE TRIGGER stays BEFORE TRUNCATE ON %s EXECUTE FUNCTION audit.refuse_change()', partition);
    END IF;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                   whole, partition, month::timestamptz, (month + interval '1 month')::timestamptz);
    RETURN true;
END $$;

CREATE OR REPLACE FUNCTION future_starts(parent text) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
    SELECT (regexp_match(pg_get_expr(relpartbound, oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz::date
    FROM pg_class WHERE oid = to_regclass(qualified_partition(parent, '_impossible_future'))
$$;

CREATE OR REPLACE FUNCTION advance_future(parent text, starts date) RETURNS integer
LANGUAGE plpgsql SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
DECLARE
    waiting text := qualified_partition(parent, '_impossible_future');
    whole text := qualified_partition(parent);
    month date := future_starts(parent);
    made integer := 0;
BEGIN
    IF month >= starts THEN
        RETURN 0;
    END IF;
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', whole, waiting);
    WHILE month < starts LOOP
        made := made + make_month_partition(parent, month)::integer;
        EXECUTE format(
            'WITH moved AS (DELETE FROM %1$s WHERE %2$I >= %3$L AND %2$I < %4$L RETURNING *) '
            'INSERT INTO %5$s SELECT * FROM moved',
            waiting, partition_column(parent), month::timestamptz, (month + interval '1 month')::timestamptz,
            qualified_partition(parent, to_char(month, '_YYYY_MM')));
        month := (month + interval '1 month')::date;
    END LOOP;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (MAXVALUE)',
                   whole, waiting, starts::timestamptz);
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION partition_column(parent text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT attname::text FROM pg_partitioned_table
    JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
    WHERE partrelid = to_regclass(qualified_partition(parent))
$$;
