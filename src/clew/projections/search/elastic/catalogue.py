"""Every index that an installation may have in an engine, as JSON that the engine takes: filled now, or made ready.

The sets that the projector fills are made by it. For the others stand index templates here, so that whoever writes
them first finds their fields mapped; what is written each day goes to an index of that day.
"""

from collections.abc import Mapping
from typing import Any, Final

from clew.projections.search.elastic.lifecycle import ATTACK_POLICY, DAILY_POLICY, Policy
from clew.projections.search.elastic.mappings import ORGANIZATION, index_body
from clew.projections.search.elastic.names import Names
from clew.projections.search.fields import ENTITY_DOC_TYPES, DocumentSet, SearchIndex

REFRESH: Final = "5s"
MARK: Final = "made_by_clew"
"""Stands in the mapping of every index made from a template: others of the same name are left alone."""
DAILY: Final = (
    "events",
    "threats",
    "alert_details",
    "incident_artifacts",
    "anomalies",
    "behavior_patterns",
    "endpoint_processes",
    "endpoint_files",
    "endpoint_network",
)
_KEYWORD: Final[dict[str, Any]] = {"type": "keyword"}
_DATE: Final[dict[str, Any]] = {"type": "date"}
_WHOLE: Final[dict[str, Any]] = {"type": "long"}
_NUMBER: Final[dict[str, Any]] = {"type": "double"}
_TRUTH: Final[dict[str, Any]] = {"type": "boolean"}
_STORED: Final[dict[str, Any]] = {"type": "object", "enabled": False}


def _group(**fields: Any) -> dict[str, Any]:
    return {"properties": fields}


AUDIT_LOGS: Final[dict[str, Any]] = {
    "user_id": _KEYWORD,
    "action": _KEYWORD,
    "resource_type": _KEYWORD,
    "resource_id": _KEYWORD,
    "details": _STORED,
    "ip_address": {"type": "ip"},
    "created_at": _DATE,
}
COORDINATION_ENRICHMENT: Final[dict[str, Any]] = {
    "attack_session_id": _KEYWORD,
    "analysis_session_id": _KEYWORD,
    "campaign_id": _KEYWORD,
    "coordination_metadata": _group(
        confidence_score=_NUMBER,
        is_coordinated=_TRUTH,
        cluster_id=_KEYWORD,
        temporal_group=_KEYWORD,
        behavioral_group=_KEYWORD,
        evidence_factors=_group(
            temporal_correlation=_NUMBER,
            behavioral_similarity=_NUMBER,
            infrastructure_correlation=_NUMBER,
            geographic_distribution=_NUMBER,
        ),
    ),
    "enrichment_data": _group(
        asn=_WHOLE, country=_KEYWORD, organization=_KEYWORD, threat_feeds=_KEYWORD, known_malicious=_TRUTH
    ),
    "analysis_timestamp": _DATE,
    "ttl": _DATE,
}
CAMPAIGN_ANALYTICS: Final[dict[str, Any]] = {
    "campaign_id": _KEYWORD,
    "timestamp": _DATE,
    "metric_type": _KEYWORD,
    "metrics": _group(
        active_sources=_WHOLE,
        attack_rate=_NUMBER,
        geographic_spread=_NUMBER,
        new_indicators=_WHOLE,
        confidence_trend=_NUMBER,
    ),
}
_LOGGED: Final[dict[str, Any]] = {"timestamp": _DATE, "source": _KEYWORD, "message": {"type": "text"}}
_READY: Final[dict[str, tuple[dict[str, Any], Policy | None, int]]] = {
    "audit_logs": (AUDIT_LOGS, None, 1),  # kept as long as the audit trail
    "coordination_enrichment": (COORDINATION_ENRICHMENT, ATTACK_POLICY, 3),
    "campaign_analytics": (CAMPAIGN_ANALYTICS, ATTACK_POLICY, 1),
    "logs": (_LOGGED, DAILY_POLICY, 1),
    **dict.fromkeys(DAILY, (_LOGGED, DAILY_POLICY, 1)),
}
SERIES: Final = {name: policy for name, (_, policy, _) in _READY.items() if policy is not None}
"""What ages, and how. A series' indices are NAME-…"""


def filled(shards: Mapping[str, int]) -> dict[str, Any]:
    """Settings, mappings and aliases of the indices that the projector fills, by their public names."""
    bodies: dict[str, Any] = {each: index_body(each, shards=shards.get(each, 1)) for each in DocumentSet}
    entities = {"terms": {"doc_type": list(ENTITY_DOC_TYPES)}}
    bodies[DocumentSet.OSINT_ENTITIES]["aliases"] = {SearchIndex.ENTITIES.value: {"filter": entities}}
    return bodies


def templates(names: Names, shards: Mapping[str, int], replicas: int, *, refresh: str = REFRESH) -> dict[str, Any]:
    """Bodies of index templates (`PUT _index_template/NAME`) for what others write, by the names of templates.

    A template is for the series NAME-000001, NAME-000002, … behind an alias, or for the days' NAME-…-2025.03.01.
    """
    found: dict[str, Any] = {}
    for name, (fields, policy, usual) in _READY.items():
        found[f"{names.prefix}{name}"] = {
            "index_patterns": [f"{names.prefix}{name}-*"],
            "priority": 200,  # before what engines bring for names like logs-*
            "template": {
                "settings": {
                    "number_of_shards": shards.get(name, usual),
                    "number_of_replicas": replicas,
                    "refresh_interval": refresh,
                },
                "mappings": {
                    "_meta": {MARK: True},
                    "dynamic_templates": [{"texts": {"match_mapping_type": "string", "mapping": _KEYWORD}}],
                    "properties": {"id": _KEYWORD, ORGANIZATION: _KEYWORD, **fields},
                },
            },
            "_meta": {"lifecycle": policy.name if policy is not None else None},
        }
    return found


def exported(prefix: str, shards: Mapping[str, int], replicas: int) -> dict[str, Any]:
    """Everything, for people and programs that prepare or check an engine."""
    return {
        "indices": filled(shards),
        "index_templates": templates(Names(prefix), shards, replicas),
        "lifecycle": {policy.name: policy.as_dict() for policy in (ATTACK_POLICY, DAILY_POLICY)},
    }
