"""Requests to a server: sent, sent again where that is safe, and their answers read.

What may be sent again after nobody knows whether it arrived: GET, HEAD, PUT, DELETE, and POSTs with an
Idempotency-Key. Anything may be sent again that surely was not taken: no connection came about, or the server said 429.
"""

import contextlib
import ssl
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import quote, urlencode

import httpx2
import msgspec
import tenacity

from clew.client.address import checked_address, checked_key
from clew.client.answers import Resource, decoded, refused
from clew.client.errors import ServerUnreachableError
from clew.kernel.errors import ClewError, LimitError

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_REPEATABLE: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
_NEVER_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)

Result = TypeVar("Result")
ResourceResult = TypeVar("ResourceResult", bound=Resource)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait and how often to try. All in seconds but `attempts`.

    `longest_pause` bounds what a server's Retry-After may ask for: a longer one is an error at once.
    """

    attempts: int = 5
    first_pause: float = 0.25
    longest_pause: float = 30.0
    connect: float = 10.0
    answer: float = 60.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request. `repeatable` says that sending it twice does what sending it once does."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Callable[[], Iterator[bytes]] | None = None  # pieces are made anew for each attempt
    repeatable: bool = False


class Transport:
    """A connection to one server for one caller. Threads may share it."""

    def __init__(
        self,
        server: str,
        key: str | None = None,
        *,
        patience: Patience | None = None,
        ca_file: Path | None = None,
        agent: str = "clew-client",
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.server = checked_address(server)
        self.patience = patience or Patience()
        self._sleep = sleep
        headers = {"User-Agent": agent, "Accept": "application/json"}
        if key is not None:
            headers["Authorization"] = f"Bearer {checked_key(key)}"
        self._client = httpx2.Client(
            headers=headers,
            timeout=httpx2.Timeout(self.patience.answer, connect=self.patience.connect),
            verify=True if ca_file is None else _trusting(ca_file),
            transport=transport,
            follow_redirects=False,  # the key is for this server and no other
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.server}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def fetch(self, kind: type[Result], request: Outgoing) -> Result:
        """What the server answers, of that kind. Raises ClewError: by the problem's code, or of the way there."""
        return decoded(self.send(request), kind)

    def fetch_resource(self, kind: type[ResourceResult], request: Outgoing) -> ResourceResult:
        """The same for a single thing, which knows its ETag then."""
        response = self.send(request)
        found = decoded(response, kind)
        msgspec.structs.force_setattr(found, "etag", response.headers.get("ETag"))
        msgspec.structs.force_setattr(found, "was_made", response.status_code == httpx2.codes.CREATED)
        return found

    def send(self, request: Outgoing) -> httpx2.Response:
        """The whole answer, which is no problem. Raises as `fetch` does."""
        return self._patiently(request, lambda: self._once(request))

    @contextlib.contextmanager
    def stream(self, request: Outgoing, *, silence: float | None = None) -> Iterator[httpx2.Response]:
        """The answer while it comes in; nothing for `silence` seconds is an error. Raises as `fetch` does."""
        response = self._patiently(request, lambda: self._once(request, stream=True, silence=silence))
        try:
            yield response
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        finally:
            response.close()

    def _patiently(self, request: Outgoing, attempt: Callable[[], httpx2.Response]) -> httpx2.Response:
        patience = self.patience
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(patience.attempts),
            retry=tenacity.retry_if_exception(lambda error: self._worth_it(request, error)),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(attempt)

    def _worth_it(self, request: Outgoing, error: BaseException) -> bool:
        if not isinstance(error, ClewError) or not error.transient:
            return False
        if isinstance(error, LimitError):
            return error.retry_after <= self.patience.longest_pause
        return request.repeatable or isinstance(error.__cause__, _NEVER_SENT)

    def _pause(self, state: tenacity.RetryCallState) -> float:
        patience = self.patience
        grown = tenacity.wait_exponential_jitter(
            multiplier=patience.first_pause, max=patience.longest_pause, jitter=patience.first_pause
        )
        error = state.outcome.exception() if state.outcome is not None else None
        asked = error.retry_after if isinstance(error, LimitError) else 0
        return max(float(asked), grown(state))

    def _once(self, request: Outgoing, *, stream: bool = False, silence: float | None = None) -> httpx2.Response:
        # Not the library's own `params`: it would write None as "" and True as "true" by luck.
        query = urlencode(list(pairs(request.query)))
        address = f"{self.server}{request.path}{f'?{query}' if query else ''}"
        timeout = self._client.timeout if silence is None else httpx2.Timeout(silence, connect=self.patience.connect)
        content = request.content() if callable(request.content) else request.content
        built = self._client.build_request(
            request.method, address, headers=dict(request.headers), content=content, timeout=timeout
        )
        try:
            response = self._client.send(built, stream=stream)
            if response.is_success:
                return response
            response.read()
        except httpx2.HTTPError as error:
            raise self._unreachable(error) from error
        raise refused(response)

    def _unreachable(self, error: httpx2.HTTPError) -> ServerUnreachableError:
        certificate = isinstance(error.__cause__ or error.__context__, ssl.SSLError) or "CERTIFICATE" in str(error)
        if certificate:
            said, remedy = f"its certificate is not accepted: {error}", "name the authority's file with CLEW_SERVER_CA"
        elif isinstance(error, httpx2.TimeoutException):
            said, remedy = "it did not answer in time", "see whether the server is overloaded, then try again"
        else:
            said, remedy = f"it cannot be reached: {error}", "check the address, and that `clew serve` runs there"
        return ServerUnreachableError(said, where=self.server, remedy=remedy)


def path_of(template: str, **values: object) -> str:
    """A path with values in it, none of which can leave its place."""
    return template.format(**{name: quote(str(value), safe="") for name, value in values.items()})


def asked(
    method: str,
    path: str,
    *,
    query: Mapping[str, Any] | None = None,
    headers: Mapping[str, object] | None = None,
    body: object = None,
    content: bytes | None = None,
    content_type: str | None = None,
    if_match: str | None = None,
    once: str | bool = False,
) -> Outgoing:
    """A request as the generated operations make it. `once`: its Idempotency-Key, or True for a new one."""
    sent = {name: _written(value) for name, value in (headers or {}).items() if value is not None}
    if body is not None:
        content, content_type = msgspec.json.encode(body), content_type or "application/json"
    if content is not None:
        sent["Content-Type"] = content_type or "application/octet-stream"
    if if_match is not None:
        sent["If-Match"] = if_match
    if once:
        sent[IDEMPOTENCY_KEY] = str(uuid.uuid4()) if once is True else once
    return Outgoing(method, path, query or {}, sent, content, method in _REPEATABLE or bool(once))


def pairs(query: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The parts of a query as they are written; lists give one for each value, None gives none."""
    for name, value in query.items():
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if each is not None:
                yield name, _written(each)


def _written(value: object) -> str:
    plain: object = msgspec.to_builtins(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return str(plain)


def _trusting(ca_file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)
