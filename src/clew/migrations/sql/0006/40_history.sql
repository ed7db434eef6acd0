-- Row history. The trigger's arguments are columns whose values are kept out of it; that they changed is told.
-- It runs with its owner's right: whoever changes the row need not be able to write the trail.
CREATE FUNCTION audit_trigger_function() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    whole jsonb := coalesce(after, before);
    hidden text[] := coalesce(TG_ARGV[0:], '{}');
    differing text[];
BEGIN
    IF TG_OP = 'UPDATE' THEN
        SELECT coalesce(array_agg(key ORDER BY key), '{}') INTO differing
        FROM jsonb_each(after) WHERE value IS DISTINCT FROM before -> key AND key <> 'updated_at';
        IF differing = '{}' THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO audit.row_history (organization_id, table_name, operation, user_id, row_id, old_data, new_data, changed,
                                   ip_address, session_id)
    VALUES ((whole ->> 'organization_id')::uuid, TG_TABLE_NAME, TG_OP,
            nullif(current_setting('app.current_user_id', true), '')::uuid, (whole ->> 'id')::uuid,
            before - hidden, after - hidden, coalesce(differing, '{}'),
            nullif(current_setting('app.client_ip', true), '')::inet,
            nullif(current_setting('app.session_id', true), '')::uuid);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION audit_trigger_function() FROM PUBLIC;

-- For this and later migrations.
CREATE FUNCTION audit.keep_history(changing regclass, VARIADIC hidden text[] DEFAULT '{}') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER audit_history AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW '
                   'EXECUTE FUNCTION public.audit_trigger_function(%s)',
                   changing, (SELECT string_agg(quote_literal(name), ', ') FROM unnest(hidden) AS name));
END $$;
REVOKE ALL ON FUNCTION audit.keep_history(regclass, text[]) FROM PUBLIC;

SELECT audit.keep_history('public.users', 'password_hash', 'mfa_secret');
SELECT audit.keep_history('public.investigations');
-- Of a key, what was decided about it. When it was last used, and how often, is in the log of its usage.
CREATE TRIGGER audit_history
    AFTER INSERT OR DELETE OR UPDATE OF user_id, name, description, scopes, rate_limit_per_minute, rate_limit_per_hour,
        rate_limit_per_day, quota_analyses_per_month, is_active, expires_at, revoked_at ON public.api_keys
    FOR EACH ROW EXECUTE FUNCTION public.audit_trigger_function('key_hash');

-- Gives up a whole month that is older than the days to keep, and leaves a record of it in the trail of every
-- organization that loses rows. Answers how many rows went; refuses rows that are not sealed yet.
CREATE FUNCTION audit.drop_month(parent text, month date, keep_days integer DEFAULT 365) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public
SET timezone = 'UTC' SET lock_timeout = '10s' AS $$
DECLARE
    partition text := format('audit.%I', parent || to_char(month, '_YYYY_MM'));
    sealed_below bigint;
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
    SELECT split_part(snapshot, ':', 1)::bigint INTO sealed_below FROM audit.sealing;
    EXECUTE format('LOCK TABLE audit.%I IN ACCESS EXCLUSIVE MODE', parent);
    EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE xid >= $1)', partition) INTO unsealed USING sealed_below;
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
REVOKE ALL ON FUNCTION audit.drop_month(text, date, integer) FROM PUBLIC;
