"""Calls to Qdrant: in bounded time, tried again where that helps, and left alone for a while after it was silent."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import pybreaker
import tenacity
from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from clew.kernel.errors import ConfigurationError
from clew.projections.vectors.errors import VectorEngineUnavailableError

Given = TypeVar("Given")
_ATTEMPTS: Final = 4
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 4.0
_FAILURES: Final = 3
_SILENT_SECONDS: Final = 5
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class QdrantAddress:
    """One server, and the prefix of the names of what belongs to this installation."""

    scheme: str
    host: str
    port: int
    prefix: str
    key: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout_seconds: int = 30

    @property
    def place(self) -> str:
        """For people: without the key."""
        return f"{self.scheme}://{self.host}:{self.port}/{self.prefix}"

    @property
    def is_safe(self) -> bool:
        """Whether what is sent is encrypted, or does not leave this machine."""
        return self.scheme == "https" or self.host in {"localhost", "::1"} or self.host.startswith("127.")


class QdrantConnection:
    """One client and how it is called. `place` is for people; `is_local`: the client's own engine, not a server."""

    def __init__(self, client: QdrantClient, place: str, *, is_local: bool = False) -> None:
        self._client = client
        self.place = place
        self.is_local = is_local
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=_FAILURES, reset_timeout=_SILENT_SECONDS, throw_new_error_on_trip=False
        )
        self._last_failure = ""

    def call(self, do: Callable[[QdrantClient], Given]) -> Given:
        """What a call gives. Raises VectorEngineUnavailableError, and ConfigurationError where the key is wrong.

        Everything that is asked of Qdrant may be asked twice.
        """
        try:
            done: Given = self._breaker.call(self._patiently, do)
        except pybreaker.CircuitBreakerError:
            raise self._silent(
                f"{self._last_failure}; after {_FAILURES} failures it is left alone for {_SILENT_SECONDS} s"
            ) from None
        return done

    def latency_seconds(self) -> float:
        """How long a small question takes."""
        began = time.perf_counter()
        self.call(lambda client: client.get_collections())
        return time.perf_counter() - began

    def version(self) -> str:
        """What answers."""
        told: Any = self.call(lambda client: client.info())
        return f"{told.title} {told.version}"

    def close(self) -> None:
        """Close the client."""
        self._client.close()

    def _patiently(self, do: Callable[[QdrantClient], Given]) -> Given:
        trying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            wait=lambda state: min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0**state.attempt_number) * (0.5 + _chance()),
            retry=tenacity.retry_if_exception_type(VectorEngineUnavailableError),
            reraise=True,
        )
        for attempt in trying:
            with attempt:
                return self._once(do)
        raise AssertionError("either answered or raised")

    def _once(self, do: Callable[[QdrantClient], Given]) -> Given:
        try:
            return do(self._client)
        except ResponseHandlingException as error:
            raise self._silent(f"Qdrant does not answer: {error.source}"[:200]) from error
        except UnexpectedResponse as error:
            if error.status_code in {401, 403}:
                raise ConfigurationError(
                    f"Qdrant refuses the key ({error.status_code})",
                    where=self.place,
                    remedy="correct CLEW_VECTORS_API_KEY",
                ) from error
            if error.status_code in _BUSY:
                raise self._silent(f"Qdrant is not able to answer now: {error.reason_phrase}") from error
            raise

    def _silent(self, message: str) -> VectorEngineUnavailableError:
        self._last_failure = message.partition("; after")[0]
        return VectorEngineUnavailableError(
            message, where=self.place, remedy="look whether it runs and is reached from here: `clew doctor`"
        )


@lru_cache(maxsize=4)
def connection_to(address: QdrantAddress) -> QdrantConnection:
    """The process's connection to a server: one pool, whoever asks."""
    more: dict[str, Any] = {"verify": str(address.ca_file)} if address.ca_file is not None else {}
    client = QdrantClient(
        url=f"{address.scheme}://{address.host}:{address.port}",
        api_key=address.key,
        timeout=address.timeout_seconds,
        check_compatibility=False,  # `clew doctor` tells the version; a warning on standard error tells nobody
        **more,
    )
    return QdrantConnection(client, address.place)


def _chance() -> float:
    return random.random() / 2  # noqa: S311  jitter, not a secret
