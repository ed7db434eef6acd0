-- Gives up a whole month that is older than the days to keep, and leaves a record of it in the trail of every
-- organization that loses rows. Answers how many rows went; refuses rows that the sealer has not seen yet. What it has
-- seen is told by its whole snapshot: a transaction open elsewhere, in another database even, holds nothing back.
CREATE OR REPLACE FUNCTION audit.drop_month(parent text, month date, keep_days integer DEFAULT 365) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET timezone = 'UTC' SET lock_timeout = '10s' AS $$
DECLARE
    partition text := format('audit.%I', parent || to_char(month, '_YYYY_MM'));
    sealed pg_snapshot;
    unsealed boolean;
    gone bigint;
BEGIN
    IF parent <> ALL (ARRAY['events', 'row_history']) THEN
        RAISE EXCEPTION '% is not partitioned by month', parent USING ERRCODE = '22023';
    END IF;
    IF month <> date_trunc('month', month) THEN
        RAISE EXCEPTION '% is not the first day of a month', month USING ERRCODE = '22023';
    END IF;
    IF keep_days < 30 OR (month + interval '1 month') > now() - make_interval(days => keep_days) THEN
        RAISE EXCEPTION 'the month % has not expired: % days are kept, 30 at least', month, keep_days
            USING ERRCODE = '22023';
    END IF;
    IF to_regclass(partition) IS NULL THEN
        RETURN 0;
    END IF;
    SELECT snapshot::pg_snapshot INTO sealed FROM audit.sealing;
    EXECUTE format('LOCK TABLE audit.%I IN ACCESS EXCLUSIVE MODE', parent);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE NOT pg_visible_in_snapshot(xid::text::xid8, $1))', partition)
        INTO unsealed USING sealed;
    IF unsealed THEN
        RAISE EXCEPTION 'the month % has rows that are not sealed yet', month USING ERRCODE = '55000';
    END IF;
    EXECUTE format(
        'INSERT INTO audit.events (organization_id, event_type, action, resource_type, resource_id, resource_name, '
        'request_data) '
        'SELECT organization_id, ''audit_expired'', ''DELETE'', ''audit_month'', $1, $2, '
        'jsonb_build_object(''rows'', count(*), ''keep_days'', $3) FROM %s GROUP BY organization_id', partition)
        USING format('%s/%s', parent, to_char(month, 'YYYY-MM')), parent, keep_days;
    EXECUTE format('SELECT count(*) FROM %s', partition) INTO gone;
    EXECUTE format('DROP TABLE %s', partition);
    RETURN gone;
END $$;
