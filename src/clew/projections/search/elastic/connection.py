"""Requests to a search engine: signed in, verified, in bounded time, and tried again where that helps.

An engine that has been silent for a while is left alone, and whoever asks is told so at once. The calls are those that
Elasticsearch 7.10 to 9 and OpenSearch 1 to 3 share; nothing here knows which of them answers, but for `identity`.
"""

import logging
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

import elastic_transport
import orjson
import pybreaker

from clew.kernel.errors import ConfigurationError
from clew.projections.search.elastic.address import EngineAddress
from clew.projections.search.elastic.versions import EngineIdentity, identity_of
from clew.projections.search.errors import SearchEngineUnavailableError, SearchViewError

_JSON: Final = "application/json"
_LINES: Final = "application/x-ndjson"
_RETRIES: Final = 4
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 4.0
_BUSY: Final = (429, 502, 503, 504)
_FAILURES: Final = 3
_SILENT_SECONDS: Final = 5
_POOL: Final = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine said. `body`: JSON (an object or a list), {} where there is none."""

    status: int
    body: Any

    @property
    def well(self) -> bool:
        """Whether it did what was asked."""
        return self.status < 300

    @property
    def reason(self) -> str:
        """What the engine says was wrong, in one line."""
        error = self.body.get("error") if isinstance(self.body, dict) else None
        if not isinstance(error, dict):
            return str(error or self.body)[:300] or f"status {self.status}"
        causes = [cause for cause in (error, *error.get("root_cause", ())) if isinstance(cause, dict)]
        caused = error.get("caused_by")
        if isinstance(caused, dict):
            causes.append(caused)
        told = dict.fromkeys(f"{cause.get('type')}: {cause.get('reason')}" for cause in causes)
        return "; ".join(told)[:600]


class _Serializer(elastic_transport.JsonSerializer):
    """JSON whose numbers are the same after reading and writing."""

    def loads(self, data: bytes) -> Any:
        return orjson.loads(data)

    def dumps(self, data: Any) -> bytes:
        return data if isinstance(data, bytes) else orjson.dumps(data)


class _Lines(_Serializer):
    mimetype = _LINES


class EngineConnection:
    """A pool of connections to one engine. Usable from several threads."""

    def __init__(self, address: EngineAddress) -> None:
        self.address = address
        headers = {"authorization": address.authorization} if address.authorization else {}
        node = elastic_transport.NodeConfig(
            address.scheme,
            address.host,
            address.port,
            headers=headers,
            connections_per_node=_POOL,
            request_timeout=address.timeout_seconds,
            http_compress=False,
            ssl_context=_verifying(address) if address.scheme == "https" else None,
        )
        self._transport = elastic_transport.Transport(
            [node],
            serializers={_JSON: _Serializer(), _LINES: _Lines()},
            meta_header=False,
            max_retries=_RETRIES,
            retry_on_status=_BUSY,
            retry_backoff_base=_FIRST_PAUSE,
            retry_backoff_cap=_LONGEST_PAUSE,
            dead_node_backoff_factor=0.0,  # of one node there is no other to turn to
        )
        self._breaker = pybreaker.CircuitBreaker(
            fail_max=_FAILURES, reset_timeout=_SILENT_SECONDS, throw_new_error_on_trip=False
        )
        # Each failure of a request is told by whoever asked, once.
        logging.getLogger("elastic_transport").setLevel(logging.CRITICAL)
        self._last_failure = ""
        self._guard = threading.Lock()
        self._identity: EngineIdentity | None = None

    def request(
        self,
        method: str,
        target: str,
        body: Mapping[str, Any] | bytes | None = None,
        *,
        timeout_seconds: float | None = None,
    ) -> Answer:
        """The engine's answer, whatever it says. Bytes are lines of a bulk request.

        Raises SearchEngineUnavailableError, and ConfigurationError where the login or certificate is wrong.
        """
        try:
            answer: Answer = self._breaker.call(
                self._perform, method, target, body, timeout_seconds or self.address.timeout_seconds
            )
        except pybreaker.CircuitBreakerError:
            raise SearchEngineUnavailableError(
                f"{self._last_failure}; after {_FAILURES} failures it is left alone for {_SILENT_SECONDS} s",
                where=self.address.place,
                remedy="look whether it runs: `clew doctor`",
            ) from None
        if answer.status in {401, 403} and "cluster_block" not in answer.reason:
            raise ConfigurationError(
                f"the search engine refuses this login: {answer.reason}",
                where=self.address.place,
                remedy="correct the user, password or API key, or grant it what docs/how-to names",
            )
        return answer

    def succeed(
        self, method: str, target: str, body: Mapping[str, Any] | None = None, *, timeout_seconds: float | None = None
    ) -> Any:
        """The body of an answer that says that it was done. Raises SearchViewError, and what `request` raises."""
        answer = self.request(method, target, body, timeout_seconds=timeout_seconds)
        if not answer.well:
            raise self.failed(answer, target)
        return answer.body

    def failed(self, answer: Answer, target: str) -> SearchViewError:
        """The error for an answer that says that it was not done."""
        return SearchViewError(
            f"the search engine did not do {target.partition('?')[0][:80]}: {answer.reason}",
            where=self.address.place,
            remedy="see the engine's log; if what it holds is damaged, rebuild it with `clew projection rebuild`",
        )

    def names_like(self, pattern: str) -> list[str]:
        """The names of all indices, closed ones too, that a pattern with * in it (or several, with commas) matches."""
        target = f"/{quoted(pattern)}/_settings/index.uuid?flat_settings=true&expand_wildcards=open,closed"
        answer = self.request("GET", target)
        if not answer.well and answer.status != 404:
            raise self.failed(answer, target)
        return sorted(answer.body) if answer.well else []

    def identity(self) -> EngineIdentity:
        """Which engine answers. Asked once; raises ConfigurationError if it is none that Clew works with."""
        with self._guard:
            if self._identity is None:
                self._identity = identity_of(self.succeed("GET", "/"), self.address.place)
            return self._identity

    def latency_seconds(self) -> float:
        """How long the engine takes to answer a small question."""
        began = time.perf_counter()
        self.succeed("GET", "/_cluster/health?filter_path=status")
        return time.perf_counter() - began

    def close(self) -> None:
        """Close the pool."""
        self._transport.close()

    def _perform(
        self, method: str, target: str, body: Mapping[str, Any] | bytes | None, timeout_seconds: float
    ) -> Answer:
        headers = {"accept": _JSON}
        if body is not None:
            headers["content-type"] = _LINES if isinstance(body, bytes) else _JSON
        try:
            response = self._transport.perform_request(
                method,
                target,
                body=body,
                headers=headers,
                request_timeout=timeout_seconds,
            )
        except elastic_transport.TlsError as error:
            raise self._untrusted(error) from error
        except elastic_transport.SerializationError as error:
            raise self._silent(f"what answers is no search engine: {error.message}"[:200]) from error
        except elastic_transport.TransportError as error:
            raise self._silent(f"the search engine does not answer: {error.message}"[:200]) from error
        answer = Answer(response.meta.status, response.body or {})
        if answer.status in _BUSY and "too_many_buckets" not in answer.reason:
            raise self._silent(f"the search engine is not able to answer now: {answer.reason}")
        return answer

    def _silent(self, message: str) -> SearchEngineUnavailableError:
        self._last_failure = message
        return SearchEngineUnavailableError(
            message, where=self.address.place, remedy="look whether it runs and is reached from here: `clew doctor`"
        )

    def _untrusted(self, error: elastic_transport.TlsError) -> ConfigurationError:
        return ConfigurationError(
            f"the connection is not trusted: {error.message}"[:300],
            where=self.address.place,
            remedy="name the certificate authority of the engine in CLEW_SEARCH_CA_FILE",
        )


@lru_cache(maxsize=4)
def connection_to(address: EngineAddress) -> EngineConnection:
    """The process's connections to an engine: one pool, whoever asks."""
    return EngineConnection(address)


def quoted(name: str) -> str:
    """A name as part of a target."""
    return quote(name, safe="-_.,*")


def _verifying(address: EngineAddress) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(address.ca_file) if address.ca_file is not None else None)
    except (ssl.SSLError, OSError) as error:
        raise ConfigurationError(
            f"these certificates cannot be read: {error}", where="CLEW_SEARCH_CA_FILE", remedy="name a file in PEM"
        ) from error
