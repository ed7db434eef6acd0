DROP VIEW IF EXISTS social_profiles, email_accounts, phone_numbers, domains, ip_addresses;
DROP TABLE IF EXISTS changes, jobs, quarantine, tool_execution_logs, osint_scans, investigation_items, targets,
    investigations, attack_session_keys, attack_sessions, event_repeats, events, social_posts, risk_scores,
    relationship_sources, relationships, entity_sources, entity_aliases, entities, ingest_files,
    collection_item_hashes, collection_items, collections, sources, users, organizations;
DROP FUNCTION IF EXISTS create_monthly_partitions(integer), ensure_partitions(text, date[]),
    advance_future(text, date), future_starts(text), make_month_partition(text, date), partition_column(text),
    partitioned_tables(), record_changes(),
    require_ends(), delete_dependents(),
    merge_observed(jsonb, jsonb, jsonb, jsonb), holds_observed(jsonb, jsonb, jsonb, jsonb), merge_activity(jsonb, jsonb), activity_text(jsonb),
    stronger_attack(text, text);
