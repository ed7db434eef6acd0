DROP TRIGGER audit_history ON users;
DROP TRIGGER audit_history ON investigations;
DROP TRIGGER audit_history ON api_keys;
DROP VIEW audit_logs, audit_log;
DROP POLICY auditor_reads ON organizations;
REVOKE ALL ON organizations FROM clew_auditor;
REVOKE ALL ON schema_version FROM clew_sealer, clew_auditor, clew_retention;
DROP SCHEMA audit CASCADE;
DROP FUNCTION audit_trigger_function();

CREATE OR REPLACE FUNCTION partitioned_tables() RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT array_agg(relname::text ORDER BY relname)
    FROM pg_partitioned_table JOIN pg_class c ON c.oid = partrelid
    WHERE partstrat = 'r' AND relnamespace = 'public'::regnamespace
$$;

CREATE OR REPLACE FUNCTION make_month_partition(parent text, month date) RETURNS boolean
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

CREATE OR REPLACE FUNCTION future_starts(parent text) RETURNS date
LANGUAGE sql STABLE SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
    SELECT (regexp_match(pg_get_expr(relpartbound, oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz::date
    FROM pg_class WHERE oid = to_regclass(format('public.%I', parent || '_impossible_future'))
$$;

CREATE OR REPLACE FUNCTION advance_future(parent text, starts date) RETURNS integer
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

CREATE OR REPLACE FUNCTION partition_column(parent text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $$
    SELECT attname::text FROM pg_partitioned_table
    JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
    WHERE partrelid = to_regclass(format('public.%I', parent))
$$;

DROP FUNCTION qualified_partition(text, text);
