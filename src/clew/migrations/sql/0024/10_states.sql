-- The state of an investigation is no row of its own any more: its history has it. To the row there the trigger adds what
-- only the moment knew: who investigated, the first target, how many items. States told before stay where they were
-- sealed, under another name; audit.investigations shows both.
ALTER TABLE audit.investigations RENAME TO investigation_states;
ALTER TABLE audit.investigation_states RENAME CONSTRAINT investigations_pkey TO investigation_states_pkey;
ALTER INDEX audit.investigations_xid_id_idx RENAME TO investigation_states_xid_id_idx;
ALTER INDEX audit.investigations_organization_id_investigator_id_idx
    RENAME TO investigation_states_organization_id_investigator_id_idx;
DROP POLICY triggers_write ON audit.investigation_states;

CREATE VIEW audit.investigations WITH (security_invoker = true) AS
SELECT organization_id, id, xid, salt, investigation_id, investigator_id, investigator_name, target_identifier,
       investigation_type, priority, status, started_at, completed_at, processing_time_seconds, data_points_collected,
       api_calls_made, cost_estimate_usd, risk_score, threat_level, compliance_status, classification_level,
       key_findings, warnings, errors, metadata, created_at, audit_created_at, audit_updated_at
FROM audit.investigation_states
UNION ALL
SELECT organization_id, id, xid, salt, row_id, (new_data ->> 'owner_id')::uuid, new_data ->> 'investigator_name',
       new_data ->> 'target_identifier', new_data ->> 'investigation_type', new_data ->> 'priority',
       new_data ->> 'status', (new_data ->> 'started_at')::timestamptz, (new_data ->> 'completed_at')::timestamptz,
       extract(epoch FROM (new_data ->> 'completed_at')::timestamptz - (new_data ->> 'started_at')::timestamptz)
           ::numeric(14, 3),
       (new_data ->> 'data_points_collected')::bigint, 0::bigint, (new_data ->> 'cost_estimate_usd')::numeric(12, 2),
       (new_data ->> 'risk_score')::integer, new_data ->> 'threat_level', new_data ->> 'compliance_status',
       new_data ->> 'classification_level', new_data -> 'key_findings', '[]'::jsonb, '[]'::jsonb,
       jsonb_build_object('name', new_data -> 'name', 'stage', new_data -> 'stage'), created_at,
       (new_data ->> 'created_at')::timestamptz, "timestamp"
FROM audit.row_history
WHERE table_name = 'investigations' AND new_data ? 'data_points_collected';  -- of before this revision none has that
GRANT SELECT ON audit.investigations TO clew_application, clew_auditor;
