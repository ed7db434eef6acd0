"""Calls to a MongoDB: signed in, verified, in bounded time. One that has been silent is left alone for a while."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

import pybreaker
import pymongo
from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo.database import Database
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
    WTimeoutError,
)
from pymongo.errors import (
    ConfigurationError as UnusableUrlError,
)
from pymongo.write_concern import WriteConcern

from clew.kernel.errors import ConfigurationError
from clew.projections.documents.errors import DocumentStoreError, DocumentStoreUnavailableError
from clew.projections.documents.mongo.address import VARIABLE, MongoAddress

Mongo = Database[dict[str, Any]]
Given = TypeVar("Given")

_LEAST: Final = (4, 4)
_FAILURES: Final = 3
_SILENT_SECONDS: Final = 5
_CONNECT_SECONDS: Final = 5.0
_TOPOLOGIES: Final = {
    "Single": "standalone",
    "ReplicaSetWithPrimary": "replica set",
    "ReplicaSetNoPrimary": "replica set without a primary",
    "Sharded": "sharded",
    "LoadBalanced": "behind a balancer",
}
# Error codes of the server: https://www.mongodb.com/docs/manual/reference/error-codes/
_LOGIN: Final = frozenset({11, 13, 18, 8000})
_PASSING: Final = frozenset({89, 91, 112, 189, 262, 10058, 10107, 11600, 11602, 13435, 13436, 50, 64, 14031, 20})


@dataclass(frozen=True, slots=True)
class MongoIdentity:
    """Which server answers."""

    version: str
    topology: str

    def __str__(self) -> str:
        return f"MongoDB {self.version} ({self.topology})"


class MongoConnection:
    """A pool of connections to one MongoDB. Usable from several threads."""

    def __init__(self, address: MongoAddress) -> None:
        self.address = address
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=_FAILURES,
            reset_timeout=_SILENT_SECONDS,
            throw_new_error_on_trip=False,
            exclude=[DocumentStoreError, ConfigurationError, BulkWriteError],  # it answers
        )
        self._last_failure = ""
        milliseconds = int(address.timeout_seconds * 1000)
        waiting = int(min(address.timeout_seconds, _CONNECT_SECONDS) * 1000)
        trusted: dict[str, Any] = {"tlsCAFile": str(address.ca_file)} if address.ca_file is not None else {}
        try:
            self._client: pymongo.MongoClient[dict[str, Any]] = pymongo.MongoClient(
                address.url,
                appname="clew",
                connectTimeoutMS=waiting,
                serverSelectionTimeoutMS=waiting,
                socketTimeoutMS=milliseconds,
                connect=False,
                **trusted,
            )
        except (UnusableUrlError, InvalidURI, ValueError):
            raise ConfigurationError(
                "this URL, or an option in it, is not understood", where=VARIABLE, remedy="see docs/how-to/run-engines"
            ) from None

    def run(self, work: Callable[[Mongo], Given]) -> Given:
        """What the work on the installation's database gives.

        Raises DocumentStoreUnavailableError, DocumentStoreError, and ConfigurationError where the login is refused.
        BulkWriteError passes: whoever writes many knows which of them it means.
        """
        try:
            given: Given = self._breaker.call(self._perform, work)
        except pybreaker.CircuitBreakerError:
            raise DocumentStoreUnavailableError(
                f"{self._last_failure}; after {_FAILURES} failures it is left alone for {_SILENT_SECONDS} s",
                where=self.address.place,
                remedy="look whether it runs: `clew doctor`",
            ) from None
        return given

    def identity(self) -> MongoIdentity:
        """Which server answers. Raises ConfigurationError for one that is too old."""
        told = self.run(lambda mongo: mongo.client.server_info())
        version = str(told["version"])
        if tuple(told.get("versionArray", (0, 0)))[:2] < _LEAST:
            raise ConfigurationError(
                f"MongoDB {version} is older than what Clew works with",
                where=self.address.place,
                remedy="use MongoDB 5 or newer",
            )
        return MongoIdentity(version, _TOPOLOGIES.get(self._client.topology_description.topology_type_name, "unknown"))

    def latency_seconds(self) -> float:
        """How long the server takes to answer a small question."""
        began = time.perf_counter()
        self.run(lambda mongo: mongo.command("ping"))
        return time.perf_counter() - began

    def close(self) -> None:
        """Close the pool."""
        self._client.close()

    def _perform(self, work: Callable[[Mongo], Given]) -> Given:
        options: CodecOptions[dict[str, Any]] = CodecOptions(
            tz_aware=True, datetime_conversion=DatetimeConversion.DATETIME_AUTO
        )
        mongo = self._client.get_database(
            self.address.database, codec_options=options, write_concern=WriteConcern(w="majority")
        )
        try:
            return work(mongo)
        except BulkWriteError as error:
            self._raise_if_passing(error)
            raise
        except (ConnectionFailure, AutoReconnect, ExecutionTimeout, WTimeoutError, WriteConcernError) as error:
            raise self._silent(error) from error
        except OperationFailure as error:
            if error.code in _LOGIN:
                raise ConfigurationError(
                    f"MongoDB refuses this login: {_said(error)}",
                    where=self.address.place,
                    remedy=f"correct the user or password in {VARIABLE}, or grant it readWrite on the database",
                ) from None
            if error.code in _PASSING:
                raise self._silent(error) from error
            raise self._failed(error) from error
        except PyMongoError as error:
            raise self._failed(error) from error

    def _raise_if_passing(self, error: BulkWriteError) -> None:
        """Where all of a bulk was refused for what will pass, or because of who asks, it says nothing about rows."""
        told = error.details.get("writeErrors", ())
        if error.details.get("writeConcernErrors") or any(each.get("code") in _PASSING for each in told):
            raise self._silent(error) from error
        if any(each.get("code") in _LOGIN for each in told):
            raise self._failed(error) from error

    def _silent(self, error: Exception) -> DocumentStoreUnavailableError:
        self._last_failure = f"MongoDB does not do what is asked now: {_said(error)}"
        return DocumentStoreUnavailableError(
            self._last_failure,
            where=self.address.place,
            remedy="look whether it runs and is reached from here: `clew doctor`",
        )

    def _failed(self, error: Exception) -> DocumentStoreError:
        return DocumentStoreError(
            f"MongoDB did not do what was asked: {_said(error)}",
            where=self.address.place,
            remedy="see its log; if what it holds is damaged, `clew projection rebuild documents`",
        )


@lru_cache(maxsize=4)
def connection_to(address: MongoAddress) -> MongoConnection:
    """The process's connections to a MongoDB: one pool, whoever asks."""
    return MongoConnection(address)


def _said(error: Exception) -> str:
    """The driver's words, without its description of the topology."""
    return str(error).partition(", Timeout:")[0].partition(", full error:")[0][:300]
