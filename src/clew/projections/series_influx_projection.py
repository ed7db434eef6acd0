"""Blocks and days of series as a projection in InfluxDB: measured ones, and those that are counted from events."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

import psycopg

from clew.projections.projection import Aside, Comparison, Difference, Projection
from clew.projections.series.influx.version import SCHEMA_VERSION

if TYPE_CHECKING:
    from clew.kernel.settings import Settings
    from clew.projections.series.influx.copying import Copying
    from clew.projections.series.influx.view import InfluxView, InfluxWriter

NAME: Final = "series_influxdb"
TABLES: Final = frozenset({"series_blocks", "series_days"})


class SeriesInfluxProjection:
    """Keeps the copy in InfluxDB."""

    def __init__(self, settings: "Settings", view: "InfluxView | None" = None) -> None:
        self._settings = settings
        self._given = view

    @property
    def name(self) -> str:
        """Always "series_influxdb"."""
        return NAME

    @property
    def adapter(self) -> str:
        """The engine."""
        return "influxdb"

    @property
    def schema_version(self) -> int:
        """Of how things lie there."""
        return SCHEMA_VERSION

    @property
    def tables(self) -> frozenset[str]:
        """What is copied."""
        return TABLES

    @property
    def kept_by_loads(self) -> bool:
        """Never: who reads series brings them up first."""
        return False

    @property
    def view(self) -> "InfluxView":
        """The view itself."""
        if self._given is None:
            from clew.projections.series.influx.opening import influx_view  # noqa: PLC0415  loads the client

            self._given = influx_view(self._settings)
        return self._given

    def position(self) -> str | None:
        """The position stored with the copy."""
        state = self.view.state()
        return state.position if state is not None and state.schema_version == SCHEMA_VERSION else None

    def rows(self) -> int:
        """Days of series, of all organizations."""
        state = self.view.state()
        return 0 if state is None else self.view.count_days(state.generation)

    @contextlib.contextmanager
    def writing(self) -> Iterator["SeriesInfluxWriting"]:
        """Write to the copy that is read."""
        from clew.projections.series.influx.view import InfluxWriter  # noqa: PLC0415

        state = self.view.state()
        generation = self.view.create() if state is None else state.generation
        yield SeriesInfluxWriting(InfluxWriter(self.view, generation), self._settings)

    @contextlib.contextmanager
    def building(self) -> Iterator["SeriesInfluxWriting"]:
        """Write a new database, read from when the block ends."""
        from clew.projections.series.influx.view import InfluxWriter  # noqa: PLC0415

        state = self.view.state()
        self.view.clean(None if state is None else state.generation)
        generation = self.view.create()
        writing = SeriesInfluxWriting(InfluxWriter(self.view, generation), self._settings, fresh=True)
        yield writing  # if it raises, the next one cleans up: the server may be away
        self.view.publish(generation, writing.reached)
        self.view.clean(generation)

    def compare(self, connection: psycopg.Connection[Any]) -> Comparison:
        """Every block and day as the engine gives it back beside the record's."""
        from clew.projections.series.influx.comparing import compare  # noqa: PLC0415

        return compare(connection, self.view, self._settings)

    @contextlib.contextmanager
    def copy(self) -> Iterator[Projection]:
        """An empty view beside, to be built and compared."""
        with self.view.beside() as other:
            yield SeriesInfluxProjection(self._settings, other)


class SeriesInfluxWriting:
    """Takes blocks and days over."""

    def __init__(self, writer: "InfluxWriter", settings: "Settings", *, fresh: bool = False) -> None:
        self._writer = writer
        self._settings = settings
        self._fresh = fresh
        self.reached = ""

    def apply(self, connection: psycopg.Connection[Any]) -> tuple[Aside, ...]:
        """Take over the blocks and days in STRETCH as they are now."""
        self._copying().changed(connection)
        return ()

    def remove(self, differences: Iterable[Difference]) -> None:
        """Delete what the record does not hold."""
        self._copying().remove(differences)

    def fill(self, connection: psycopg.Connection[Any], observe: Callable[[int], None]) -> tuple[Aside, ...]:
        """Take over everything, old days included."""
        self._copying().everything(connection, observe)
        return ()

    def commit(self, position: str) -> tuple[Aside, ...]:
        """Send what waits; then the position, unless a new database is only published at the end."""
        self._writer.flush()
        self.reached = position
        if not self._fresh:
            self._writer.commit(position)
        return ()

    def _copying(self) -> "Copying":
        from clew.projections.series.influx.copying import Copying  # noqa: PLC0415

        return Copying(self._writer, self._settings.data_dir)
