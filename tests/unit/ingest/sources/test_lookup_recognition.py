"""Recognition among all readers of the tools that look things up: each file has one reader, and none raises."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clew.ingest.recognition import recognise
from clew.ingest.sources.base import Framing, ReadContext, RecordBatch
from clew.ingest.sources.registry import SOURCES
from tests.support.tool_reports import FIXTURES, assert_consistent, frame, sample

NAMES = ("httpx", "dnsx", "shodan", "hibp", "whois", "rdap", "virustotal")
READERS = tuple(source for source in SOURCES if source.name in NAMES)
FILES = sorted(path for name in NAMES for path in (FIXTURES / name).iterdir() if path.suffix != ".md")
BY_NAME = {"breacheddomain_example.org.json"}
"""Files whose content could be anything's: only their name tells."""
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(("192.0.2.1", "a@b.c")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_fixture_has_its_own_reader(path: Path) -> None:
    recognised = recognise(sample(path.name, path.read_bytes()))
    assert recognised is not None
    assert recognised[0].name == path.parent.name


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_file_of_others_is_claimed(path: Path) -> None:
    claims = [source.name for source in READERS if source.recognise(sample("data", path.read_bytes())) is not None]
    assert claims == ([] if path.name in BY_NAME else [path.parent.name])


@settings(max_examples=300)
@given(st.sampled_from([path for path in FILES if path.suffix != ".txt"]), st.data(), st.sampled_from(READERS))
def test_values_of_the_wrong_type_make_no_reader_raise(path: Path, draw: st.DataObject, source: Any) -> None:
    text = path.read_text(encoding="utf-8")
    values = (
        json.loads(text) if path.suffix == ".json" and path.name != "file_v2.json" else json.loads(text.split("\n")[0])
    )
    holders = [holder for holder in containers(values) if holder]
    for _ in range(draw.draw(st.integers(1, 5))):
        holder = draw.draw(st.sampled_from(holders))
        key = draw.draw(st.sampled_from(sorted(holder))) if isinstance(holder, dict) else 0
        holder[key] = draw.draw(ODD)
    check(source, path.name, json.dumps(values).encode())


@settings(max_examples=150)
@given(st.binary(max_size=300), st.sampled_from(READERS))
def test_no_bytes_make_a_reader_raise(data: bytes, source: Any) -> None:
    check(source, "heron@example.org.json", data)


def containers(value: Any) -> list[Any]:
    if not isinstance(value, dict | list):
        return []
    members = value.values() if isinstance(value, dict) else value
    return [value, *(found for member in members for found in containers(member))]


def check(source: Any, name: str, data: bytes) -> None:
    claim = source.recognise(sample(name, data))
    if claim is not None:
        batch = frame(data, claim.framing)
        facts = source.read(batch, ReadContext(name, claim.variant))
        assert_consistent(facts)
        if claim.framing is Framing.LINES:
            assert facts.records.height + facts.rejects.height == len(batch.records)
    assert_consistent(source.read(RecordBatch([data], [1], 0), ReadContext(name, "")))
