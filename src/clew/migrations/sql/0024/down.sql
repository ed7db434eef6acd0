-- States told since stay told, by the history; as rows of their own they are not made anew. An upgrade shows them again.
DROP FUNCTION audit.name_of(uuid, uuid);
DROP POLICY own_organization ON audit.events;
CREATE POLICY own_organization ON audit.events USING (
    organization_id = (SELECT nullif(current_setting('app.current_organization_id', true), '')::uuid));
ALTER TABLE audit.row_history ADD CONSTRAINT row_history_operation_check
    CHECK (operation = ANY (ARRAY['INSERT'::text, 'UPDATE'::text, 'DELETE'::text]));

DROP VIEW audit.investigations;
ALTER TABLE audit.investigation_states RENAME TO investigations;
ALTER TABLE audit.investigations RENAME CONSTRAINT investigation_states_pkey TO investigations_pkey;
ALTER INDEX audit.investigation_states_xid_id_idx RENAME TO investigations_xid_id_idx;
ALTER INDEX audit.investigation_states_organization_id_investigator_id_idx
    RENAME TO investigations_organization_id_investigator_id_idx;
CREATE POLICY triggers_write ON audit.investigations FOR INSERT TO clew_owner WITH CHECK (true);

-- As revision 0015 made it.
CREATE OR REPLACE FUNCTION audit_trigger_function() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    before jsonb;
    after jsonb;
    differing text[] := '{}';
    owner text;
    target text;
    items bigint := 0;
BEGIN
    IF TG_OP <> 'INSERT' THEN
        before := to_jsonb(OLD);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        after := to_jsonb(NEW);
    END IF;
    IF TG_OP = 'UPDATE' THEN
        SELECT array_agg(key ORDER BY key) INTO differing
        FROM jsonb_each(after) WHERE value IS DISTINCT FROM before -> key AND key <> 'updated_at';
        IF differing IS NULL THEN
            RETURN NULL;
        END IF;
    END IF;
    IF TG_NARGS > 0 THEN
        before := before - TG_ARGV[0:];
        after := after - TG_ARGV[0:];
    END IF;
    INSERT INTO audit.row_history (organization_id, table_name, operation, user_id, row_id, old_data, new_data, changed,
                                   ip_address, session_id)
    VALUES (coalesce(NEW.organization_id, OLD.organization_id), TG_TABLE_NAME, TG_OP,
            nullif(current_setting('app.current_user_id', true), '')::uuid, coalesce(NEW.id, OLD.id), before, after,
            differing, nullif(current_setting('app.client_ip', true), '')::inet,
            nullif(current_setting('app.session_id', true), '')::uuid);
    IF TG_TABLE_NAME = 'investigations' AND TG_OP <> 'DELETE' THEN
        IF NEW.owner_id IS NOT NULL THEN
            SELECT username INTO owner FROM users WHERE organization_id = NEW.organization_id AND id = NEW.owner_id;
        END IF;
        IF TG_OP = 'UPDATE' THEN  -- a new one has neither targets nor items
            SELECT value INTO target FROM targets
            WHERE organization_id = NEW.organization_id AND investigation_id = NEW.id ORDER BY created_at, id LIMIT 1;
            SELECT count(*) INTO items FROM investigation_items
            WHERE organization_id = NEW.organization_id AND investigation_id = NEW.id;
        END IF;
        INSERT INTO audit.investigations (organization_id, investigation_id, investigator_id, investigator_name,
            target_identifier, investigation_type, priority, status, started_at, completed_at, processing_time_seconds,
            data_points_collected, cost_estimate_usd, risk_score, threat_level, compliance_status, classification_level,
            key_findings, metadata, audit_created_at)
        VALUES (NEW.organization_id, NEW.id, NEW.owner_id, owner, target, NEW.investigation_type, NEW.priority,
            NEW.status, NEW.started_at, NEW.completed_at, extract(epoch FROM NEW.completed_at - NEW.started_at), items,
            NEW.cost_estimate_usd, NEW.risk_score, NEW.threat_level, NEW.compliance_status, NEW.classification_level,
            NEW.key_findings, jsonb_build_object('name', NEW.name, 'stage', NEW.stage), NEW.created_at);
    END IF;
    RETURN NULL;
END $$;
DROP FUNCTION audit.circumstances(uuid, uuid, uuid);
