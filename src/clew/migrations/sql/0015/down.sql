DROP POLICY triggers_write ON audit.investigations;
DO $$
BEGIN
    EXECUTE (SELECT format('GRANT INSERT (%s) ON audit.investigations TO clew_application',
                           string_agg(quote_ident(attname), ', ')) FROM pg_attribute
             WHERE attrelid = 'audit.investigations'::regclass AND attnum > 0
               AND attname <> ALL (ARRAY['id', 'xid', 'salt', 'created_at']));
END $$;

-- As revision 0006 made it.
CREATE OR REPLACE FUNCTION audit_trigger_function() RETURNS trigger
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
