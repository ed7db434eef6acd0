-- Row history as before, but that a new case's first target and items are not looked for: it has none yet. Only its owner's
-- name is. The trigger's arguments are columns whose values are kept out of it; that they changed is told. It runs with its
-- owner's right: whoever changes the row need not be able to write the trail.
CREATE OR REPLACE FUNCTION audit_trigger_function() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    before jsonb;
    after jsonb;
    differing text[] := '{}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        before := to_jsonb(OLD);
        after := to_jsonb(NEW);
        SELECT array_agg(key ORDER BY key) INTO differing
        FROM jsonb_each(after) WHERE value IS DISTINCT FROM before -> key AND key <> 'updated_at';
        IF differing IS NULL THEN
            RETURN NULL;
        END IF;
    ELSIF TG_OP = 'DELETE' THEN
        before := to_jsonb(OLD);
    ELSE
        after := to_jsonb(NEW);
    END IF;
    IF TG_NARGS > 0 THEN
        before := before - TG_ARGV[0:];
        after := after - TG_ARGV[0:];
    END IF;
    IF TG_TABLE_NAME = 'investigations' AND TG_OP <> 'DELETE' THEN
        IF TG_OP = 'UPDATE' THEN
            after := after || audit.circumstances(NEW.organization_id, NEW.id, NEW.owner_id);
        ELSIF NEW.owner_id IS NULL THEN  -- a new one has neither a target nor an item
            after := after || '{"data_points_collected": 0}';
        ELSE
            after := after || jsonb_build_object('investigator_name', audit.name_of(NEW.organization_id, NEW.owner_id),
                                                 'data_points_collected', 0);
        END IF;
    END IF;
    INSERT INTO audit.row_history (organization_id, table_name, operation, user_id, row_id, old_data, new_data, changed,
                                   ip_address, session_id)
    VALUES (coalesce(NEW.organization_id, OLD.organization_id), TG_TABLE_NAME, TG_OP,
            nullif(current_setting('app.current_user_id', true), '')::uuid, coalesce(NEW.id, OLD.id), before, after,
            differing, nullif(current_setting('app.client_ip', true), '')::inet,
            nullif(current_setting('app.session_id', true), '')::uuid);
    RETURN NULL;
END $$;
