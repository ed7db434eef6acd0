"""Serving the application: listening, answering, and stopping without breaking anything off."""

import contextlib
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import AF_INET6, SO_REUSEADDR, SOL_SOCKET, socket
from typing import TYPE_CHECKING, Any, Final, Literal

import anyio.to_thread
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from clew.api.application import create_application
from clew.api.services import Service, live_services
from clew.api.serving import Serving, opened_serving
from clew.kernel.cache.opening import mark_of
from clew.kernel.database import Database
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings
from clew.kernel.single_server import SingleServer

if TYPE_CHECKING:
    import asyncio

MOST_HEADER_BYTES: Final = 64 * 1024
HEADER_SECONDS: Final = 20.0
GRACE_SECONDS: Final = 30
_BACKLOG: Final = 1024
_KEEP_ALIVE_SECONDS: Final = 15


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and with which certificate (both files or neither)."""

    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    key: Path | None = None

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def bound(listening: Listening) -> socket:
    """A socket that has that address, so that nobody else gets it. Raises ConfigurationError if it is taken."""
    listener = socket(AF_INET6) if ":" in listening.host else socket()
    listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    try:
        listener.bind((listening.host, listening.port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"cannot listen there: {error.strerror or error}",
            where=f"{listening.host}:{listening.port}",
            remedy="end what uses this port (another `clew serve`?), or choose another one with --port",
        ) from error
    return listener


def address_of(listener: socket, *, encrypted: bool) -> str:
    """The address at which somebody who listens there is reached."""
    host, port = listener.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if encrypted else 'http'}://{name}:{port}"


def serve(
    database: Database,
    listener: socket,
    listening: Listening,
    services: Sequence[Service],
    *,
    stop: threading.Event,
    ready: Callable[[str], None],
    application: Callable[[Serving], ASGIApp] = create_application,
    lifespan: Literal["on", "off"] = "off",
) -> None:
    """Answer requests until `stop` is set; then finish those that are being answered, then the services.

    `ready` is told the address once requests are answered. The schema must be the present one. What answers is the API
    unless `application` makes something else of it. Raises ConfigurationError, ConflictError if another server works
    on this record.
    """
    with contextlib.ExitStack() as opened:
        mark = mark_of(database.settings)
        alone = opened.enter_context(SingleServer(database, shared=mark is not None, mark=mark))
        serving = opened.enter_context(opened_serving(database, alone=alone))
        opened.enter_context(running([*live_services(serving), *services]))
        answer(
            application(serving),
            listener,
            listening,
            database.settings,
            stop=stop,
            ready=ready,
            stopping=serving.stopping,
            lifespan=lifespan,
        )


def answer(
    application: ASGIApp,
    listener: socket,
    listening: Listening,
    settings: Settings,
    *,
    stop: threading.Event,
    ready: Callable[[str], None],
    stopping: threading.Event | None = None,
    lifespan: Literal["on", "off"] = "off",
) -> None:
    """The same of any application, with nothing beside it; `stopping` is set when the end begins.

    Raises ConfigurationError.
    """
    configuration = _configuration(application, listening, settings, lifespan)
    _Server(configuration, settings.api_threads, stopping or threading.Event(), stop, ready).run([listener])


@contextlib.contextmanager
def running(services: Sequence[Service]) -> Iterator[None]:
    """The services, started in order and stopped the other way round; all are stopped, whatever one of them does."""
    with contextlib.ExitStack() as started:
        for service in services:
            service.start()
            started.callback(service.stop)
        yield


def _configuration(
    application: ASGIApp, listening: Listening, settings: Settings, lifespan: Literal["on", "off"]
) -> uvicorn.Config:
    trusted = [each.strip() for each in settings.api_trusted_proxies.split(",") if each.strip()]
    configuration = uvicorn.Config(
        application,
        loop="uvloop",
        http=_Protocol,
        ws="none",
        lifespan=lifespan,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=trusted,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=listening.certificate,
        ssl_keyfile=listening.key,
    )
    try:
        configuration.load()
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"this certificate or its key cannot be used: {error}",
            where=str(listening.certificate),
            remedy="name files in PEM form that belong together and can be read",
        ) from error
    if configuration.ssl is not None:
        configuration.ssl.minimum_version = ssl.TLSVersion.TLSv1_3
    return configuration


class _Server(uvicorn.Server):
    """uvicorn's, told when to stop by an event: signals are answered once, by whoever started this."""

    def __init__(
        self,
        configuration: uvicorn.Config,
        threads: int,
        stopping: threading.Event,
        stop: threading.Event,
        ready: Callable[[str], None],
    ) -> None:
        super().__init__(configuration)
        self._threads = threads
        self._stopping = stopping
        self._stop = stop
        self._ready = ready

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = self._threads
        await super().startup(sockets)
        for listener in sockets or ():
            self._ready(address_of(listener, encrypted=self.config.is_ssl))

    async def on_tick(self, counter: int) -> bool:
        if self._stop.is_set():
            self._stopping.set()
            self.should_exit = True
        return await super().on_tick(counter)


class _Protocol(HttpToolsProtocol):
    """uvicorn's, with a bound for what it keeps of a request before anybody has looked at it: size and time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_bytes = 0
        self._header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._headers_are_here()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._header_bytes = 0
        if self._header_timer is None:
            self._await_headers()

    def on_url(self, url: bytes) -> None:
        self._take(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._take(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._headers_are_here()
        super().on_headers_complete()

    def _take(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > MOST_HEADER_BYTES:
            raise ValueError("the headers are too long")

    def _await_headers(self) -> None:
        self._header_timer = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _headers_are_here(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _give_up(self) -> None:
        self._header_timer = None
        if not self.transport.is_closing():
            self.transport.close()
