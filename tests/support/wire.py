"""A real server on a real port, and clients that send it whatever bytes they like."""

import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from clew.api.server import Listening, bound, serve
from clew.kernel.database import Database

PATIENCE_SECONDS = 30.0
_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass(frozen=True)
class Wire:
    """Where the server listens."""

    host: str
    port: int

    def send(self, *parts: bytes) -> bytes:
        """All that the server says until it hangs up, after these bytes were sent, one packet for each part.

        Fails if it does not hang up: a request that is answered must ask for that (`Connection: close`).
        """
        with self.connection() as connection:
            for part in parts:
                try:
                    connection.sendall(part)
                except OSError:  # it has hung up already
                    break
            return self.rest(connection)

    def rest(self, connection: socket.socket) -> bytes:
        """What comes until the server hangs up."""
        told = bytearray()
        try:
            while piece := connection.recv(65_536):
                told += piece
        except ConnectionResetError:
            pass  # it hung up with something unread
        return bytes(told)

    @contextlib.contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """A connection on which the server has so many seconds for each thing it says."""
        with socket.create_connection((self.host, self.port), timeout=PATIENCE_SECONDS) as made:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield made

    def is_well(self) -> bool:
        """Whether it goes on answering others."""
        return statuses(self.send(message("GET", "/healthz"))) == [200]


def message(
    method: str, target: str, *headers: str, body: bytes = b"", host: str = "127.0.0.1", close: bool = True
) -> bytes:
    """A request with exactly these headers besides Host, as bytes."""
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", *headers, *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def statuses(told: bytes) -> list[int]:
    """The statuses of the answers in what a server said."""
    return [int(found) for found in _STATUS.findall(told)]


@contextlib.contextmanager
def served(database: Database) -> Iterator[Wire]:
    """The whole server without its services, in a thread; stopped as a signal would stop it."""
    listening = Listening("127.0.0.1", 0)
    stop, ready = threading.Event(), threading.Event()
    with bound(listening) as listener:
        options = {"stop": stop, "ready": lambda _address: ready.set()}
        thread = threading.Thread(target=serve, args=(database, listener, listening, ()), kwargs=options)
        thread.start()
        try:
            assert ready.wait(PATIENCE_SECONDS)
            host, port = listener.getsockname()[:2]
            yield Wire(host, port)
        finally:
            stop.set()
            thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive()
