"""Series in an InfluxDB 1.x: a copy of the blocks and days of the record, found by organization and number.

    clew_state        which database is read, and how far it follows: one point, written last
    clew_GENERATION   retention policies raw, minutes, hours, days, none of which expires anything: the record does

Points of a stretch that lost some are deleted first and written anew; a reader may see the gap. Everything is found
by the tag `organization`, which is put on here, and by the numbers of series: no name or value of a user's is ever
part of a question.
"""

# ruff: noqa: S608  names are `quoted`, values bound or numbers and ids of ours

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from clew.projections.series.influx.connection import InfluxConnection, InfluxError, Rows, quoted
from clew.projections.series.influx.lines import FIELDS, number_of, read_bins, read_points, read_rollups
from clew.projections.series.influx.version import SCHEMA_VERSION
from clew.records.series.model import DAY, HOUR, MEASUREMENTS
from clew.records.series.rollups import Array

POLICIES: Final = {"raw": "1w", "minutes": "4w", "hours": "26w", "days": "260w"}
SUFFIXES: Final = {"raw": "", "minutes": "_1m", "hours": "_1h", "days": "_1d"}
WIDTHS: Final = {"raw": HOUR, "minutes": HOUR, "hours": DAY, "days": DAY}
"""The stretches that changes come by."""

_MOST_NUMBERS: Final = 200
_STATEMENTS_AT_ONCE: Final = 200
_BATCH_BYTES: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class InfluxState:
    """What is published."""

    generation: str
    schema_version: int
    position: str


class InfluxView:
    """The copy. One writer: whoever has the projector's place."""

    def __init__(self, connection: InfluxConnection, prefix: str | None = None) -> None:
        self.connection = connection
        self.prefix = prefix or connection.address.prefix

    @property
    def state_database(self) -> str:
        """Where it is said what is read."""
        return f"{self.prefix}_state"

    def state(self) -> InfluxState | None:
        """What is published; None where nothing is, or a part of it is gone."""
        self.connection.version()
        names = self.connection.databases()
        if self.state_database not in names:
            return None
        asked = (
            f'SELECT "generation", "schema_version", "position" FROM {quoted(self.state_database)}."autogen"."state"'
        )
        for rows in self.connection.ask(asked):
            for _, generation, version, position in rows.values:
                if f"{self.prefix}_{generation}" in names:
                    return InfluxState(str(generation), int(version), str(position))
        return None

    def database(self, generation: str) -> str:
        """The name of a generation's database."""
        return f"{self.prefix}_{generation}"

    def create(self) -> str:
        """A new generation, which nobody reads yet."""
        generation = f"g{secrets.token_hex(4)}"
        name = quoted(self.database(generation))
        self.connection.tell(f"CREATE DATABASE {name}")
        for policy, shards in POLICIES.items():
            default = " DEFAULT" if policy == "raw" else ""
            self.connection.tell(
                f"CREATE RETENTION POLICY {quoted(policy)} ON {name} DURATION INF REPLICATION 1 "
                f"SHARD DURATION {shards}{default}"
            )
        return generation

    def publish(self, generation: str, position: str) -> None:
        """Say that this generation is read, and how far it follows."""
        if self.state_database not in self.connection.databases():
            self.connection.tell(f"CREATE DATABASE {quoted(self.state_database)} WITH DURATION INF")
        text = position.replace("\\", "\\\\").replace('"', '\\"')
        line = f'state generation="{generation}",schema_version={SCHEMA_VERSION}i,position="{text}" 0'
        self.connection.write(self.state_database, "autogen", line.encode())

    def count_days(self, generation: str) -> int:
        """How many days of series a generation holds, of all organizations."""
        every = " , ".join(
            f'{quoted(self.database(generation))}."days".{quoted(each + "_1d")}' for each in MEASUREMENTS
        )
        answer = self.connection.ask(f'SELECT COUNT("count") FROM {every}')
        return sum(int(row[1]) for rows in answer for row in rows.values)

    def clean(self, keep: str | None) -> None:
        """Remove generations but one; what a killed rebuild or drill left goes with them."""
        kept = {self.state_database, self.database(keep or "")}
        self._drop(name for name in self._own() if name not in kept)

    def remove(self) -> None:
        """Remove everything."""
        self._drop(self._own())

    @contextmanager
    def beside(self) -> Iterator["InfluxView"]:
        """An empty view under a prefix of its own, gone after the block."""
        other = InfluxView(self.connection, f"{self.prefix}_drill{secrets.token_hex(4)}")
        try:
            yield other
        finally:
            other.remove()

    def _own(self) -> list[str]:
        """Databases of this view and of drills beside it; a longer prefix may be another installation's."""
        own = re.compile(rf"{re.escape(self.prefix)}_(drill[0-9a-f]{{8}}_)?(state|g[0-9a-f]{{8}})")
        return [name for name in self.connection.databases() if own.fullmatch(name)]

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            self.connection.tell(f"DROP DATABASE {quoted(name)}")


class InfluxSource:
    """One measurement of one organization in a generation: see the port."""

    def __init__(self, connection: InfluxConnection, database: str, organization_id: UUID, measurement: str) -> None:
        if measurement not in MEASUREMENTS:
            raise ValueError(f"there is no measurement {measurement!r}")
        self._connection, self._database = connection, database
        self._organization_id, self._measurement = organization_id, measurement

    def points(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Points."""
        return read_points(self._asked("raw", ("value",), begin, end, series))

    def minutes(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Roll-ups by the minute."""
        return read_rollups(self._asked("minutes", FIELDS, begin, end, series))

    def hours(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Roll-ups by the hour."""
        return read_rollups(self._asked("hours", FIELDS, begin, end, series))

    def days(self, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Roll-ups by the day."""
        return read_rollups(self._asked("days", FIELDS, begin, end, series))

    def bins(self, width: int, begin: int, end: int, series: Sequence[int] | None = None) -> Array:
        """Bins of every hour or day."""
        return read_bins(self._asked("hours" if width == HOUR else "days", ("bins",), begin, end, series))

    def span(self) -> tuple[int, int] | None:
        """From the first to after the last time of anything that is kept."""
        times: list[int] = []
        for policy in POLICIES:
            field = "value" if policy == "raw" else "count"
            for function in ("FIRST", "LAST"):
                statement = f"SELECT {function}({quoted(field)}) FROM {self._from(policy)} WHERE {self._own()}"
                times += [int(row[0]) for rows in self._ask(statement) for row in rows.values]
        return (min(times), max(times) + 1) if times else None

    def _asked(
        self, policy: str, columns: Sequence[str], begin: int, end: int, series: Sequence[int] | None
    ) -> list[Rows]:
        if begin >= end or (series is not None and not series):
            return []
        listed = ", ".join(map(quoted, columns))
        few = series is not None and len(series) <= _MOST_NUMBERS
        only = f" AND ({_any_of(series or ())})" if few else ""
        found = self._ask(
            f"SELECT {listed} FROM {self._from(policy)} WHERE {self._own()}"
            f' AND time >= {begin}u AND time < {end}u{only} GROUP BY "series"'
        )
        if series is None or few:
            return found
        wanted = set(series)
        return [rows for rows in found if number_of(rows) in wanted]

    def _from(self, policy: str) -> str:
        return f"{quoted(self._database)}.{quoted(policy)}.{quoted(self._measurement + SUFFIXES[policy])}"

    @staticmethod
    def _own() -> str:
        return '"organization" = $organization'

    def _ask(self, statement: str) -> list[Rows]:
        return self._connection.ask(statement, {"organization": str(self._organization_id)})


class InfluxWriter:
    """Writes to one generation. Lines wait until there are many; what is deleted is deleted in its turn."""

    def __init__(self, view: InfluxView, generation: str) -> None:
        self.view = view
        self.generation = generation
        self._database = view.database(generation)
        self._waiting: dict[str, list[bytes]] = {policy: [] for policy in POLICIES}
        self._bytes = 0

    def put(self, policy: str, lines: bytes) -> None:
        """Lines of a resolution."""
        if not lines:
            return
        self._waiting[policy].append(lines)
        self._bytes += len(lines)
        if self._bytes >= _BATCH_BYTES:
            self.flush()

    def delete(
        self,
        organization_id: UUID,
        measurement: str,
        policies: Sequence[str],
        stretches: Iterable[tuple[int, int, int]],
    ) -> None:
        """Delete stretches: of a series (0: of one that somebody else made), from, to."""
        self.flush()
        names = ", ".join(quoted(measurement + SUFFIXES[policy]) for policy in policies)
        statements = [
            f"DELETE FROM {names} WHERE \"organization\" = '{organization_id}' AND {_any_of((number,))}"
            f" AND time >= {begin}u AND time < {end}u"
            for number, begin, end in _joined(stretches)
        ]
        for start in range(0, len(statements), _STATEMENTS_AT_ONCE):
            self._tell("; ".join(statements[start : start + _STATEMENTS_AT_ONCE]))

    def delete_organization(self, organization_id: UUID) -> None:
        """Delete all that an organization has."""
        self.flush()
        self._tell(f"DROP SERIES WHERE \"organization\" = '{organization_id}'")

    def organizations(self) -> list[UUID]:
        """The organizations that anything is kept of."""
        statement = f'SHOW TAG VALUES ON {quoted(self._database)} WITH KEY = "organization"'
        found = {str(row[1]) for rows in self.view.connection.ask(statement) for row in rows.values}
        return sorted(UUID(text) for text in found if _is_uuid(text))

    def flush(self) -> None:
        """Send what waits."""
        for policy, waiting in self._waiting.items():
            if waiting:
                self._send(policy, b"".join(waiting))
                waiting.clear()
        self._bytes = 0

    def commit(self, position: str) -> None:
        """Send what waits, then the position."""
        self.flush()
        self.view.publish(self.generation, position)

    def _send(self, policy: str, lines: bytes) -> None:
        start = 0
        while start < len(lines):
            end = lines.find(b"\n", min(start + _BATCH_BYTES, len(lines) - 1)) + 1
            self.view.connection.write(self._database, policy, lines[start:end])
            start = end

    def _tell(self, statements: str) -> None:
        try:
            self.view.connection.delete(self._database, statements)
        except InfluxError as error:
            if "measurement not found" not in error.message:
                raise


def _any_of(series: Sequence[int]) -> str:
    return " OR ".join(f"\"series\" = '{number or ''}'" for number in series)


def _joined(stretches: Iterable[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """Stretches of a series that touch as one."""
    joined: list[tuple[int, int, int]] = []
    for number, begin, end in sorted(stretches):
        if joined and joined[-1][0] == number and begin <= joined[-1][2]:
            joined[-1] = (number, joined[-1][1], max(end, joined[-1][2]))
        else:
            joined.append((number, begin, end))
    yield from joined


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
