"""A server on loopback that answers as a test says, and remembers what it was asked."""

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Reply:
    """One answer. With `cut` the connection is closed instead, before anything is said."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


@dataclass(frozen=True)
class Heard:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def answer(document: Any, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, orjson.dumps(document), {"Content-Type": "application/json"} | named)


def problem(status: int, code: str, **more: Any) -> Reply:
    retry_after = more.pop("retry_after", None)
    document = {"status": status, "code": code, "detail": f"it is {code}", "request_id": "r-1"} | more
    headers = {"Content-Type": PROBLEM} | ({"Retry-After": str(retry_after)} if retry_after is not None else {})
    return Reply(status, orjson.dumps(document), headers)


@dataclass
class ScriptedServer:
    """Gives the replies one after the other, the last one again and again."""

    address: str
    replies: list[Reply]
    heard: list[Heard] = field(default_factory=list)

    def next(self, heard: Heard) -> Reply:
        self.heard.append(heard)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextlib.contextmanager
def scripted(*replies: Reply, context: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    script = ScriptedServer("", list(replies))
    with _listening(script.next, context) as port:
        script.address = f"{'https' if context else 'http'}://127.0.0.1:{port}"
        yield script


@contextlib.contextmanager
def _listening(reply_to: Callable[[Heard], Reply], context: ssl.SSLContext | None) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                super().handle_one_request()
                return
            self.close_connection = True

        def log_message(self, *arguments: Any) -> None:
            pass

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = reply_to(Heard(self.command, self.path, dict(self.headers.items()), body))
            self.close_connection = True
            if reply.cut:
                return
            self.send_response(reply.status)
            for name, value in (
                reply.headers | {"Content-Length": str(len(reply.body)), "Connection": "close"}
            ).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _reply  # noqa: N815  the names that the library looks for

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
