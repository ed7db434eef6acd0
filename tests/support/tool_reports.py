"""Reading a tool's report in tests the way the loader does: recognise, frame, read."""

import json
from pathlib import Path
from typing import Any

from clew.ingest.facts import Facts
from clew.ingest.sources.base import Framing, ReadContext, RecordBatch, Sample, Source

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


def sample(name: str, data: bytes) -> Sample:
    return Sample(name, data[:65536], complete=len(data) <= 65536)


def frame(data: bytes, framing: Framing) -> RecordBatch:
    if framing is Framing.DOCUMENT:
        return RecordBatch([data], [1], 0)
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), start=1) if line.strip()]
    return RecordBatch([line for _, line in lines], [number for number, _ in lines], 0)


def read_bytes(source: Source, name: str, data: bytes, **context: Any) -> Facts:
    """Facts of a file that the source must recognise by itself."""
    recognition = source.recognise(sample(name, data))
    assert recognition is not None, f"{source.name} does not recognise {name}"
    return source.read(frame(data, recognition.framing), ReadContext(name, recognition.variant, **context))


def read_fixture(source: Source, name: str) -> Facts:
    return read_bytes(source, name, (FIXTURES / source.name / name).read_bytes())


def entities(facts: Facts) -> set[tuple[str, str, str | None]]:
    return set(facts.mentions.select("entity_type", "value", "qualifier").rows())


def links(facts: Facts) -> set[tuple[str, str, str]]:
    return set(facts.links.select("source_value", "relationship_type", "target_value").rows())


def contents(facts: Facts) -> list[dict[str, Any]]:
    return [json.loads(text) for text in facts.records["content"]]


def rejects(facts: Facts) -> list[tuple[int, int, str]]:
    """Record, line and reason of what was refused."""
    return facts.rejects.select("record", "line", "reason").rows()


def assert_consistent(facts: Facts) -> None:
    """Every record is kept or rejected once, numbered without gaps, and only kept ones say anything."""
    kept, refused = list(facts.records["record"]), list(facts.rejects["record"])
    assert sorted(kept + refused) == list(range(len(kept) + len(refused)))
    assert set(facts.mentions["record"]) <= set(kept)
    mentioned = set(facts.mentions.select("record", "entity_type", "value", "qualifier").rows())
    for end in ("source", "target"):
        ends = facts.links.select("record", f"{end}_type", f"{end}_value", f"{end}_qualifier").rows()
        assert set(ends) <= mentioned
