"""Whether the views follow the record."""

from collections.abc import Iterator

from clew.cli.diagnosis.finding import Finding, Status, checked
from clew.kernel.database import Database
from clew.kernel.settings import Settings
from clew.projections.keeping import status
from clew.projections.registry import projections

_LAG_SECONDS = 60.0
_OPEN_SECONDS = 300.0


def examine_engine(settings: Settings) -> Iterator[Finding]:
    """The search engine that the settings name: which it is, and how long it takes to answer. Nothing if none is."""
    if settings.search_url is None or settings.search == "none":
        return
    from clew.projections.search.elastic.opening import engine_connection

    connection = engine_connection(settings)
    identity = connection.identity()
    latency = connection.latency_seconds()
    yield Finding(
        "search engine", f"{identity} at {connection.address.place} answers in {latency * 1000:.0f} ms; {identity.note}"
    )
    if connection.address.scheme == "http" and not connection.address.is_local:
        yield Finding(
            "search engine",
            "what is searched for and found crosses the network unencrypted",
            Status.WARN,
            "serve the engine with TLS and write https:// in CLEW_SEARCH_URL",
        )


def examine_views(database: Database) -> Iterator[Finding]:
    """State, lag and rows set aside of every view, and transactions that are open for long."""
    found = status(database, projections(database.settings))
    if not found:
        yield Finding("search view", "switched off by CLEW_SEARCH")
        return
    for each in found:
        detail = f"{each.adapter}, {each.state}, {each.rows:,} rows, {each.lag_seconds:.0f} s behind"
        if each.state == "missing" and not each.lag_changes:
            yield Finding(f"{each.projection} view", "nothing to show yet")
            continue
        yield checked(
            f"{each.projection} view",
            f"{detail}: {each.reason or each.last_error}" if each.reason or each.last_error else detail,
            Status.WARN,
            "it is brought up to date by the next command that changes the record, or by `clew projection rebuild`",
            well=each.state == "ready" and each.lag_seconds < _LAG_SECONDS,
        )
        if each.set_aside:
            yield Finding(
                f"{each.projection} set aside",
                f"{each.set_aside:,} rows could not be shown",
                Status.WARN,
                "they are tried again when they change; the log says why they were refused",
            )
    for holder in found[0].held_back_by:
        if (holder.seconds or 0.0) > _OPEN_SECONDS:
            yield Finding(
                "open transaction",
                f"process {holder.pid} ({holder.application}) for {holder.seconds:.0f} s",
                Status.WARN,
                "what it changed shows when it commits; end it if nobody waits for it",
            )
