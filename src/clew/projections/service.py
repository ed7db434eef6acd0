"""The installation's views as commands know them: they are left, or brought, up to date."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import psycopg
import structlog

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError, NotFoundError
from clew.kernel.roles import PROJECTOR
from clew.kernel.settings import Settings
from clew.projections import feed
from clew.projections.attempts import Outcome
from clew.projections.companion import Companion, companion
from clew.projections.feed import Position, Snapshot
from clew.projections.place import ProjectorBusyError
from clew.projections.projection import Projection
from clew.projections.projector import Projector
from clew.projections.registry import kept_by_loads, projections
from clew.projections.search.errors import SearchEngineUnavailableError
from clew.projections.search_place import (
    dead_notes,
    noted,
    search_directory,
    write_organization_ids,
)
from clew.projections.series_upkeep import check_influxdb

PATIENCE_SECONDS: Final = 30.0
MOST_WAITED_FOR: Final = 50_000  # changes: about half a second
_MOST_COUNTED: Final = 1_000_000
_POLL_SECONDS: Final = 0.05

log: Final = structlog.get_logger(__name__)


class ProjectionBehindError(ClewError):
    """A view cannot be brought up to date just now."""

    code = "projection_behind"
    exit_code = 9
    transient = True


def check_engines(settings: Settings) -> None:
    """Look at the engines that the settings name, before a server begins to rely on them; the log says which they are.

    One that does not answer now may do later. Raises ConfigurationError for one that Clew does not work with, that
    refuses the login, or whose certificate is not trusted.
    """
    _check_graph_engine(settings)
    if settings.influxdb_url is not None:
        check_influxdb(settings)
    _check_search(settings)
    _check_vectors(settings)


def _check_search(settings: Settings) -> None:
    if settings.search == "none" or settings.search_url is None:
        return
    from clew.projections.search.elastic.opening import engine_connection  # noqa: PLC0415  loads the engine's client

    connection = engine_connection(settings)
    try:
        identity = connection.identity()
    except SearchEngineUnavailableError as error:
        log.warning("the search engine is awaited", error=str(error))
    else:
        log.info("search engine", engine=str(identity), place=connection.address.place, note=identity.note)


def _check_graph_engine(settings: Settings) -> None:
    if settings.graph == "none" or settings.graph_url is None:
        return
    from clew.projections.graph.errors import GraphEngineUnavailableError  # noqa: PLC0415  only where one is set
    from clew.projections.graph.neo4j.opening import engine_connection  # noqa: PLC0415  loads the engine's driver

    connection = engine_connection(settings)
    try:
        version = connection.version()
    except GraphEngineUnavailableError as error:
        log.warning("the graph engine is awaited", error=str(error))
    else:
        log.info("graph engine", engine=f"Neo4j {version}", place=connection.address.place)


def _check_vectors(settings: Settings) -> None:
    if settings.vectors == "none":
        return
    from clew.projections.vectors.errors import VectorEngineUnavailableError  # noqa: PLC0415  only servers need them
    from clew.projections.vectors.models import models_of  # noqa: PLC0415  as above

    models_of(settings.embedding_models)
    if settings.vectors_url is None:
        return
    from clew.projections.vectors.qdrant.opening import qdrant_connection  # noqa: PLC0415  loads the engine's client

    connection = qdrant_connection(settings)
    try:
        log.info("vector engine", engine=connection.version(), place=connection.place)
    except VectorEngineUnavailableError as error:
        log.warning("the vector engine is awaited", error=str(error))


@contextlib.contextmanager
def followed(database: Database) -> Iterator[None]:
    """Within the block the record is changed; after it the views follow, also if the block raises (but for Ctrl-C).

    If the block lasts, they follow beside it already, as far as that does not keep it back. If then more than
    MOST_WAITED_FOR changes are left they are left to whoever reads the views first, or follows the record.

    What cannot follow is logged and left to the next command: the record itself is as the block left it.
    """
    if not kept_by_loads(database.settings):
        # A view that is there all the same falls behind: the note stays, and whoever reads it next catches up first.
        with noted(database.settings) if search_directory(database.settings).exists() else contextlib.nullcontext():
            yield
        return
    with noted(database.settings) as note, companion(database.settings) as beside:
        try:
            yield
        except KeyboardInterrupt:
            raise  # pressed to end at once: the note stays, and the next command catches up
        except BaseException:
            note.settled = _settle(database, beside)
            raise
        note.settled = _settle(database, beside)


def _settle(database: Database, beside: Companion) -> bool:
    """Bring the views up if that is soon done; whether it was done."""
    if beside.was_started or dead_notes(database.settings):
        changes = waiting(database)
        if changes > MOST_WAITED_FOR:
            beside.kill()
            log.info("the search view is left behind: whoever searches next brings it up first", changes=changes)
            return False
    return catch_up(database, beside=beside.finish) is not None


def waiting(database: Database) -> int:
    """How many changes the views that loads keep have not taken over; of those that are to be made anew, 0.

    Counted to a million at most. 0 also where that cannot be told just now.
    """
    found = 0
    with (
        contextlib.suppress(ClewError),
        database_errors(database.address),
        database.connect_raw(PROJECTOR) as connection,
    ):
        for projection in kept_by_loads(database.settings):
            position = Position.decode(projection.position() or "")
            if position is not None:
                found = max(found, feed.lag(connection, position, limit=_MOST_COUNTED).changes)
    return found


def catch_up(
    database: Database, *, patience_seconds: float = PATIENCE_SECONDS, beside: Callable[[], bool] = lambda: False
) -> list[Outcome] | None:
    """Bring the views that loads keep up to now, or wait until another process has done it; what was done here.

    `beside` is asked first, and may do it. None if the views are not up to date in the end; why is in the log and in
    `projection status`.
    """
    settings = database.settings
    try:
        dead = dead_notes(settings)
        with database_errors(database.address):
            outcomes = [] if beside() else _outcomes(database, kept_by_loads(settings), patience_seconds)
        if outcomes is None or any(outcome.error for outcome in outcomes):
            return None
        for note in dead:
            note.unlink(missing_ok=True)
        with database.transaction(None, PROJECTOR) as connection:
            rows = connection.exec_driver_sql("SELECT slug, id::text FROM organizations").all()
    except ClewError as error:
        log.warning("the views could not follow", error=str(error))
        return None
    write_organization_ids(settings, {str(slug): str(identifier) for slug, identifier in rows})
    return outcomes


def bring_up(database: Database, name: str, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Bring one view up to now before it is read, or wait until another process has done it.

    Raises ProjectionBehindError, NotFoundError.
    """
    wanted = [each for each in projections(database.settings) if each.name == name]
    if not wanted:
        raise NotFoundError(f"there is no projection {name!r}", remedy="the settings switch it off")
    with database_errors(database.address):
        outcomes = _outcomes(database, wanted, patience_seconds)
    errors = [outcome.error for outcome in outcomes or () if outcome.error]
    if outcomes is None or errors:
        reason = errors[0] if errors else "another process keeps it, and has not come this far"
        raise ProjectionBehindError(reason, where=f"projection {name}", remedy="see `clew projection status`")


def _outcomes(database: Database, wanted_views: Sequence[Projection], patience_seconds: float) -> list[Outcome] | None:
    """What the projector did; empty if another process did it; None if it did not in time."""
    wanted: Snapshot | None = None
    until = time.monotonic() + patience_seconds
    while True:
        try:
            with Projector(database, wanted_views) as projector:
                return projector.catch_up()
        except ProjectorBusyError:
            with database.connect_raw(PROJECTOR) as connection:
                wanted = wanted or feed.current_snapshot(connection)
                if all(_holds(connection, each, wanted) for each in wanted_views):
                    return []
            if time.monotonic() > until:
                log.warning("another process keeps the views, and has not come this far", seconds=patience_seconds)
                return None
        time.sleep(_POLL_SECONDS)


def _holds(connection: psycopg.Connection[Any], projection: Projection, wanted: Snapshot) -> bool:
    """Whether a view has every change that a snapshot sees."""
    position = Position.decode(projection.position() or "")
    return position is not None and feed.lag(connection, position, limit=1, now=wanted).changes == 0
