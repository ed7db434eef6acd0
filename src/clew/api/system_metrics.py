"""The server's own figures as a series: `system_metrics` of the default organization (else the oldest), every 15 s.

Of several server processes one writes, whichever has the lock.
"""

import socket
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from uuid import UUID

import psutil
import sqlalchemy as sa
from sqlalchemy.pool import QueuePool

from clew.domains.identity.service import DEFAULT_SLUG
from clew.kernel.database import TenantContext
from clew.kernel.roles import APPLICATION, PROJECTOR, RUNNER

if TYPE_CHECKING:
    from clew.api.serving import Serving

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext('clew system metrics'))"
_ORGANIZATION: Final = sa.text("SELECT id FROM organizations ORDER BY slug <> :slug, created_at LIMIT 1")
_WAITING: Final = sa.text("SELECT queue, count(*) FROM jobs WHERE status = 'pending' GROUP BY queue")
_FEED: Final = sa.text("SELECT count(*) FROM (SELECT FROM changes LIMIT 100000) AS counted")

Figures = Mapping[str, float]


def measure(serving: "Serving", stop: threading.Event) -> None:
    """Write figures at every whole stretch of the settings' seconds until `stop` is set."""
    seconds = serving.settings.series_system_seconds
    with serving.database.connect_raw(APPLICATION) as connection:
        connection.autocommit = True
        while not stop.wait(seconds - serving.clock().timestamp() % seconds):
            row = connection.execute(_LOCK).fetchone()
            if row is not None and row[0]:
                write_figures(serving, figures(serving))  # nowhere, on a record nobody has set up yet
                # The lock is held more than once now; the connection's end gives all of it back.


def figures(serving: "Serving") -> dict[tuple[str, str], Figures]:
    """What is measured now: by tag and value ("", "" for none), fields and their values."""
    memory, own = psutil.virtual_memory(), psutil.Process()
    disk = psutil.disk_usage(str(serving.settings.data_dir))
    with serving.database.transaction(None, RUNNER, reading=True) as connection:
        waiting = {str(queue): float(count) for queue, count in connection.execute(_WAITING)}
    with serving.database.transaction(None, PROJECTOR, reading=True) as connection:
        changes = float(connection.execute(_FEED).scalar_one())
    found: dict[str, float] = {
        "load_1m": psutil.getloadavg()[0],
        "cpu_percent": psutil.cpu_percent(None),
        "memory_available_bytes": float(memory.available),
        "disk_free_bytes": float(disk.free),
        "process_resident_bytes": float(own.memory_info().rss),
        "process_threads": float(own.num_threads()),
        "feed_changes": changes,
    }
    hits, misses = (
        serving.metrics.registry.get_sample_value("cache_lookups_total", {"result": result}) or 0.0
        for result in ("hit", "miss")
    )
    if hits + misses:
        found["cache_hit_ratio"] = hits / (hits + misses)
    pool = serving.database.engine(APPLICATION).pool
    if isinstance(pool, QueuePool):
        found["database_connections"] = float(pool.checkedout())
    measured: dict[tuple[str, str], Figures] = {("", ""): found}
    return measured | {("queue", name): {"jobs_waiting": count} for name, count in waiting.items()}


def write_figures(serving: "Serving", measured: Mapping[tuple[str, str], Figures]) -> None:
    """Write figures as points of this moment; on a record without any organization there is nowhere to."""
    from clew.projections.series import service  # noqa: PLC0415
    from clew.records.series.formats import PointReader, point_line  # noqa: PLC0415
    from clew.records.series.model import microseconds  # noqa: PLC0415

    organization_id = _organization(serving)
    if organization_id is None:
        return
    now = microseconds(serving.clock())
    host = socket.gethostname()[:200] or "here"
    lines = [
        point_line("system_metrics", now, {"host": host, **({tag: value} if tag else {})}, fields)
        for (tag, value), fields in measured.items()
    ]
    with serving.database.transaction(TenantContext(organization_id)) as connection:
        for batch in PointReader("jsonl").batches(lines):
            service.write(connection, serving.settings, organization_id, batch, now)


def _organization(serving: "Serving") -> UUID | None:
    with serving.database.transaction(None, PROJECTOR, reading=True) as connection:
        found: UUID | None = connection.execute(_ORGANIZATION, {"slug": DEFAULT_SLUG}).scalar_one_or_none()
    return found
