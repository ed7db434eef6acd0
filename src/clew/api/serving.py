"""What lives as long as the server does."""

import contextlib
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from fastapi import Request

from clew.api.background import Background
from clew.api.cross_site import CookieRules
from clew.api.live import Hub
from clew.api.metrics import Metrics
from clew.api.receiving import Receptions
from clew.api.slots import Slots
from clew.domains.audit.reads import ReadRecorder
from clew.domains.identity.account_links import PasswordRules
from clew.domains.identity.delivery import Delivery, delivery_of
from clew.domains.identity.limiting import Limiter, LimiterRules
from clew.domains.identity.passwords import PasswordHasher, PasswordPolicy
from clew.domains.identity.repeated_requests import Memory
from clew.domains.identity.sign_in import Door
from clew.domains.identity.token_desk import TokenDesk
from clew.domains.identity.usage_log import UsageLog
from clew.kernel.cache.fallback import FallbackWindows
from clew.kernel.cache.opening import opened_cache
from clew.kernel.cache.port import Cache
from clew.kernel.cache.remembering import Memo
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.settings import Settings
from clew.kernel.single_server import SingleServer
from clew.projections.graph_reading import GraphReading
from clew.projections.search_reading import SearchReading


@dataclass(frozen=True, slots=True, repr=False)
class Serving:
    """What routes work with. Everything in it may be used by many threads at once.

    `threads` are those that routes run in. `stopping` is set when the server begins to stop: answers that last, such as
    event streams, end then.
    """

    database: Database
    settings: Settings
    secret: InstallationSecret
    door: Door
    rules: PasswordRules
    deliver: Delivery
    background: Background
    threads: ThreadPoolExecutor
    desk: TokenDesk
    cookies: CookieRules
    reads: ReadRecorder
    usage_log: UsageLog
    cache: Cache
    memo: Memo
    limiter: Limiter
    memory: Memory
    metrics: Metrics
    search: SearchReading
    graph: GraphReading
    slots: Slots
    stopping: threading.Event = field(default_factory=threading.Event)
    hub: Hub = field(default_factory=Hub)
    receptions: Receptions = field(default_factory=Receptions)
    clock: Clock = system_clock
    alone: SingleServer | None = None  # None where an application is not served to anybody else


@contextlib.contextmanager
def opened_serving(
    database: Database,
    *,
    hasher: PasswordHasher | None = None,
    alone: SingleServer | None = None,
    clock: Clock = system_clock,
) -> Iterator[Serving]:
    """Everything that requests need, ready; at the end what waits to be written is written.

    The schema must be the present one. Raises ConfigurationError without the installation's secret, or if the Redis
    that the settings name cannot be used.
    """
    settings, secret = database.settings, InstallationSecret.of(database.settings)
    usage_log, metrics = UsageLog.of(database), Metrics()
    metrics.watch(database)
    with (
        opened_cache(settings) as cache,
        ReadRecorder(database, clock=clock) as reads,
        contextlib.closing(SearchReading(settings)) as search,
        contextlib.closing(GraphReading(settings)) as graph,
    ):
        usage_log.start()
        door = Door.of(database, clock=clock)
        if hasher is not None:
            door = replace(door, hasher=hasher)
        with _working(settings, usage_log) as (background, threads):
            yield Serving(
                database=database,
                settings=settings,
                secret=secret,
                door=door,
                rules=PasswordRules(PasswordPolicy.of(settings), door.hasher, door.limits),
                deliver=delivery_of(settings, _print_link),
                background=background,
                threads=threads,
                desk=TokenDesk.of(database, clock=clock),
                cookies=CookieRules.of(settings, secret),
                reads=reads,
                usage_log=usage_log,
                cache=cache,
                memo=Memo(cache, metrics.count_lookup),
                limiter=Limiter(FallbackWindows(cache) if cache.shared else cache, LimiterRules.of(settings)),
                memory=Memory(secret),
                metrics=metrics,
                search=search,
                graph=graph,
                slots=Slots(),
                clock=clock,
                alone=alone,
            )


@contextlib.contextmanager
def _working(settings: Settings, usage_log: UsageLog) -> Iterator[tuple[Background, ThreadPoolExecutor]]:
    """What works while requests are answered; ended in the order in which it hands things on."""
    background = Background()
    threads = ThreadPoolExecutor(settings.api_threads, "clew-request")
    try:
        yield background, threads
    finally:
        threads.shutdown()
        background.close()
        usage_log.close()


def _print_link(address: str) -> None:
    """Without a mail server, links are shown to whoever runs this one: on its own terminal, not in its log."""
    sys.stderr.write(f"link to hand over: {address}\n")


def serving_of(request: Request) -> Serving:
    """What the application of this request works with."""
    serving: Serving = request.app.state.serving
    return serving
