"""STIX bundles as facts. The bundle is written by hand (tests/support/exchanged.py)."""

from typing import Any

import orjson
import pytest

from clew.ingest.facts import Facts
from clew.ingest.recognition import recognise
from clew.ingest.sources.base import ReadContext, RecordBatch, Sample
from clew.ingest.sources.stix import StixSource
from clew.ingest.sources.stix_patterns import equalities
from tests.support.exchanged import BUNDLE


def read(content: bytes) -> Facts:
    return StixSource().read(RecordBatch([content], [1], 0), ReadContext("bundle.json", "bundle"))


def test_a_bundle_is_recognised_and_each_object_is_a_record() -> None:
    data = orjson.dumps(BUNDLE, option=orjson.OPT_INDENT_2)
    found = recognise(Sample("x.json", data, complete=True))
    assert found is not None
    assert found[0].name == "stix"
    facts = read(data)
    assert [orjson.loads(each) for each in facts.records["content"]] == BUNDLE["objects"]
    assert facts.records["line"][0] == 8
    assert facts.rejects.height == 0


def test_an_envelope_of_taxii_is_recognised() -> None:
    data = orjson.dumps({"more": False, "objects": BUNDLE["objects"]})
    assert StixSource().recognise(Sample("x.json", data, complete=True)) is not None


def test_patterns_and_relationships_become_facts() -> None:
    facts = read(orjson.dumps(BUNDLE))
    linked = set(facts.links.select("source_value", "relationship_type", "target_value").rows())
    assert ("198.51.100.77", "INDICATES", "Lantern Bear") in linked
    assert ("c2.lantern.example", "INDICATES", "Lantern Bear") in linked
    assert ("threat_actor", "Lantern Bear") in set(facts.mentions.select("entity_type", "value").rows())
    assert ("domain", "lantern.example") in set(facts.mentions.select("entity_type", "value").rows())


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("[ipv4-addr:value = '198.51.100.7']", [("ip_address", "198.51.100.7")]),
        ("[file:hashes.'SHA-256' = 'aa' OR file:hashes.MD5='bb']", [("file_hash", "aa"), ("file_hash", "bb")]),
        ("[domain-name:value IN ('a.example', 'b.example')]", [("domain", "a.example"), ("domain", "b.example")]),
        ("[url:value = 'http://a.example/it\\'s']", [("url", "http://a.example/it's")]),
        ("[NOT ipv4-addr:value = '198.51.100.7']", []),
        ("[ipv4-addr:value != '198.51.100.7']", []),
        ("[ipv4-addr:value LIKE '198.%']", []),
        ("[process:name = 'x']", []),
        ("nonsense", []),
        ("[file:hashes.ssdeep = 'x']", []),
    ],
)
def test_what_a_pattern_says_to_be_equal(pattern: str, found: list[tuple[str, str]]) -> None:
    assert list(equalities(pattern)) == found


def test_revoked_objects_keep_their_facts_and_say_so() -> None:
    told: dict[str, Any] = {**BUNDLE["objects"][0], "revoked": True}
    facts = read(orjson.dumps({"type": "bundle", "id": BUNDLE["id"], "objects": [told]}))
    assert orjson.loads(facts.mentions["properties"][0])["revoked"] is True


@pytest.mark.parametrize(
    ("objects", "reasons"),
    [
        ([1], ["wrong_type"]),
        ([{}], ["missing_field"]),
        ([{"id": "nonsense", "type": "malware"}], ["missing_field"]),
        ([{"id": "malware--6a1d2c3b-0000-4000-8000-000000000003"}], ["missing_field"]),
    ],
)
def test_an_object_that_is_none_costs_only_itself(objects: list[Any], reasons: list[str]) -> None:
    facts = read(orjson.dumps({"type": "bundle", "id": BUNDLE["id"], "objects": [*objects, BUNDLE["objects"][0]]}))
    assert facts.rejects["reason"].to_list() == reasons
    assert facts.records.height == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"objects": 1}', b'{"a": 1}', b"\xff"])
def test_what_is_no_bundle_is_rejected(content: bytes) -> None:
    facts = read(content)
    assert (facts.records.height, facts.rejects.height) == (0, 1)


def test_odd_values_are_passed_over() -> None:
    odd = [
        {"type": "malware", "id": "malware--6a1d2c3b-0000-4000-8000-000000000003", "name": 7, "confidence": "x"},
        {"type": "indicator", "id": "indicator--6a1d2c3b-0000-4000-8000-000000000004", "pattern": []},
        {"type": "relationship", "id": "relationship--6a1d2c3b-0000-4000-8000-000000000005", "source_ref": 1},
        {"type": "report", "id": "report--6a1d2c3b-0000-4000-8000-000000000006", "object_refs": {"a": 1}},
        {"type": "file", "id": "file--6a1d2c3b-0000-4000-8000-000000000007", "hashes": []},
        {"type": "attack-pattern", "id": "attack-pattern--6a1d2c3b-0000-4000-8000-000000000008",
         "kill_chain_phases": [1], "external_references": "x"},
    ]  # fmt: skip
    facts = read(orjson.dumps({"type": "bundle", "id": BUNDLE["id"], "objects": odd}))
    assert (facts.records.height, facts.rejects.height) == (6, 0)
