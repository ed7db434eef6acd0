"""The connection to Redis: who it is, whether it will do, and what happens while it does not answer.

Commands wait a bounded time. A connection that broke is made anew and the command repeated, which all of the adapter's
stand; one that is not answered in time is not, and after three such in a row a circuit breaker spares everybody the
waiting until one that is tried now and then is answered again.
"""

import contextlib
import re
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import redis
import structlog
from redis.backoff import ExponentialWithJitterBackoff
from redis.connection import parse_url
from redis.retry import Retry

from clew.kernel.cache.keys import INSTALLATION
from clew.kernel.cache.port import CacheUnavailableError
from clew.kernel.cache.redis.breaker import Breaker
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings

OLDEST: Final = (7, 0)
VARIABLE: Final = "CLEW_REDIS_URL"
_AWAY: Final = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.BusyLoadingError,
    redis.exceptions.ReadOnlyError,
    redis.exceptions.OutOfMemoryError,
)
_REPEATS: Final = 2

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Described:
    """What a Redis says of itself, for `clew doctor`."""

    address: str
    version: str
    milliseconds: float
    encrypted: bool
    memory_policy: str
    appends: bool
    used_bytes: int


class RedisConnection:
    """A pool of connections to the Redis that the settings name. Used by any number of threads."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is connected yet. Raises ConfigurationError for a URL or a file that cannot be used."""
        self.address = address_of(settings)
        self._timeout = settings.redis_timeout_seconds
        options = connection_options(settings)
        self.encrypted = options.get("connection_class") is redis.SSLConnection
        self._pool: Any = redis.BlockingConnectionPool(
            max_connections=settings.redis_pool_size,
            timeout=self._timeout,
            socket_timeout=self._timeout,
            socket_connect_timeout=settings.redis_connect_seconds,
            retry=Retry(ExponentialWithJitterBackoff(cap=0.1, base=0.02), _REPEATS, (redis.ConnectionError,)),
            client_name="clew",
            **options,
        )
        self.client: Any = redis.Redis(connection_pool=self._pool)
        self._breaker = Breaker()

    @property
    def is_away(self) -> bool:
        """Whether it is not waited for just now, since it did not answer of late."""
        return self._breaker.is_open

    @contextlib.contextmanager
    def asking(self) -> Iterator[Any]:
        """The client, for one command. Raises CacheUnavailableError if it is not answered, or was not of late."""
        if not self._breaker.allows():
            raise self._unavailable("did not answer of late")
        try:
            yield self.client
        except _AWAY as error:
            if self._breaker.failed():
                log.warning("Redis does not answer", redis=self.address, error=type(error).__name__)
            raise self._unavailable(f"does not answer ({_told(error)})") from error
        except redis.RedisError as error:
            self._breaker.succeeded()  # it answered
            raise self._unavailable(f"refuses a command ({_told(error)})") from error
        if self._breaker.succeeded():
            log.info("Redis answers again", redis=self.address)

    def require_usable(self, installation: str) -> None:
        """Make sure that it can be used, and is nobody else's.

        Raises ConfigurationError with what is wrong: not reached, password or rights, version, or another's.
        """
        try:
            version = self.client.info("server")["redis_version"]
            owner = self.client.set(INSTALLATION.key(), installation, nx=True, get=True)
        except (redis.AuthenticationError, redis.exceptions.NoPermissionError) as error:
            raise ConfigurationError(
                f"Redis refuses this user or password: {_told(error)}",
                where=self.address,
                remedy=f"correct {VARIABLE}; which rights a user of its own needs is in docs/how-to/use-redis.md",
            ) from error
        except redis.RedisError as error:
            raise ConfigurationError(
                f"Redis cannot be reached: {_told(error)}",
                where=self.address,
                remedy=f"start it, or correct {VARIABLE}; without that setting one server process needs no Redis",
            ) from error
        numbers = re.match(r"(\d+)\.(\d+)", str(version))
        if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST:
            raise ConfigurationError(
                f"this is Redis {version}", where=self.address, remedy="Clew needs Redis 7.0 or newer, or Valkey"
            )
        if owner is not None and owner != installation.encode():
            raise ConfigurationError(
                "this database of Redis is another installation's, whose limits and events would mix with these",
                where=self.address,
                remedy="name another one (…/1), or remove its key clew:installation if that installation is gone",
            )

    def describe(self) -> Described:
        """What it says of itself. Raises CacheUnavailableError."""
        with self.asking() as client:
            client.ping()
            began = time.perf_counter()
            client.ping()
            took = time.perf_counter() - began
            said = client.info()
        return Described(
            self.address,
            str(said.get("redis_version", "unknown")),
            1000 * took,
            self.encrypted,
            str(said.get("maxmemory_policy", "unknown")),
            bool(said.get("aof_enabled", 0)),
            int(said.get("used_memory", 0)),
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.disconnect()

    def _unavailable(self, what: str) -> CacheUnavailableError:
        return CacheUnavailableError(f"Redis {what}", where=self.address, remedy="see whether it runs")


def connection_options(settings: Settings) -> dict[str, Any]:
    """What redis-py is to be told: address, credentials, and for rediss:// how the certificate is checked.

    Raises ConfigurationError; it repeats no password.
    """
    url = settings.redis_url
    if url is None:
        raise ConfigurationError("no Redis is named", where=VARIABLE, remedy="write redis://user:password@host:6379/0")
    try:
        options = dict(parse_url(url.get_secret_value()))
    except ValueError:
        raise ConfigurationError(
            "this is not a valid Redis URL",
            where=VARIABLE,
            remedy="write redis://user:password@host:6379/0 (rediss:// with TLS), special characters percent-encoded",
        ) from None
    if unknown := options.keys() - {"username", "password", "host", "port", "db", "path", "connection_class"}:
        raise ConfigurationError(
            f"a Redis URL takes no {min(unknown)}", where=VARIABLE, remedy="use the other settings of Redis"
        )
    if options.get("connection_class") is redis.SSLConnection:
        options |= {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_min_version": ssl.TLSVersion.TLSv1_3}
        if settings.redis_ca_file is not None:
            if not settings.redis_ca_file.is_file():
                raise ConfigurationError(
                    "this file does not exist", where=str(settings.redis_ca_file), remedy="correct CLEW_REDIS_CA_FILE"
                )
            options["ssl_ca_certs"] = str(settings.redis_ca_file)
    return options


def address_of(settings: Settings) -> str:
    """Where Redis is, for people, without user and password."""
    parts = urlsplit(settings.redis_url.get_secret_value() if settings.redis_url else "")
    if parts.scheme == "unix":
        return f"Redis at {parts.path}"
    try:
        port = parts.port or 6379
    except ValueError:
        port = 6379
    return f"Redis at {parts.hostname or 'localhost'}:{port}{parts.path if parts.path != '/' else ''}"


def _told(error: Exception) -> str:
    """An error of the library's in one line; it may name the server, never a credential."""
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
