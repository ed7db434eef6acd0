"""Somebody's own CSV or JSON, read by a mapping file that says which column is what (see `mapping_file`).

The mapping comes as text in the setting `mapping`; nothing is recognised without one. CSV is read as a whole, with
names of columns compared without case; JSON lines line by line; JSON as a whole, its rows being the objects of its
arrays or of the member that `rows` names. A row is rejected where a required value is missing or unsound, a time does
not have the format that was declared, a property is not of its kind, or nothing in it is an entity. Cells that are
blank give nothing. A time without zone is read in the zone declared with it, else in --timezone, else as UTC with a
warning.
"""

import math
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from clew.ingest.facts import FactBuilder, Facts, Reference
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, Recognition, RecordBatch, Sample
from clew.ingest.sources.csv_table import read_csv
from clew.ingest.sources.json_path import parse_path, paths_of, values_at
from clew.ingest.sources.json_values import batch_rows, nested_rows, sample_objects, settle_rows
from clew.ingest.sources.mapping_file import Entity, Link, Mapping, MappingError, Property, Text, Time, mapping_of
from clew.ingest.sources.mapping_file import near_matches as near
from clew.ingest.sources.result_rows import RefusedRowError, ResultRow, wrong_type
from clew.ingest.sources.times import NO_TIME_ZONE_WARNING, parse_time
from clew.ontology import EntityType

MAPPING: Final = "mapping"  # the setting that holds the mapping's text
_FRAMING: Final = {"csv": Framing.DOCUMENT, "json": Framing.DOCUMENT, "json-lines": Framing.LINES}
_MOST_LINKS_OF_ROW: Final = 1_000
_MOST_SHOWN: Final = 12
_BOOLEANS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class MappedSource:
    """Reads tables by a mapping file; see the module's docstring."""

    name: ClassVar[str] = "mapped"
    kind: ClassVar[ItemKind] = ItemKind.RESULTS
    reads: ClassVar[str] = "Any CSV, JSON lines or JSON, by a mapping file given with `--mapping`. Times: as declared."
    version: ClassVar[int] = 1

    def recognise(self, sample: Sample) -> Recognition | None:
        """Never: any table could be anyone's."""
        return None

    def read(self, batch: RecordBatch, context: ReadContext) -> Facts:
        """Facts of some lines, or of a whole table. Each row is one record."""
        builder = FactBuilder()
        reading = _Reading(builder, context.timezone, context.region)
        mapping, lacking = _mapping(context)

        def keep(record: int, row: ResultRow) -> None:
            if mapping is None:
                raise lacking
            reading.add(record, row, mapping)

        rows = _rows(batch, mapping) if mapping else batch_rows(batch, one_a_line=True)
        settle_rows(builder, rows, keep, first_record=batch.first_record)
        if reading.any_naive:
            builder.warn(NO_TIME_ZONE_WARNING)
        return builder.facts()


def _mapping(context: ReadContext) -> tuple[Mapping | None, RefusedRowError]:
    """The mapping that the context holds, and what to say of rows where it holds none."""
    lacking = RefusedRowError("missing_mapping", "no mapping file says what the columns are; give --mapping")
    text = context.options.get(MAPPING)
    try:
        return (mapping_of(text) if text is not None else None), lacking
    except MappingError as error:
        return None, RefusedRowError("invalid_mapping", str(error)[:500])


def recognise_mapped(mapping: Mapping, sample: Sample) -> tuple[Recognition, list[str]]:
    """How to read a file by the mapping, and warnings of columns that its start does not have.

    Raises MappingError where none of the rows could give an entity, or a CSV lacks a column that the mapping names.
    """
    claim = Recognition(1.0, _FRAMING[mapping.format], mapping.format)
    if mapping.format == "csv":
        present = list(read_csv(sample.head, mapping.delimiter).columns)
        missing = [column for column in mapping.columns() if column.strip().casefold() not in present]
        if missing:
            raise MappingError(
                f"has no column {_listed(missing, present)}",
                where=sample.name,
                remedy=f"its columns are: {', '.join(map(repr, present[:_MOST_SHOWN])) or 'none'}",
            )
        return claim, []
    objects = _sampled_rows(mapping, sample)
    present = list(dict.fromkeys(path for values in objects[:50] for path in paths_of(values)))
    missing = [column for column in mapping.columns() if not any(values_at(values, column) for values in objects)]
    if not objects or (mapping.values() and set(mapping.values()) <= set(missing)):
        what = f"has no {_listed(missing, present)}" if objects else "holds no JSON objects where the mapping looks"
        paths = ", ".join(map(repr, present[:_MOST_SHOWN])) or "none"
        raise MappingError(what, where=sample.name, remedy=f"its paths are: {paths}")
    return claim, [f"its first rows have no {_listed(missing, present)}"] if missing else []


def _sampled_rows(mapping: Mapping, sample: Sample) -> list[dict[str, Any]]:
    objects = sample_objects(sample).objects
    if mapping.rows is None:
        return objects
    found = [row for values in objects for value in values_at(values, mapping.rows) for row in _each(value)]
    return [row for row in found if isinstance(row, dict)]


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _listed(missing: list[str], present: list[str]) -> str:
    """Names that are not there, each with those most like it."""
    described = []
    for column in missing[:_MOST_SHOWN]:
        matches = near(column, present)
        described.append(f"{column!r} (did you mean {' or '.join(map(repr, matches))}?)" if matches else repr(column))
    return ", ".join(described)


def _rows(batch: RecordBatch, mapping: Mapping) -> list[ResultRow]:
    if mapping.format == "csv":
        table = read_csv(b"\n".join(batch.records), mapping.delimiter)
        return [row if row.fault else _checked(row) for row in table.rows]
    rows = batch_rows(batch, one_a_line=mapping.format == "json-lines")
    if mapping.rows is None:
        return rows
    return [found for row in rows for found in _unwrapped([row], mapping.rows)]


def _unwrapped(rows: list[ResultRow], path: str) -> list[ResultRow]:
    for name in parse_path(path):
        rows = [found for row in rows for found in ([row] if row.fault else _member_rows(row, name))]
    return rows


def _member_rows(row: ResultRow, name: object) -> list[ResultRow]:
    fault = RefusedRowError("missing_field", f"line {row.line}: no {name!r}")
    return (
        nested_rows(row, name)
        if isinstance(name, str) and row.values.get(name) is not None
        else [ResultRow(row.line, {}, row.raw, fault)]
    )


def _checked(row: ResultRow) -> ResultRow:
    try:
        text = row.raw.decode()
    except UnicodeDecodeError as error:
        fault = RefusedRowError("invalid_encoding", f"line {row.line}: byte {error.start + 1} of the row is not UTF-8")
        return ResultRow(row.line, {}, row.raw, fault)
    if "\0" in text:
        fault = RefusedRowError("nul_character", f"line {row.line}: holds the character U+0000, which cannot be stored")
        return ResultRow(row.line, {}, row.raw, fault)
    return row


class _Reading:
    """Reads rows by a mapping into one builder; remembers whether a time had no zone that anything explains."""

    def __init__(self, builder: FactBuilder, zone: tzinfo | None, region: str | None) -> None:
        self.builder = builder
        self.zone = zone
        self.region = region
        self.any_naive = False

    def add(self, record: int, row: ResultRow, mapping: Mapping) -> None:
        """Add what a row says, or raise RefusedRowError before anything is added."""
        cells = _Cells(row, mapping)
        found: dict[str, list[Reference]] = {}
        mentions = []
        for name, entity in mapping.entities.items():
            found[name] = list(_references(cells, name, entity, self.region))
            times, properties = self._described(cells, entity)
            mentions += [(reference, name, entity, times, properties) for reference in found[name]]
        if not mentions:
            raise RefusedRowError("nothing_mapped", f"line {row.line}: none of the columns of an entity has a value")
        links = [each for link in mapping.links for each in self._links(cells, link, found)]
        if len(links) > _MOST_LINKS_OF_ROW:
            raise RefusedRowError("too_many_links", f"line {row.line}: more than {_MOST_LINKS_OF_ROW} links in a row")
        self.builder.record(record, row.line, row.values)
        for reference, name, entity, (first, last), properties in mentions:
            self.builder.mention(
                record,
                *reference,
                required=entity.required,
                confidence=entity.confidence,
                first_seen=first,
                last_seen=last,
                properties=properties,
                method=f"mapped_{name}",
            )
        for link, source, target, (first, last), properties in links:
            self.builder.link(
                record,
                source,
                link.type,
                target,
                confidence=link.confidence,
                first_seen=first,
                last_seen=last,
                properties=properties,
            )

    def _links(
        self, cells: "_Cells", link: Link, found: dict[str, list[Reference]]
    ) -> Iterator[tuple[Link, Reference, Reference, tuple[datetime | None, datetime | None], dict[str, Any]]]:
        times, properties = self._described(cells, link)
        count = 0
        for source in found[link.source]:
            for target in found[link.target]:
                if source != target and count <= _MOST_LINKS_OF_ROW:
                    count += 1
                    yield link, source, target, times, properties

    def _described(
        self, cells: "_Cells", part: Entity | Link
    ) -> tuple[tuple[datetime | None, datetime | None], dict[str, Any]]:
        first, last = self._time(cells, part.first_seen), self._time(cells, part.last_seen)
        properties = {key: cells.property(each) for key, each in part.properties.items()}
        return (first or last, last or first), properties

    def _time(self, cells: "_Cells", time: Time | None) -> datetime | None:
        if time is None:
            return None
        text = next(iter(cells.texts(time.column)), None)
        if text is None:
            return None
        try:
            moment = _moment(text, time.format)
        except (ValueError, OverflowError):
            raise RefusedRowError(
                "invalid_timestamp",
                f"line {cells.row.line}: {time.column!r} is {text[:60]!r}, no time of the format {time.format}",
            ) from None
        if moment.tzinfo is None:
            stated = ZoneInfo(time.timezone) if time.timezone else self.zone
            self.any_naive = self.any_naive or stated is None
            moment = moment.replace(tzinfo=stated or UTC)
        try:
            return moment.astimezone(UTC)
        except OverflowError:
            raise RefusedRowError(
                "invalid_timestamp", f"line {cells.row.line}: {time.column!r} is outside the years 1 to 9999"
            ) from None


def _references(cells: "_Cells", name: str, entity: Entity, region: str | None) -> Iterator[Reference]:
    """The entities a row names; RefusedRowError where a required one is not there."""
    values = list(cells.all(entity.value, entity.split))
    if not values and entity.required:
        raise RefusedRowError(
            "missing_field", f"line {cells.row.line}: no {entity.value.column!r}, which the entity {name!r} requires"
        )
    qualifier = next(iter(cells.all(entity.qualifier, None)), None) if entity.qualifier else None
    if entity.type == EntityType.PHONE:
        qualifier = qualifier or region
    for value in values:
        yield (entity.type, value, qualifier)


class _Cells:
    """The cells of a row by the names that a mapping uses."""

    def __init__(self, row: ResultRow, mapping: Mapping) -> None:
        self.row = row
        self._flat = mapping.format == "csv"

    def values(self, column: str) -> list[Any]:
        """What stands in a column or at a path; nothing where it is blank."""
        if not self._flat:
            return values_at(self.row.values, column)
        value = self.row.values.get(column.strip().casefold())
        return [value] if value is not None else []

    def texts(self, column: str) -> Iterator[str]:
        """The texts of a column; RefusedRowError for what is none."""
        for value in self.values(column):
            if isinstance(value, (bool, dict, list)):
                raise wrong_type(self.row.line, column, "text or a number", value)
            whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
            text = str(int(value)) if whole else str(value)
            if text.strip():
                yield text.strip()

    def all(self, part: Text, split: str | None) -> Iterator[str]:
        """The texts that a part of the mapping stands for, its prefix before each."""
        texts: Iterable[str] = (part.constant,) if part.constant is not None else self.texts(part.column or "")
        for text in texts:
            for piece in text.split(split) if split else (text,):
                if piece.strip():
                    yield part.prefix + piece.strip()

    def property(self, wanted: Property) -> Any:
        """The value of a property as the kind it was declared to be; None where it is blank."""
        found = self.values(wanted.column)
        if wanted.kind == "list":
            return list(self.texts(wanted.column)) or None
        if wanted.kind == "json":
            return (found if len(found) > 1 else found[0]) if found else None
        text = next(iter(self.texts(wanted.column)), None) if wanted.kind != "boolean" else _first(found)
        if text is None or text == "":
            return None
        try:
            return _converted(text, wanted.kind)
        except ValueError:
            raise wrong_type(self.row.line, wanted.column, f"of kind {wanted.kind}", text) from None


def _first(found: list[Any]) -> Any:
    return found[0] if found else None


def _converted(value: Any, kind: str) -> Any:
    match kind:
        case "boolean":
            return value if isinstance(value, bool) else _boolean(str(value))
        case "integer" | "number" if "_" in str(value):
            raise ValueError(value)  # Python's way to group digits, not a table's
        case "integer":
            number = int(value)
            if abs(number) >= 2**63:
                raise ValueError(value)
            return number
        case "number":
            number_found = float(value)
            if not math.isfinite(number_found):
                raise ValueError(value)
            return number_found
        case _:
            return value


def _boolean(text: str) -> bool:
    known = _BOOLEANS.get(text.strip().casefold())
    if known is None:
        raise ValueError(text)
    return known


def _moment(text: str, written: str) -> datetime:
    """The moment of a text, without a zone where neither it nor its format states one."""
    if written == "iso":
        return _iso(text)
    if written in {"unix", "unix-ms"}:
        return _EPOCH + timedelta(**{"seconds" if written == "unix" else "milliseconds": float(text)})
    return datetime.strptime(text, written)  # noqa: DTZ007 – the caller adds the zone that was declared


def _iso(text: str) -> datetime:
    """ISO 8601, a date alone included; naive where the text has no offset."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return parse_time(text)
