"""Requests to an InfluxDB 1.x: signed in, verified, in bounded time, and tried again where that helps.

Writes are line protocol, compressed; questions are InfluxQL whose values are bound parameters. A server that has been
silent for a while is left alone, and whoever asks is told so at once.
"""

import atexit
import gzip
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final

import httpx2
import orjson
import pybreaker
import tenacity

from clew.kernel.errors import ClewError, ConfigurationError
from clew.projections.series.influx.address import InfluxAddress

_RETRIES: Final = 4
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_FAILURES: Final = 3
_SILENT_SECONDS: Final = 5
_CHUNK_ROWS: Final = 100_000
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
_READ_ONLY: Final = re.compile(r"read.?only", re.IGNORECASE)


class InfluxUnavailableError(ClewError):
    """InfluxDB does not answer, or not now."""

    code: ClassVar[str] = "series_engine_unavailable"
    exit_code: ClassVar[int] = 9
    transient: ClassVar[bool] = True


class InfluxError(ClewError):
    """InfluxDB did not do what was asked."""

    code: ClassVar[str] = "series_engine"
    exit_code: ClassVar[int] = 9


@dataclass(frozen=True, slots=True)
class Rows:
    """A part of an answer: the tags that it is of, and rows of columns."""

    measurement: str
    tags: Mapping[str, str]
    columns: tuple[str, ...]
    values: list[list[Any]]


class InfluxConnection:
    """A pool of connections to one server. Usable from several threads."""

    def __init__(self, address: InfluxAddress) -> None:
        self.address = address
        verify = _verifying(address) if address.scheme == "https" else True
        self._client = httpx2.Client(
            base_url=address.base,
            auth=None if address.user is None else (address.user, address.password),
            timeout=httpx2.Timeout(address.timeout_seconds, connect=min(5.0, address.timeout_seconds)),
            verify=verify,
            trust_env=False,
            follow_redirects=False,
        )
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=_FAILURES, reset_timeout=_SILENT_SECONDS, throw_new_error_on_trip=False
        )
        self._last_failure = ""
        self._guard = threading.Lock()
        self._version: str | None = None

    def write(self, database: str, policy: str, lines: bytes) -> None:
        """Write lines, times in microseconds. Raises InfluxUnavailableError, InfluxError, ConfigurationError."""
        parameters = {"db": database, "rp": policy, "precision": "u"}
        body = gzip.compress(lines, compresslevel=1)
        self._request("POST", "/write", parameters, body, {"content-encoding": "gzip"})

    def ask(self, statement: str, bound: Mapping[str, str] | None = None) -> list[Rows]:
        """What a question that changes nothing gives. `bound`: values of its $names."""
        return list(self._answers(statement, bound))

    def tell(self, statement: str) -> None:
        """Have a statement carried out that changes something: names in it are `quoted`, values written by us."""
        list(self._answers(statement, None))

    def delete(self, database: str, statements: str) -> None:
        """Have DELETE or DROP SERIES statements carried out in a database; nothing that matches is no error."""
        list(self._answers(statements, None, database))

    def version(self) -> str:
        """The server's version, asked once. Raises ConfigurationError for one that Clew does not work with."""
        with self._guard:
            if self._version is None:
                found = self._request("GET", "/ping", {}, None, {}).headers.get("x-influxdb-version", "")
                version = found.removeprefix("v")
                if not version.startswith("1."):
                    raise ConfigurationError(
                        f"what answers is no InfluxDB 1.x but {version[:40] or 'something else'}",
                        where=self.address.place,
                        remedy="name a server of version 1.6 to 1.11; 2.x and 3.x cannot delete by InfluxQL",
                    )
                self._version = version
            return self._version

    def databases(self) -> list[str]:
        """The databases of this installation."""
        names = [str(row[0]) for rows in self.ask("SHOW DATABASES") for row in rows.values]
        return sorted(name for name in names if name.startswith(f"{self.address.prefix}_"))

    def latency_seconds(self) -> float:
        """How long the server takes to answer a small question."""
        began = time.perf_counter()
        self._request("GET", "/ping", {}, None, {})
        return time.perf_counter() - began

    def close(self) -> None:
        """Close the pool."""
        self._client.close()

    def _answers(self, statement: str, bound: Mapping[str, str] | None, database: str | None = None) -> Iterator[Rows]:
        parameters = {"q": statement, "epoch": "u", "chunked": "true", "chunk_size": str(_CHUNK_ROWS)}
        if database is not None:
            parameters["db"] = database
        if bound:
            parameters["params"] = orjson.dumps(dict(bound)).decode()
        response = self._request("POST", "/query", {}, parameters, {})
        for line in response.content.splitlines():
            found = _read(line)
            if "results" not in found:
                raise self._silent(f"what answers is no InfluxDB: {line[:80]!r}")
            for result in found["results"]:
                if "error" in result:
                    raise self._refused(str(result["error"]))
                for series in result.get("series", ()):
                    columns = tuple(series["columns"])
                    yield Rows(series.get("name", ""), series.get("tags", {}), columns, series.get("values", []))

    def _request(
        self,
        method: str,
        target: str,
        parameters: Mapping[str, str],
        body: bytes | dict[str, str] | None,
        headers: Mapping[str, str],
    ) -> httpx2.Response:
        try:
            response: httpx2.Response = self._breaker.call(self._patiently, method, target, parameters, body, headers)
        except pybreaker.CircuitBreakerError:
            raise self._silent(
                f"{self._last_failure}; after {_FAILURES} failures it is left alone for {_SILENT_SECONDS} s"
            ) from None
        if response.status_code in {401, 403}:
            raise ConfigurationError(
                "InfluxDB refuses the login", where=self.address.place, remedy="correct it in CLEW_INFLUXDB_URL"
            )
        if response.status_code >= 300:
            raise self._refused(_reason(response))
        return response

    def _patiently(self, *request: Any) -> httpx2.Response:
        """Tried again with growing pauses: every request of ours may be done twice."""
        patience = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_RETRIES),
            wait=tenacity.wait_exponential_jitter(multiplier=0.1, max=2.0, jitter=0.2),
            retry=tenacity.retry_if_exception_type(InfluxUnavailableError),
            reraise=True,
        )
        response: httpx2.Response = patience(self._once, *request)
        return response

    def _once(
        self,
        method: str,
        target: str,
        parameters: Mapping[str, str],
        body: bytes | dict[str, str] | None,
        headers: Mapping[str, str],
    ) -> httpx2.Response:
        content = {"data": body} if isinstance(body, dict) else {"content": body}
        try:
            response = self._client.request(
                method,
                target,
                params=dict(parameters),
                headers=dict(headers),
                **content,
            )
        except httpx2.HTTPError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError) or "CERTIFICATE_VERIFY" in str(error):
                raise ConfigurationError(
                    f"the connection is not trusted: {error}"[:300],
                    where=self.address.place,
                    remedy="name the certificate authority of the server in CLEW_INFLUXDB_CA_FILE",
                ) from error
            raise self._silent(f"InfluxDB does not answer: {str(error) or type(error).__name__}"[:200]) from error
        if response.status_code in _BUSY or _READ_ONLY.search(_reason(response) if response.status_code >= 400 else ""):
            raise self._silent(f"InfluxDB is not able to do it now: {_reason(response)}")
        return response

    def _silent(self, message: str) -> InfluxUnavailableError:
        self._last_failure = message.partition("; after")[0]
        return InfluxUnavailableError(
            message, where=self.address.place, remedy="look whether it runs and is reached from here: `clew doctor`"
        )

    def _refused(self, reason: str) -> InfluxError:
        return InfluxError(
            f"InfluxDB did not do it: {reason[:300]}",
            where=self.address.place,
            remedy="see its log; if what it holds is damaged, rebuild it with `clew projection rebuild`",
        )


@lru_cache(maxsize=4)
def connection_to(address: InfluxAddress) -> InfluxConnection:
    """The process's connections to a server: one pool, whoever asks."""
    connection = InfluxConnection(address)
    atexit.register(connection.close)
    return connection


def quoted(name: str) -> str:
    """A name of ours as InfluxQL has it. Raises ValueError for one that is none of ours."""
    if _NAME.fullmatch(name) is None:
        raise ValueError("names of databases, policies and measurements are letters, digits and _")
    return f'"{name}"'


def _read(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _reason(response: httpx2.Response) -> str:
    told = _read(response.content).get("error")
    return str(told or response.text[:200] or f"status {response.status_code}")


def _verifying(address: InfluxAddress) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(address.ca_file) if address.ca_file is not None else None)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(
            f"these certificates cannot be read: {error}", where="CLEW_INFLUXDB_CA_FILE", remedy="name a file in PEM"
        ) from error
