"""The installation's projections: which there are, and that commands leave them up to date."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import psycopg
import structlog

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError
from clew.kernel.roles import PROJECTOR
from clew.kernel.settings import Settings
from clew.projections import feed
from clew.projections.companion import companion
from clew.projections.feed import Position, Snapshot
from clew.projections.place import ProjectorBusyError
from clew.projections.projector import Outcome, Projector
from clew.projections.search.errors import SearchEngineUnavailableError
from clew.projections.search_place import (
    dead_notes,
    noted,
    search_directory,
    search_view,
    write_organization_ids,
)
from clew.projections.search_projection import SearchProjection

PATIENCE_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05

log: Final = structlog.get_logger(__name__)


def projections(settings: Settings) -> list[SearchProjection]:
    """The projections that the settings ask for."""
    if settings.search == "none":
        return []
    return [SearchProjection(search_view(settings))]


def check_engines(settings: Settings) -> None:
    """Look at the engines that the settings name, before a server begins to rely on them; the log says which they are.

    One that does not answer now may do later. Raises ConfigurationError for one that Clew does not work with, that
    refuses the login, or whose certificate is not trusted.
    """
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


@contextlib.contextmanager
def followed(database: Database) -> Iterator[None]:
    """Within the block the record is changed; after it the views follow, also if the block raises (but for Ctrl-C).

    If the block lasts, they follow beside it already.

    What cannot follow is logged and left to the next command: the record itself is as the block left it.
    """
    if database.settings.search == "none":
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
            note.settled = catch_up(database, beside=beside.finish) is not None
            raise
        note.settled = catch_up(database, beside=beside.finish) is not None


def catch_up(
    database: Database, *, patience_seconds: float = PATIENCE_SECONDS, beside: Callable[[], bool] = lambda: False
) -> list[Outcome] | None:
    """Bring all views up to now, or wait until another process has done it; what was done here.

    `beside` is asked first, and may do it. None if the views are not up to date in the end; why is in the log and in
    `projection status`.
    """
    settings = database.settings
    try:
        dead = dead_notes(settings)
        with database_errors(database.address):
            outcomes = [] if beside() else _outcomes(database, patience_seconds)
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


def _outcomes(database: Database, patience_seconds: float) -> list[Outcome] | None:
    """What the projector did; empty if another process did it; None if it did not in time."""
    wanted: Snapshot | None = None
    until = time.monotonic() + patience_seconds
    while True:
        try:
            with Projector(database, projections(database.settings)) as projector:
                return projector.catch_up()
        except ProjectorBusyError:
            with database.connect_raw(PROJECTOR) as connection:
                wanted = wanted or feed.current_snapshot(connection)
                if all(_holds(connection, each, wanted) for each in projections(database.settings)):
                    return []
            if time.monotonic() > until:
                log.warning("another process keeps the views, and has not come this far", seconds=patience_seconds)
                return None
        time.sleep(_POLL_SECONDS)


def _holds(connection: psycopg.Connection[Any], projection: SearchProjection, wanted: Snapshot) -> bool:
    """Whether a view has every change that a snapshot sees."""
    position = Position.decode(projection.position() or "")
    return position is not None and feed.lag(connection, position, limit=1, now=wanted).changes == 0
