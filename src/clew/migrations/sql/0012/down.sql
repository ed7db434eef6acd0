REVOKE SELECT ON feed_epochs FROM clew_application;
DROP TABLE event_batches, coordination_states, alert_events, campaign_analytics, campaign_activity, campaign_decisions,
    analysis_session_members, campaign_members, campaign_indicators, campaign_sessions, campaigns, analysis_results,
    analysis_sessions;
DROP FUNCTION delete_analysis_dependents();
