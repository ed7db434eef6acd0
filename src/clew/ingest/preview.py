"""What a mapping file would make of the first rows of a file, without a record to write it to."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson
import polars as pl

from clew.ingest.archives import ArchiveLimits, InputFile, SkippedInput, open_inputs
from clew.ingest.facts import Facts
from clew.ingest.frames import FramingLimits
from clew.ingest.framing import frame, sample, sample_of
from clew.ingest.sources.base import Framing, ReadContext
from clew.ingest.sources.mapped import MAPPING, MappedSource, recognise_mapped
from clew.ingest.sources.mapping_file import mapping_of
from clew.kernel.errors import InputError
from clew.ontology import InvalidValueError, normalize

ROWS_SHOWN: Final = 10
_BATCH_BYTES: Final = 1 << 20  # of lines; a table is read as a whole


@dataclass(frozen=True, slots=True)
class PreviewedEntity:
    """An entity that a row names, or why its value is none."""

    mapped_by: str
    entity_type: str
    value: str
    qualifier: str | None
    name: str | None  # as the record would show it
    confidence: float
    first_seen: datetime | None
    last_seen: datetime | None
    properties: dict[str, Any]
    flags: tuple[str, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class PreviewedLink:
    """A relationship between two entities of a row, by their values."""

    source: str
    relationship_type: str
    target: str


@dataclass(frozen=True, slots=True)
class PreviewedRow:
    """One row: what it says, or `refusal` (reason and detail) why it would be rejected."""

    line: int
    content: dict[str, Any] | None
    entities: tuple[PreviewedEntity, ...] = ()
    links: tuple[PreviewedLink, ...] = ()
    refusal: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of one file; `problem` says why there are none."""

    path: Path
    file: str
    rows: tuple[PreviewedRow, ...] = ()
    warnings: tuple[str, ...] = ()
    problem: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": self.file,
            "problem": self.problem,
            "warnings": list(self.warnings),
            "rows": [_row_as_dict(row) for row in self.rows],
        }


@dataclass(slots=True)
class _Said:
    """The facts of the rows that are shown, by record."""

    entities: dict[int, list[PreviewedEntity]] = field(default_factory=dict)
    links: dict[int, list[PreviewedLink]] = field(default_factory=dict)
    refusals: dict[int, tuple[str, str]] = field(default_factory=dict)


def preview(
    paths: tuple[Path, ...], mapping: str, *, timezone: tzinfo | None = None, region: str | None = None
) -> list[Preview]:
    """The first ten rows of each file below the paths, mapped; what cannot be read is a problem of its file.

    Raises InputError for a path that does not exist.
    """
    return [
        _previewed(path, item, mapping, timezone, region)
        for path in paths
        for item in open_inputs(path, ArchiveLimits())
    ]


def _previewed(
    path: Path, item: InputFile | SkippedInput, mapping: str, timezone: tzinfo | None, region: str | None
) -> Preview:
    label = item.label.removeprefix(f"{path.parent}/")
    if isinstance(item, SkippedInput):
        return Preview(path, label, problem=f"{item.reason}: {item.detail}")
    try:
        stream = item.open()  # once: a member of an archive cannot be read again
        head = sample(stream)
        start = sample_of(item.name, head)
        claim, warnings = recognise_mapped(mapping_of(mapping), start)
        context = ReadContext(item.name, claim.variant, timezone, region, options={MAPPING: mapping})
        content = io.BytesIO(_beginning(head, stream, claim.framing))
        framed = next(iter(frame(content, claim.framing, FramingLimits(batch_bytes=_BATCH_BYTES))))
    except InputError as error:
        return Preview(path, label, problem=str(error))
    facts = MappedSource().read(framed.batch, context)
    problem = framed.faults[0].detail if framed.faults and not framed.batch.records else None
    return Preview(path, label, tuple(_rows(facts)), (*warnings, *facts.warnings), problem)


def _beginning(head: bytes, rest: BinaryIO, framing: Framing) -> bytes:
    """As much of a file as is read at once: all of a table, whole lines of the start of anything else."""
    if framing is Framing.DOCUMENT:
        return head + rest.read(FramingLimits().max_document_bytes + 1 - len(head))
    more = rest.read(_BATCH_BYTES)
    content = head + more
    return content[: content.rfind(b"\n") + 1] or content if len(more) == _BATCH_BYTES else content


def _rows(facts: Facts) -> Iterator[PreviewedRow]:
    kept = facts.records.select("record", "line", pl.lit(value=True).alias("kept"))
    refused = facts.rejects.select("record", "line", pl.lit(value=False).alias("kept"))
    shown = pl.concat([kept, refused]).sort("record").head(ROWS_SHOWN)
    said = _said(facts, shown["record"])
    contents = dict(facts.records.select("record", "content").iter_rows())
    for record, line, _ in shown.iter_rows():
        content = contents.get(record)
        yield PreviewedRow(
            line,
            None if content is None else orjson.loads(content),
            tuple(said.entities.get(record, ())),
            tuple(said.links.get(record, ())),
            said.refusals.get(record),
        )


def _said(facts: Facts, records: pl.Series) -> _Said:
    said = _Said()
    wanted = pl.col("record").is_in(records.implode())
    for mention in facts.mentions.filter(wanted).iter_rows(named=True):
        entity = _entity(mention)
        said.entities.setdefault(mention["record"], []).append(entity)
        if entity.problem and mention["required"]:
            said.refusals.setdefault(mention["record"], ("invalid_value", f"{entity.entity_type}: {entity.problem}"))
    for link in facts.links.filter(wanted).iter_rows(named=True):
        shown = PreviewedLink(link["source_value"], link["relationship_type"], link["target_value"])
        said.links.setdefault(link["record"], []).append(shown)
    for record, reason, detail in facts.rejects.filter(wanted).select("record", "reason", "detail").iter_rows():
        said.refusals[record] = (reason, detail)
    return said


def _entity(mention: dict[str, Any]) -> PreviewedEntity:
    name: str | None = None
    flags: tuple[str, ...] = ()
    problem: str | None = None
    try:
        known = normalize(mention["entity_type"], mention["value"], mention["qualifier"])
    except InvalidValueError as error:
        problem = str(error)
    else:
        name, flags = known.name, known.flags
    return PreviewedEntity(
        mention["method"].removeprefix("mapped_"),
        mention["entity_type"],
        mention["value"],
        mention["qualifier"],
        name,
        round(mention["confidence"], 4),
        mention["first_seen"],
        mention["last_seen"],
        orjson.loads(mention["properties"] or "{}"),
        flags,
        problem,
    )


def _row_as_dict(row: PreviewedRow) -> dict[str, Any]:
    return {
        "line": row.line,
        "content": row.content,
        "entities": [
            {
                "mapped_by": entity.mapped_by,
                "type": entity.entity_type,
                "value": entity.value,
                "qualifier": entity.qualifier,
                "name": entity.name,
                "confidence": entity.confidence,
                "first_seen": entity.first_seen.isoformat() if entity.first_seen else None,
                "last_seen": entity.last_seen.isoformat() if entity.last_seen else None,
                "properties": entity.properties,
                "flags": list(entity.flags),
                "problem": entity.problem,
            }
            for entity in row.entities
        ],
        "links": [{"source": link.source, "type": link.relationship_type, "target": link.target} for link in row.links],
        "rejected": None if row.refusal is None else {"reason": row.refusal[0], "detail": row.refusal[1]},
    }
