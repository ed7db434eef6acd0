CREATE VIEW audit_logs WITH (security_invoker = true) AS
SELECT organization_id, id, user_id, action, resource_type, resource_id,
       jsonb_build_object('event_type', event_type, 'resource_name', resource_name, 'success', success,
                          'error_message', error_message, 'request', request_data, 'response', response_data) AS details,
       source_ip AS ip_address, user_agent, "timestamp" AS created_at
FROM audit.events;

CREATE VIEW audit_log WITH (security_invoker = true) AS
SELECT organization_id, id, table_name, operation, user_id, "timestamp", row_id, old_data, new_data, changed, ip_address,
       session_id
FROM audit.row_history;

-- Of the investigations somebody finished, how many per cent were completed; null where none was finished.
CREATE FUNCTION audit.get_investigator_success_rate(name text) RETURNS numeric
LANGUAGE sql STABLE SET search_path = pg_catalog, audit AS $$
    SELECT round(100.0 * count(*) FILTER (WHERE status = 'completed') / nullif(count(*), 0), 2)
    FROM (SELECT DISTINCT ON (organization_id, investigation_id) status FROM audit.investigations
          WHERE investigator_name = name ORDER BY organization_id, investigation_id, id DESC) AS newest
    WHERE status IN ('completed', 'failed', 'cancelled')
$$;

CREATE FUNCTION audit.get_api_usage_stats(service text, days_back integer DEFAULT 30)
RETURNS TABLE (total_calls bigint, successful_calls bigint, failed_calls bigint, rate_limited_calls bigint,
               quota_exceeded_calls bigint, average_response_time_ms numeric, total_cost_usd numeric)
LANGUAGE sql STABLE SET search_path = pg_catalog, audit AS $$
    SELECT count(*), count(*) FILTER (WHERE success), count(*) FILTER (WHERE NOT success),
           count(*) FILTER (WHERE rate_limited), count(*) FILTER (WHERE quota_exceeded),
           round(avg(response_time_ms), 3), coalesce(sum(cost_usd), 0)
    FROM audit.api_key_usage
    WHERE service_name = service AND request_timestamp >= now() - make_interval(days => days_back)
$$;
