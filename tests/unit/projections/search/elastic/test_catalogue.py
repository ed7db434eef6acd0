"""The names and types that users were promised are in what engines are told."""

from typing import Any

import pytest

from clew.projections.search.elastic.catalogue import DAILY, exported

EXPORTED = exported("case", {"attacks": 5}, 1)


def _fields(properties: dict[str, Any], before: str = "") -> dict[str, str]:
    found = {}
    for name, told in properties.items():
        found[before + name] = told.get("type", "object")
        found |= _fields(told.get("properties", {}), f"{before}{name}.")
    return found


@pytest.mark.parametrize(
    ("index", "promised"),
    [
        ("osint_entities", {"doc_type": "keyword", "username": "text", "content": "text", "location": "geo_point",
                            "hashtags": "keyword", "mentions": "keyword", "name": "text", "normalized_name": "keyword",
                            "entity_type": "keyword", "properties": "object", "tags": "keyword", "risk_score": "long",
                            "created_at": "date", "updated_at": "date"}),
        ("attacks", {"timestamp": "date", "source_ip": "ip", "destination_ip": "ip", "port": "long",
                     "protocol": "keyword", "payload": "text", "payload_hash": "keyword", "honeypot_id": "keyword",
                     "attack_type": "keyword"}),
        ("documents", {"id": "keyword", "collection_id": "keyword", "document_type": "keyword", "content": "text",
                       "metadata": "object", "created_at": "date"}),
    ],
)  # fmt: skip
def test_filled_indices_have_what_was_promised(index: str, promised: dict[str, str]) -> None:
    fields = _fields(EXPORTED["indices"][index]["mappings"]["properties"])
    assert {name: fields.get(name) for name in promised} == promised


def test_names_are_found_by_the_analysers_of_these_names() -> None:
    body = EXPORTED["indices"]["osint_entities"]
    username = body["mappings"]["properties"]["username"]
    assert username["analyzer"] == "username_analyzer"
    assert username["fields"]["keyword"]["type"] == "keyword"
    analysers = body["settings"]["analysis"]["analyzer"]
    assert analysers["username_analyzer"]["tokenizer"] == "keyword"
    assert "lowercase" in analysers["username_analyzer"]["filter"]
    assert body["mappings"]["properties"]["content"]["analyzer"] == "osint_analyzer"
    assert body["aliases"] == {"entities": {"filter": {"terms": {"doc_type": ["entity", "social_profile"]}}}}


def test_what_others_will_write_has_templates() -> None:
    templates = EXPORTED["index_templates"]
    assert {*DAILY, "logs", "audit_logs", "coordination_enrichment", "campaign_analytics"} == {
        name.removeprefix("case-") for name in templates
    }
    coordination = templates["case-coordination_enrichment"]
    fields = _fields(coordination["template"]["mappings"]["properties"])
    assert fields["coordination_metadata.evidence_factors.temporal_correlation"] == "double"
    assert fields["enrichment_data.known_malicious"] == "boolean"
    assert coordination["template"]["settings"]["number_of_shards"] == 3
    assert coordination["_meta"]["lifecycle"] == "dshield_attack_policy"
    assert EXPORTED["indices"]["attacks"]["settings"]["number_of_shards"] == 5
    policy = EXPORTED["lifecycle"]["dshield_attack_policy"]
    assert (policy["rollover_days"], policy["rollover_bytes"] >> 30) == (7, 50)
    assert (policy["warm_days"], policy["cold_days"], policy["end_days"], policy["archive"]) == (7, 30, 90, False)
