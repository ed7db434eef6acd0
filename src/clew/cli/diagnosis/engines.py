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


def examine_influxdb(settings: Settings) -> Iterator[Finding]:
    """The InfluxDB that series are copied to: version, latency, encryption. Nothing if none is named."""
    if settings.influxdb_url is None:
        return
    from clew.projections.series.influx.opening import influx_connection

    connection = influx_connection(settings)
    version, latency = connection.version(), connection.latency_seconds()
    connection.databases()  # asks for the login
    address = connection.address
    yield checked(
        "influxdb",
        f"version {version} at {address.place} answers in {latency * 1000:.0f} ms",
        Status.WARN,
        "its password and what is measured cross the network in the clear: serve it with TLS and write https://",
        well=address.scheme == "https" or address.is_local,
    )


def examine_vectors(settings: Settings) -> Iterator[Finding]:
    """The Qdrant that the settings name: which it is, and how long it takes to answer. Nothing if none is."""
    if settings.vectors_url is None or settings.vectors == "none":
        return
    from clew.projections.vectors.qdrant.opening import address_of, qdrant_connection

    connection = qdrant_connection(settings)
    said, latency = connection.version(), connection.latency_seconds()
    yield checked(
        "vector engine",
        f"{said} at {connection.place} answers in {latency * 1000:.0f} ms",
        Status.WARN,
        "vectors and the API key cross the network in the clear: serve it with TLS and write https://",
        well=address_of(settings).is_safe,
    )


CHECKS: Final[Mapping[str, Check]] = {
    "redis": examine_redis,
    "graph engine": examine_neo4j,
    "influxdb": examine_influxdb,
    "vectors": examine_vectors,
    "documents": examine_documents,
    "files": examine_files,
}
"""One of each engine; a new one is a line here."""
