"""The scheduler's part in how indices of a search engine grow old."""

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from clew.kernel.settings import Settings

LOOK_SECONDS: Final = 3600.0


def age_indices(settings: Settings, stop: threading.Event) -> None:
    """Every hour, do what is due to the indices that are only added to, until `stop` is set.

    Raises what the engine's connection raises; whoever calls begins again later.
    """
    from clew.projections.search.elastic.ageing import Ageing  # noqa: PLC0415  loads the engine's client
    from clew.projections.search.elastic.lifecycle import DAILY_POLICY  # noqa: PLC0415
    from clew.projections.search.elastic.names import Names  # noqa: PLC0415
    from clew.projections.search.elastic.opening import engine_connection  # noqa: PLC0415

    connection = engine_connection(settings)
    connection.identity()
    ageing = Ageing(
        connection,
        Names(connection.address.prefix),
        repository=settings.search_archive,
        replicas=settings.search_replicas,
    )
    daily = replace(DAILY_POLICY, end_days=settings.search_archive_days)
    while not stop.is_set():
        ageing.run(datetime.now(UTC), {daily.name: daily})
        stop.wait(LOOK_SECONDS)
