"""Engines beside the database: each that the settings name is asked who it is and how fast it answers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from clew.cli.diagnosis.documents import examine_documents
from clew.cli.diagnosis.files import examine_files
from clew.cli.diagnosis.finding import Finding, Status, checked
from clew.cli.diagnosis.machine import written_size
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.settings import Settings

Check = Callable[[Settings], Iterator[Finding]]


def examine_redis(settings: Settings) -> Iterator[Finding]:
    """The Redis that server processes share: version, latency, encryption, what it does when it is full."""
    if settings.redis_url is None:
        yield Finding("redis", "none is named: limits, caches and live events are in the server process's memory")
        return
    from clew.kernel.cache.redis.connection import RedisConnection

    connection = RedisConnection(settings)
    try:
        connection.require_usable(InstallationSecret.of(settings).fingerprint)
        said = connection.describe()
    finally:
        connection.close()
    how = "TLS" if said.encrypted else "not encrypted"
    yield checked(
        "redis",
        f"{said.address}: version {said.version}, {said.milliseconds:.2f} ms, {how}",
        Status.WARN,
        "its password and what is cached cross the network in the clear: use rediss:// and CLEW_REDIS_CA_FILE",
        well=said.encrypted or _is_local(settings),
    )
    keeps = "appends to a file" if said.appends else "keeps nothing over a restart"
    yield checked(
        "redis memory",
        f"{written_size(said.used_bytes)} used, {said.memory_policy} when full, {keeps}",
        Status.WARN,
        "full, it refuses every write: take the settings that `clew db redis-conf` prints",
        well=said.memory_policy != "noeviction",
    )


def examine_neo4j(settings: Settings) -> Iterator[Finding]:
    """The Neo4j server that keeps the graph view: version, latency, encryption. Nothing if none is named."""
    if settings.graph_url is None or settings.graph == "none":
        return
    from clew.projections.graph.neo4j.connection import TESTED
    from clew.projections.graph.neo4j.opening import engine_connection

    connection = engine_connection(settings)
    version = connection.version()
    tested = version.startswith(TESTED)
    note = (
        "the contract of the graph port is tested on this version" if tested else f"the contract is tested on {TESTED}"
    )
    latency = connection.latency_seconds()
    address = connection.address
    yield checked(
        "graph engine",
        f"Neo4j {version} at {address.place} answers in {latency * 1000:.0f} ms; {note}",
        Status.WARN,
        "its password and what is asked cross the network in the clear: use bolt+s:// and CLEW_GRAPH_CA_FILE",
        well=address.encrypted or address.is_local,
    )


def _is_local(settings: Settings) -> bool:
    url = "" if settings.redis_url is None else settings.redis_url.get_secret_value()
    host = url.rpartition("@")[2] if "@" in url else url.partition("://")[2]
    return url.startswith("unix:") or host.startswith(("127.", "localhost", "[::1]"))


CHECKS: Final[Mapping[str, Check]] = {
    "redis": examine_redis,
    "graph engine": examine_neo4j,
    "documents": examine_documents,
    "files": examine_files,
}
"""One of each engine; a new one is a line here."""
