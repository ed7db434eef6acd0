"""The scheduler's part in how indices of a search engine grow old."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from clew.kernel.database import Database
from clew.kernel.errors import ConfigurationError
from clew.projections.search_place import search_directory

if TYPE_CHECKING:
    from clew.projections.search.elastic.ageing import Ageing

LOOK_SECONDS: Final = 3600.0
_PATIENCE_SECONDS: Final = 60.0

log: Final = structlog.get_logger(__name__)


def age_indices(database: Database, stop: threading.Event) -> None:
    """Have the engine know the templates; every hour, do what is due to its indices, until `stop` is set.

    Raises what the engine's connection raises; whoever calls begins again later.
    """
    from clew.projections.search.elastic.ageing import Ageing  # noqa: PLC0415  loads the engine's client
    from clew.projections.search.elastic.lifecycle import DAILY_POLICY  # noqa: PLC0415
    from clew.projections.search.elastic.names import Names  # noqa: PLC0415
    from clew.projections.search.elastic.opening import engine_connection  # noqa: PLC0415

    settings = database.settings
    connection = engine_connection(settings)
    connection.identity()
    ageing = Ageing(
        connection,
        Names(connection.address.prefix),
        repository=settings.search_archive,
        replicas=settings.search_replicas,
    )
    daily = replace(DAILY_POLICY, end_days=settings.search_archive_days)
    _install(ageing, settings.search_shards)
    while not stop.is_set():
        now = datetime.now(UTC)
        ageing.run(now, {daily.name: daily})
        age_view(database, now)
        stop.wait(LOOK_SECONDS)


def age_view(database: Database, now: datetime) -> None:
    """Do what is due to the view's indices of attacks, unless who keeps the views is busy with something longer."""
    from clew.projections.place import ProjectorBusyError  # noqa: PLC0415
    from clew.projections.search.elastic.opening import engine_view  # noqa: PLC0415  loads the engine's client
    from clew.projections.search.errors import SearchViewBusyError  # noqa: PLC0415

    settings = database.settings
    try:
        engine_view(settings, search_directory(settings)).age(now, lambda: _as_projector(database))
    except (ProjectorBusyError, SearchViewBusyError) as error:
        log.info("the view's indices age later", reason=str(error))


@contextlib.contextmanager
def _as_projector(database: Database) -> Iterator[None]:
    """Nobody writes views meanwhile, on any machine: who follows the record lends its place."""
    from clew.projections.projector import Projector  # noqa: PLC0415

    with Projector(database, [], patience_seconds=_PATIENCE_SECONDS):
        yield


def _install(ageing: "Ageing", shards: Mapping[str, int]) -> None:
    """Without templates what others write is mapped as the engine guesses, and does not age: no reason to stop."""
    try:
        refused = ageing.install(shards)
    except ConfigurationError as error:
        log.warning("index templates could not be installed", error=str(error))
        return
    for name, reason in refused.items():
        log.warning("the engine refuses an index template", template=name, reason=reason)
