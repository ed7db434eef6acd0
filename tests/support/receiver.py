"""A receiver of callbacks on this machine, which answers as a test says and keeps what it was sent."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` gives the status (and a Location) for the message of that number, counted from 0."""

    answers: Callable[[int], tuple[int, str | None]]
    received: list[Received] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def receiver(answers: Callable[[int], tuple[int, str | None]] = lambda _: (204, None)) -> Iterator[Receiver]:
    """It, while the block lasts."""
    made = Receiver(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, location = made.answers(len(made.received))
            made.received.append(
                Received(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            )
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815  as the library calls it

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  as the library calls it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
