"""What the server does beside answering requests: each a service that is started with it and stopped with it."""

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

import psycopg
import sqlalchemy as sa

from clew.api.live_feed import Bridge, Follower
from clew.api.serving import Serving
from clew.api.system_metrics import measure
from clew.api.warming import Warmer
from clew.domains.audit.chain import AuditChainError
from clew.domains.audit.sealer import Sealer, SealerBusyError
from clew.domains.documents.unreferenced import collect
from clew.domains.identity.housekeeping import keep_house
from clew.ingest.filestore import file_store
from clew.kernel.cache.keys import MARK
from clew.kernel.cache.port import CacheUnavailableError
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.kernel.logs import logger
from clew.projections.following import FollowingProcess
from clew.projections.search_ageing import age_indices
from clew.projections.search_place import search_adapter
from clew.projections.series_upkeep import let_series_age

HOUSEKEEPING_SECONDS: Final = 3600.0
FILES_SECONDS: Final = 86_400.0
CALLERS_SECONDS: Final = 2.0
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 30.0
_PARTITIONS: Final = sa.text("SELECT create_monthly_partitions(:months)")


class Service(Protocol):
    """Something that runs beside the requests. `name` is for logs."""

    @property
    def name(self) -> str:
        """What it is called in logs."""

    def start(self) -> None:
        """Begin, without waiting for anything. Called once, before the first request."""

    def stop(self) -> None:
        """Finish what is at hand and end. Called once, after the last request, also if it never did anything."""


class Work:
    """A service of one thread that works until it is told to stop.

    `work` gets an event and returns when that is set. Whatever it raises, as while the database is away, is told, and
    it is begun again after a pause: a server must not go on for weeks without its sealer for one unforeseen row.
    """

    def __init__(self, name: str, work: Callable[[threading.Event], None]) -> None:
        self.name = name
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"clew-{name}", daemon=True)

    def start(self) -> None:
        """Begin. Once."""
        self._thread.start()

    def stop(self) -> None:
        """Wait until it has ended."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._work(self._stop)
            except Exception as error:  # noqa: BLE001  the edge of its thread: told, never swallowed
                self._tell(error)
                pause = _FIRST_PAUSE_SECONDS if time.monotonic() - began > _LONGEST_PAUSE_SECONDS else pause
                self._stop.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    def _tell(self, error: Exception) -> None:
        log = logger(__name__)
        if isinstance(error, SealerBusyError):
            log.info("waits", service=self.name, reason=str(error))
        elif isinstance(error, AuditChainError):
            log.error("the audit trail is not sealed", service=self.name, error=str(error))
        elif isinstance(error, (ClewError, OSError, psycopg.Error, sa.exc.DBAPIError)):
            log.warning("begins again", service=self.name, error=str(error))
        else:  # a fault of the program itself
            log.error("begins again after a fault", service=self.name, exc_info=error)


def standard_services(database: Database) -> list[Service]:
    """What every server does: seal the audit trail, keep the views, keep house, also in a search engine."""
    services: list[Service] = [
        Work("sealer", lambda stop: _seal(database, stop)),
        Work("housekeeping", lambda stop: _keep_house(database, stop)),
        FollowingProcess(database.settings),
        Work("series ageing", lambda stop: let_series_age(database, stop)),
        Work("files", lambda stop: _collect_files(database, stop)),
    ]
    if search_adapter(database.settings) == "elastic":
        services.append(Work("search lifecycle", lambda stop: age_indices(database, stop)))
    return services


def live_services(serving: Serving) -> list[Service]:
    """What every server process does: pass on live events if no other does, follow them, warm caches, count callers."""
    bridge = Bridge(serving.database, serving.cache)
    warmer = Warmer(serving)
    follower = Follower(serving.hub, serving.memo, serving.cache, warmer)
    return [
        Work("events", bridge.run),
        Work("following", follower.run),
        Work("warming", warmer.run),
        Work("callers", lambda stop: _count_callers(serving, stop)),
        *(
            [Work("system metrics", lambda stop: measure(serving, stop))]
            if serving.settings.series_system_seconds
            else ()
        ),
    ]


def _count_callers(serving: Serving, stop: threading.Event) -> None:
    while not stop.wait(CALLERS_SECONDS):
        with contextlib.suppress(CacheUnavailableError):  # those of this moment are not counted
            serving.limiter.note_callers(serving.cache)
            if serving.alone is not None and serving.alone.mark is not None:  # a Redis that lost all has it again
                serving.cache.put(MARK.key(), str(serving.alone.mark).encode(), lifetime=MARK.span)


def _seal(database: Database, stop: threading.Event) -> None:
    with Sealer(database) as sealer:
        sealer.follow(stop)
        sealer.catch_up()  # what requests did while they were being finished


def _collect_files(database: Database, stop: threading.Event) -> None:
    """Give up content that nothing refers to: once a day, the first time a while after the start."""
    pause = HOUSEKEEPING_SECONDS
    while not stop.wait(pause):
        settings = database.settings
        found = collect(database, file_store(settings), hours=settings.files_unreferenced_hours)
        logger(__name__).info("files collected", **found.as_dict())
        pause = FILES_SECONDS


def _keep_house(database: Database, stop: threading.Event) -> None:
    while not stop.is_set():
        keep_house(database)
        with database.transaction(None) as connection:
            connection.execute(_PARTITIONS, {"months": database.settings.partitions_ahead_months})
        stop.wait(HOUSEKEEPING_SECONDS)
