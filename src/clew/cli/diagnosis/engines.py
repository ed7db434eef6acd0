"""Engines beside the database: each that the settings name is asked who it is and how fast it answers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

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


def _is_local(settings: Settings) -> bool:
    url = "" if settings.redis_url is None else settings.redis_url.get_secret_value()
    host = url.rpartition("@")[2] if "@" in url else url.partition("://")[2]
    return url.startswith("unix:") or host.startswith(("127.", "localhost", "[::1]"))


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


CHECKS: Final[Mapping[str, Check]] = {"redis": examine_redis, "vectors": examine_vectors}
"""One of each engine; a new one is a line here."""
