"""The statements by which a run writes what it found. Each takes the organization, and lists as arrays."""

from typing import Final

KNOWN: Final = """
SELECT c.id, c.first_seen, c.last_seen, c.status, c.is_rejected, c.is_pinned, c.confidence::float8, c.unique_sources,
       c.merged_into,
       coalesce((SELECT array_agg(host(m.source_ip)) FROM campaign_members AS m
                 WHERE m.organization_id = c.organization_id AND m.campaign_id = c.id), '{}') AS members,
       coalesce((SELECT jsonb_agg(jsonb_build_array(i.indicator_type, i.indicator_value)) FROM campaign_indicators AS i
                 WHERE i.organization_id = c.organization_id AND i.campaign_id = c.id
                   AND i.indicator_type = ANY(%(types)s::text[])), '[]') AS traits
FROM campaigns AS c
WHERE c.organization_id = %(organization)s AND c.merged_into IS NULL
"""

DECISIONS: Final = """
SELECT campaign_id, decision, parameters FROM campaign_decisions
WHERE organization_id = %(organization)s AND undone_at IS NULL AND decision IN ('pin', 'reject', 'merge', 'split')
ORDER BY id
"""

SAVE_CAMPAIGN: Final = """
INSERT INTO campaigns AS known (organization_id, id, name, status, confidence, confidence_threshold, scores, evidence,
                                ttps, split_from, metadata)
VALUES (%(organization)s, %(id)s, %(name)s, 'active', %(confidence)s, %(threshold)s, %(scores)s, %(evidence)s,
        %(ttps)s, %(split_from)s, %(metadata)s)
ON CONFLICT (organization_id, id) DO UPDATE
SET confidence = excluded.confidence, scores = excluded.scores, evidence = excluded.evidence, ttps = excluded.ttps,
    metadata = known.metadata - 'dissolved_by' || excluded.metadata, updated_at = now()
"""

SAVE_MEMBERS: Final = """
INSERT INTO campaign_members AS known (organization_id, campaign_id, source_ip, confidence, first_seen, last_seen,
                                       session_ids)
SELECT %(organization)s, campaign, address::inet, confidence, first, last, sessions::uuid[]
FROM unnest(%(campaigns)s::uuid[], %(addresses)s::text[], %(confidences)s::float8[], %(firsts)s::timestamptz[],
            %(lasts)s::timestamptz[], %(sessions)s::text[])
     AS new (campaign, address, confidence, first, last, sessions)
ORDER BY campaign, address
ON CONFLICT (organization_id, campaign_id, source_ip) DO UPDATE
SET confidence = excluded.confidence,
    first_seen = CASE WHEN %(replace)s THEN excluded.first_seen ELSE least(known.first_seen, excluded.first_seen) END,
    last_seen = CASE WHEN %(replace)s THEN excluded.last_seen ELSE greatest(known.last_seen, excluded.last_seen) END,
    session_ids = CASE WHEN %(replace)s THEN excluded.session_ids
        ELSE ARRAY(SELECT DISTINCT unnest(known.session_ids || excluded.session_ids)) END
"""

DROP_MEMBERS: Final = """
DELETE FROM campaign_members AS m
USING unnest(%(campaigns)s::uuid[], %(addresses)s::text[]) AS gone (campaign, address)
WHERE m.organization_id = %(organization)s AND m.campaign_id = gone.campaign AND m.source_ip = gone.address::inet
"""

TAKE_MEMBERS: Final = """
INSERT INTO campaign_members AS known (organization_id, campaign_id, source_ip, confidence, first_seen, last_seen,
                                       session_ids)
SELECT organization_id, %(into)s, source_ip, max(confidence), min(first_seen), max(last_seen),
       (SELECT array_agg(DISTINCT each) FROM campaign_members AS inner_rows, unnest(inner_rows.session_ids) AS each
        WHERE inner_rows.organization_id = %(organization)s AND inner_rows.campaign_id = ANY(%(merged)s::uuid[])
          AND inner_rows.source_ip = campaign_members.source_ip)
FROM campaign_members
WHERE organization_id = %(organization)s AND campaign_id = ANY(%(merged)s::uuid[])
GROUP BY organization_id, source_ip
ON CONFLICT (organization_id, campaign_id, source_ip) DO UPDATE
SET session_ids = ARRAY(SELECT DISTINCT unnest(known.session_ids || excluded.session_ids)),
    first_seen = least(known.first_seen, excluded.first_seen), last_seen = greatest(known.last_seen, excluded.last_seen)
"""

DROP_INDICATORS: Final = """
DELETE FROM campaign_indicators WHERE organization_id = %(organization)s AND campaign_id = ANY(%(campaigns)s::uuid[])
"""

SAVE_INDICATORS: Final = """
INSERT INTO campaign_indicators AS known (organization_id, campaign_id, indicator_type, indicator_value, confidence,
                                          first_seen, last_seen, occurrence_count)
SELECT %(organization)s, * FROM unnest(%(campaigns)s::uuid[], %(types)s::text[], %(values)s::text[],
    %(confidences)s::float8[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[], %(counts)s::bigint[])
ON CONFLICT (organization_id, campaign_id, indicator_type, indicator_value) DO UPDATE
SET confidence = greatest(known.confidence, excluded.confidence),
    first_seen = least(known.first_seen, excluded.first_seen),
    last_seen = greatest(known.last_seen, excluded.last_seen),
    occurrence_count = greatest(known.occurrence_count, excluded.occurrence_count), updated_at = now()
"""

SUM_UP: Final = """
UPDATE campaigns AS c
SET attack_count = s.sessions, unique_sources = s.sources, first_seen = s.first_seen, last_seen = s.last_seen,
    iocs = jsonb_build_object('count', (SELECT count(*) FROM campaign_indicators AS i
        WHERE i.organization_id = c.organization_id AND i.campaign_id = c.id)),
    updated_at = now()
FROM (SELECT campaign_id, sum(cardinality(session_ids)) AS sessions, count(*) AS sources, min(first_seen) AS first_seen,
             max(last_seen) AS last_seen
      FROM campaign_members
      WHERE organization_id = %(organization)s AND campaign_id = ANY(%(campaigns)s::uuid[])
      GROUP BY campaign_id) AS s
WHERE c.organization_id = %(organization)s AND c.id = s.campaign_id
RETURNING c.id, c.name, c.first_seen, c.last_seen, c.attack_count, c.unique_sources
"""

SET_STATUS: Final = """
UPDATE campaigns SET status = %(status)s, updated_at = now()
WHERE organization_id = %(organization)s AND id = ANY(%(campaigns)s::uuid[]) AND status <> %(status)s
"""

MERGE: Final = """
UPDATE campaigns SET merged_into = %(into)s, status = 'concluded', updated_at = now()
WHERE organization_id = %(organization)s AND id = ANY(%(merged)s::uuid[])
"""

DISSOLVE: Final = """
UPDATE campaigns SET status = 'concluded', updated_at = now(),
    metadata = metadata || jsonb_build_object('dissolved_by', %(analysis)s::text)
WHERE organization_id = %(organization)s AND id = ANY(%(campaigns)s::uuid[])
"""

LINK_ANALYSIS: Final = """
INSERT INTO campaign_sessions (organization_id, campaign_id, analysis_session_id, confidence_score, evidence_factors)
VALUES (%(organization)s, %(campaign)s, %(analysis)s, %(confidence)s, %(factors)s)
"""

SAVE_ANALYSED: Final = """
INSERT INTO analysis_session_members (organization_id, analysis_session_id, attack_session_id, campaign_id)
SELECT DISTINCT ON (session) %(organization)s, %(analysis)s, session, campaign
FROM unnest(%(sessions)s::uuid[], %(campaigns)s::uuid[]) AS new (session, campaign)
ORDER BY session, campaign
"""

TELL: Final = """
INSERT INTO campaign_activity (organization_id, id, campaign_id, analysis_session_id, event, source_ip, confidence,
                               details)
VALUES (%(organization)s, %(id)s, %(campaign)s, %(analysis)s, %(event)s, %(address)s, %(confidence)s, %(details)s)
"""

MEASURE: Final = """
INSERT INTO campaign_analytics (organization_id, campaign_id, timestamp, metric_type, metrics)
VALUES (%(organization)s, %(campaign)s, %(at)s, 'run', %(metrics)s)
"""

ALERT: Final = """
INSERT INTO alert_events (organization_id, alert_type, severity, title, resource_type, resource_id, evidence, dedup_key)
VALUES (%(organization)s, %(type)s, %(severity)s, %(title)s, 'campaign', %(campaign)s, %(evidence)s, %(key)s)
ON CONFLICT (organization_id, dedup_key) DO NOTHING
"""

BEGIN_ANALYSIS: Final = """
INSERT INTO analysis_sessions (organization_id, id, created_at, user_id, status, analysis_depth, started_at, metadata)
VALUES (%(organization)s, %(id)s, %(now)s, %(user)s, 'processing', %(depth)s, %(now)s, %(metadata)s)
"""

END_ANALYSIS: Final = """
UPDATE analysis_sessions
SET status = %(status)s, completed_at = clock_timestamp(), processing_time_seconds = %(seconds)s,
    coordination_confidence = %(confidence)s, final_assessment = %(assessment)s, updated_at = now()
WHERE organization_id = %(organization)s AND created_at = %(now)s AND id = %(id)s AND status = 'processing'
"""

# Whoever holds the lock of analyses knows that whatever else says it is running was left by a process that died; but
# what is a job's goes on with the job.
FAIL_THE_DEAD: Final = """
UPDATE analysis_sessions
SET status = 'failed', completed_at = clock_timestamp(), updated_at = now(),
    final_assessment = '{"error": "interrupted"}'::jsonb
WHERE organization_id = %(organization)s AND status = 'processing' AND job_id IS NULL
"""

SAVE_RESULT: Final = """
INSERT INTO analysis_results (organization_id, analysis_session_id, evidence_breakdown, temporal_correlation_score,
    behavioral_similarity_score, infrastructure_correlation_score, geographic_distribution_score, enrichment_data,
    processing_steps, tool_results, input_entities, results, metrics, insights, created_by)
VALUES (%(organization)s, %(analysis)s, %(breakdown)s, %(temporal)s, %(behavioral)s, %(infrastructure)s,
        %(geographic)s, %(enrichment)s, %(steps)s, %(tools)s, %(input_entities)s, %(results)s, %(metrics)s,
        %(insights)s, (SELECT user_id FROM analysis_sessions
                       WHERE organization_id = %(organization)s AND id = %(analysis)s LIMIT 1))
ON CONFLICT (organization_id, analysis_session_id) DO NOTHING
"""
