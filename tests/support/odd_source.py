"""Sources that say what PostgreSQL refuses: there is none such among the product's own, as far as is known."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from clew.ingest.facts import FactBuilder, Facts
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample

NOON = datetime(2025, 3, 9, 12, tzinfo=UTC)


def odd_line(number: int, **said: Any) -> bytes:
    """A line that is sound unless told otherwise: one connection of one address to one port, believed by half."""
    values = {"odd": number, "ip": f"198.51.100.{number % 200}", "port": 22, "confidence": 0.5, "session": number % 7}
    return orjson.dumps(values | said)


@dataclass(frozen=True)
class OddSource:
    """Reads lines made by `odd_line`, believing whatever they say. `forgiving` is its later version, which does not."""

    kind: ItemKind
    framing: Framing = Framing.LINES
    forgiving: bool = False
    name: str = "odd"
    reads: str = "what tests write"
    version: int = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        return Recognition(1.0, self.framing, "") if b'"odd"' in sample.head else None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        builder = FactBuilder()
        for content, line in zip(batch.records, batch.lines, strict=True):
            lines = content.split(b"\n") if self.framing is Framing.DOCUMENT else [content]
            for index, text in enumerate(filter(None, lines)):
                number = batch.first_record + (index if self.framing is Framing.DOCUMENT else batch.lines.index(line))
                self._read(builder, number, line + index, text)
        return builder.facts()

    def _read(self, builder: FactBuilder, record: int, line: int, content: bytes) -> None:
        said = orjson.loads(content)
        if "broken" in said:
            builder.reject(record, line, "broken", "it says so", content)
            return
        builder.record(record, line, said if self.kind is ItemKind.RESULTS else None)
        at = NOON + timedelta(seconds=said["odd"])
        port = said["port"] if not self.forgiving or said["port"] < 65_536 else None
        confidence = min(said["confidence"], 1.0) if self.forgiving else said["confidence"]
        builder.mention(record, "ip_address", said["ip"], confidence=confidence, first_seen=at, method="test")
        builder.mention(record, "domain", "lantern.example", confidence=0.5, first_seen=at, method="test")
        builder.link(record, ("domain", "lantern.example"), "RESOLVES_TO", ("ip_address", said["ip"]), first_seen=at)
        if self.kind is ItemKind.LOG:
            builder.event(
                record, at, "connect", session=str(said["session"]), source_ip=said["ip"], target_port=port, sensor="a"
            )
