"""A wire to an engine that can be made slow, be cut, or answer by itself."""

import contextlib
import random
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

_POLL_SECONDS = 0.1
_RESET = struct.pack("ii", 1, 0)  # linger for no time: closing sends RST


Answer = bytes | Callable[[bytes], bytes | None]


class FaultyWire:
    """Passes bytes between clients and a port of this machine, a thread for each connection.

    delay_seconds: how long each piece waits on its way. cut_after: connections are reset after at most so many bytes.
    answer: what is sent back for each request, which then never reaches the engine; or what gives that for a request,
    or None for one that is passed on.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self._threads: list[threading.Thread] = []
        self.port: int = self._listening.getsockname()[1]
        self.delay_seconds = 0.0
        self.cut_after: int | None = None
        self.answer: Answer | None = None

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        self._listening.close()

    @contextlib.contextmanager
    def delayed(self, seconds: float) -> Iterator[None]:
        self.delay_seconds = seconds
        yield
        self.delay_seconds = 0.0

    @contextlib.contextmanager
    def cutting(self, after: int) -> Iterator[None]:
        """Every connection is reset, at the latest after so many bytes in one direction."""
        self.cut_after = after
        yield
        self.cut_after = None

    @contextlib.contextmanager
    def answering(self, answer: "Answer") -> Iterator[None]:
        self.answer = answer
        yield
        self.answer = None

    def _start(self, work: "object", *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            if select.select([self._listening], [], [], _POLL_SECONDS)[0]:
                client, _ = self._listening.accept()
                self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                engine = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
            except OSError:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return
            with engine, contextlib.suppress(OSError):
                self._pass(client, engine)

    def _pass(self, client: socket.socket, engine: socket.socket) -> None:
        left = random.randint(1, self.cut_after) if self.cut_after else None
        while not self._ended.is_set():
            for source in select.select([client, engine], [], [], _POLL_SECONDS)[0]:
                data = source.recv(65_536)
                if not data:
                    return
                if source is client and self.answer is not None:
                    answer = self.answer if isinstance(self.answer, bytes) else self.answer(data)
                    if answer is not None:
                        client.sendall(answer)
                        return
                if self.delay_seconds:
                    time.sleep(self.delay_seconds)
                (engine if source is client else client).sendall(data if left is None else data[:left])
                if self.cut_after is not None:
                    left = (left if left is not None else random.randint(1, self.cut_after)) - len(data)
                    if left <= 0:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                        return
