"""Statements to a Neo4j server: signed in, verified, in bounded time, tried again where that helps.

Every statement is a constant of this package; what callers ask for goes into parameters, never into its text.
A server that has been silent for a while is left alone, and whoever asks is told so at once.
"""

import logging
import re
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, TypeVar

import neo4j
import pybreaker
from neo4j.exceptions import AuthError, ConfigurationError, DriverError, Neo4jError, TransientError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from clew.kernel import errors
from clew.projections.graph.errors import GraphEngineReadOnlyError, GraphEngineUnavailableError, GraphViewError
from clew.projections.graph.neo4j.address import GraphAddress

_FAILURES: Final = 3
_SILENT_SECONDS: Final = 5
_RETRY_SECONDS: Final = 5.0
_POOL: Final = 16
_FETCHED: Final = 1_000
_SUPPORTED: Final = re.compile(r"5\.\d+|20\d\d\.\d+")
TESTED: Final = "5.26"
_READ_ONLY: Final = re.compile(r"Neo\.\w+\.\w+\.\w*ReadOnly\w*|Neo\.ClientError\.Cluster\.NotALeader")
# What lies in a statement or its rows, not in the server's state, however often it is sent.
_OF_THE_STATEMENT: Final = re.compile(r"Neo\.ClientError\.(Schema|Statement(?!\.AccessMode))")

Row = dict[str, Any]
T = TypeVar("T")


class GraphConnection:
    """A pool of connections to one server. Usable from several threads."""

    def __init__(self, address: GraphAddress) -> None:
        self.address = address
        options: dict[str, Any] = {}
        if address.ca_file is not None:
            options = {"encrypted": True, "trusted_certificates": neo4j.TrustCustomCAs(str(address.ca_file))}
        self._driver = neo4j.GraphDatabase.driver(
            address.uri,
            auth=(address.user, address.password) if address.user else None,
            connection_timeout=address.connect_seconds,
            connection_acquisition_timeout=address.connect_seconds + address.timeout_seconds,
            max_connection_pool_size=_POOL,
            max_transaction_retry_time=_RETRY_SECONDS,
            liveness_check_timeout=30.0,
            user_agent="clew",
            notifications_min_severity="OFF",
            telemetry_disabled=True,
            **options,
        )
        # Each failure of a statement is told by whoever asked, once.
        logging.getLogger("neo4j").setLevel(logging.CRITICAL)
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=_FAILURES,
            reset_timeout=_SILENT_SECONDS,
            throw_new_error_on_trip=False,
            exclude=[lambda error: not _is_silence(error)],
        )
        self._last_failure = ""
        self._guard = threading.Lock()
        self._version: str | None = None

    def read(self, statement: str, **parameters: Any) -> list[Row]:
        """The rows of a statement that changes nothing."""
        return self._guarded(lambda: self._read(statement, parameters))

    def stream(self, statement: str, **parameters: Any) -> Iterator[Row]:
        """The rows one after the other, as the server finds them; without a limit of time on the whole."""
        try:
            with self._driver.session(
                database=self.address.database, default_access_mode=neo4j.READ_ACCESS, fetch_size=_FETCHED
            ) as session:
                for record in session.run(statement, parameters):
                    yield record.data()
        except (Neo4jError, DriverError, OSError) as error:
            raise self._told(error) from error

    def write(self, work: Callable[[neo4j.ManagedTransaction], T]) -> T:
        """Do some work as one transaction; all of it again after what may pass."""
        bounded = neo4j.unit_of_work(timeout=self.address.timeout_seconds * 10)(work)

        def done() -> T:
            with self._driver.session(database=self.address.database) as session:
                return session.execute_write(bounded)

        return self._guarded(done)

    def run(self, statement: str, **parameters: Any) -> None:
        """Run a statement by itself: of the schema, or one that commits in pieces."""

        def done() -> None:
            with self._driver.session(database=self.address.database) as session:
                session.run(statement, parameters).consume()

        self._guarded(done)

    def version(self) -> str:
        """The server's version. Asked once; raises ConfigurationError if it is none that Clew works with."""
        with self._guard:
            if self._version is None:
                (row,) = self.read("CALL dbms.components() YIELD name, versions RETURN name, versions[0] AS version")
                if _SUPPORTED.match(row["version"]) is None:
                    raise errors.ConfigurationError(
                        f"Neo4j {row['version']} is not supported",
                        where=self.address.place,
                        remedy="Clew works with Neo4j 5 and later",
                    )
                self._version = str(row["version"])
            return self._version

    def latency_seconds(self) -> float:
        """How long the server takes to answer a small question."""
        began = time.perf_counter()
        self.read("RETURN 1 AS one")
        return time.perf_counter() - began

    def close(self) -> None:
        """Close the pool."""
        self._driver.close()

    def _read(self, statement: str, parameters: Row) -> list[Row]:
        """One trip: a transaction of its own would be three, and show no other state than each statement does."""
        text: Any = statement
        bounded = neo4j.Query(text, timeout=self.address.timeout_seconds)

        def work() -> list[Row]:
            with self._driver.session(
                database=self.address.database, default_access_mode=neo4j.READ_ACCESS, fetch_size=_FETCHED
            ) as session:
                return [
                    dict(zip(record.keys(), record.values(), strict=True))
                    for record in session.run(bounded, parameters)
                ]

        trying = Retrying(
            retry=retry_if_exception(_may_pass),
            wait=wait_random_exponential(multiplier=0.1, max=1.0),
            stop=stop_after_delay(_RETRY_SECONDS),
            reraise=True,
        )
        return trying(work)

    def _guarded(self, work: Callable[[], T]) -> T:
        def tried() -> T:
            try:
                return work()
            except (Neo4jError, DriverError, OSError) as error:
                raise self._told(error) from error

        try:
            return self._breaker.call(tried)
        except pybreaker.CircuitBreakerError:
            raise GraphEngineUnavailableError(
                f"{self._last_failure}; after {_FAILURES} failures it is left alone for {_SILENT_SECONDS} s",
                where=self.address.place,
                remedy="look whether it runs: `clew doctor`",
            ) from None

    def _told(self, error: Exception) -> errors.ClewError:
        """The product's error for the driver's."""
        said = str(getattr(error, "message", None) or error)[:300]
        if isinstance(error, AuthError):
            return errors.ConfigurationError(
                f"Neo4j refuses this login: {said}", where=self.address.place, remedy="correct the user or password"
            )
        untrusted = _about_certificates(error)
        if isinstance(error, ConfigurationError) or untrusted is not None:
            return errors.ConfigurationError(
                f"the connection is not trusted: {untrusted or said}",
                where=self.address.place,
                remedy="name the certificate authority of the server in CLEW_GRAPH_CA_FILE",
            )
        code = str(getattr(error, "code", ""))
        if _READ_ONLY.match(code):
            return GraphEngineReadOnlyError(
                f"Neo4j is read-only: {said}",
                where=self.address.place,
                remedy="what changes is written as soon as it takes writes; look at its disk and configuration",
            )
        if _OF_THE_STATEMENT.match(code) and not isinstance(error, TransientError):
            return RefusedStatementError(
                f"Neo4j did not do what was asked: {said}",
                where=self.address.place,
                remedy="see the server's log; if what it holds is damaged, rebuild it with `clew projection rebuild`",
            )
        if code.startswith("Neo.ClientError.Security"):
            return errors.ConfigurationError(
                f"Neo4j forbids it to this login: {said}",
                where=self.address.place,
                remedy="grant it reading, writing, and making constraints and indexes",
            )
        self._last_failure = f"Neo4j does not answer: {said}"
        return GraphEngineUnavailableError(
            self._last_failure,
            where=self.address.place,
            remedy="look whether it runs and is reached from here: `clew doctor`",
        )


class RefusedStatementError(GraphViewError):
    """The server will not do this, however often it is asked."""


def _is_silence(error: BaseException) -> bool:
    """Whether the server is to be left alone for a while. One that only reads is read."""
    return isinstance(error, GraphEngineUnavailableError) and not isinstance(error, GraphEngineReadOnlyError)


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, (Neo4jError, DriverError)) and error.is_retryable()


def _about_certificates(error: BaseException | None) -> str | None:
    """What a certificate lacks, if that is what is behind an error of the driver."""
    for _ in range(10):
        if error is None:
            return None
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"certificate: {error.verify_message}"
        error = error.__cause__ or error.__context__
    return None


@lru_cache(maxsize=4)
def connection_to(address: GraphAddress) -> GraphConnection:
    """The process's connections to a server: one pool, whoever asks."""
    return GraphConnection(address)
