"""MISP events as facts. The events are written by hand (tests/support/exchanged.py)."""

from typing import Any

import orjson
import pytest

from clew.ingest.facts import Facts
from clew.ingest.recognition import recognise
from clew.ingest.sources.base import ReadContext, RecordBatch, Sample
from clew.ingest.sources.misp import MispSource
from tests.support.exchanged import EVENT


def read(content: bytes) -> Facts:
    return MispSource().read(RecordBatch([content], [1], 0), ReadContext("event.json", "json"))


def mentioned(facts: Facts) -> set[tuple[str, str]]:
    return set(facts.mentions.select("entity_type", "value").rows())


def linked(facts: Facts) -> set[tuple[str, str, str]]:
    return set(facts.links.select("source_value", "relationship_type", "target_value").rows())


@pytest.mark.parametrize(
    "content",
    [
        {"Event": EVENT},
        [{"Event": EVENT}],
        {"response": [{"Event": EVENT}]},
    ],
)
def test_an_event_is_recognised_in_every_wrapping(content: Any) -> None:
    data = orjson.dumps(content, option=orjson.OPT_INDENT_2)
    found = recognise(Sample("x.json", data, complete=True))
    assert found is not None
    assert (found[0].name, found[1].confidence) == ("misp", 0.95)
    facts = read(data)
    assert (facts.records.height, facts.rejects.height) == (1, 0)
    assert orjson.loads(facts.records["content"][0]) == EVENT


def test_what_attributes_objects_and_galaxies_name_is_mentioned_by_the_event() -> None:
    facts = read(orjson.dumps({"Event": EVENT}))
    assert mentioned(facts) == {
        ("document", EVENT["info"]),
        ("threat_actor", "LANTERN BEAR"),
        ("attack_pattern", "T1021.004"),
        ("ip_address", "198.51.100.66"),
        ("file_hash", "ab" * 16),
        ("domain", "c2.lantern.example"),
        ("domain", "drop.lantern.example"),
        ("ip_address", "198.51.100.67"),
    }
    assert (EVENT["info"], "ATTRIBUTED_TO", "LANTERN BEAR") in linked(facts)
    assert ("198.51.100.66", "INDICATES", "LANTERN BEAR") in linked(facts)
    indicating = {source for source, kind, _ in linked(facts) if kind == "INDICATES"}
    assert indicating == {
        "198.51.100.66",
        "ab" * 16,
        "drop.lantern.example",
    }  # not what was deleted, or is no indicator


def test_times_and_deletions_are_said() -> None:
    facts = read(orjson.dumps({"Event": EVENT}))
    row = facts.mentions.filter(facts.mentions["value"] == "198.51.100.66").row(0, named=True)
    assert (row["first_seen"].isoformat(), row["last_seen"].isoformat()) == (
        "2025-03-01T00:00:00+00:00",
        "2025-03-08T00:00:00+00:00",
    )
    gone = facts.links.filter(facts.links["target_value"] == "c2.lantern.example").row(0, named=True)
    assert orjson.loads(gone["properties"])["deleted"] is True


def test_lines_are_told_and_a_broken_event_costs_only_itself() -> None:
    data = b'{"Event": {"uuid": "nonsense"}}\n' + orjson.dumps({"Event": EVENT}) + b"\n{broken\n"
    batch = RecordBatch(data.splitlines(), [1, 2, 3], 0)
    facts = MispSource().read(batch, ReadContext("events.jsonl", "lines"))
    assert facts.records.select("record", "line").rows() == [(1, 2)]
    assert facts.rejects["reason"].to_list() == ["missing_field", "invalid_json"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[1]", "wrong_type"),
        (b'{"Event": []}', "wrong_type"),
        (b'{"Event": {"uuid": "5d8b1c7e-0000-4000-8000-000000000001", "Attribute": "x"}}', "wrong_type"),
        (b'{"other": 1}', "missing_field"),
        (b"\xff\xfe\x00", "invalid_json"),
        (b"[" * 100_000, "invalid_json"),
    ],
)
def test_what_is_no_event_is_rejected_with_the_reason(content: bytes, reason: str) -> None:
    facts = read(content)
    assert facts.records.height == 0
    assert facts.rejects["reason"].to_list() == [reason]


def test_values_of_other_kinds_than_text_are_passed_over() -> None:
    odd = EVENT | {"Attribute": [{"type": "ip-src", "value": 7}, {"type": [], "value": "x"}, {"type": "md5"}, {}]}
    facts = read(orjson.dumps({"Event": odd}))
    assert facts.rejects.height == 0


def test_a_marked_file_of_another_encoding_is_read() -> None:
    text = orjson.dumps({"Event": EVENT}).decode()
    for data in (text.encode("utf-8-sig"), text.encode("utf-16")):
        assert read(data).records.height == 1
