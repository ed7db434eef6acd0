"""MCP over standard input and output: one assistant's host started this, and ends it by closing the input.

Greetings are answered before the record is open, which takes longer; whatever asks for more waits for that. The SDK
reads standard input in a thread that nothing can interrupt, so that Ctrl-C would wait for the next line; here a daemon
thread reads. While this serves, whatever else writes to standard output writes to standard error.
"""

import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from typing import IO, Final, cast

import anyio
import anyio.from_thread
import anyio.to_thread
from anyio import AsyncFile
from anyio.lowlevel import EventLoopToken, current_token
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.stdio import stdio_server

from clew.mcp.asking import Asking
from clew.mcp.rights import Rights
from clew.mcp.server import Context, Desk, mcp_server

LONGEST_LINE: Final = 4 * 1024 * 1024
_PIECE_BYTES: Final = 64 * 1024
_INPUT: Final = 0
_OUTPUT: Final = 1
_ERRORS: Final = 2


def serve_stdio(
    opening: Callable[[], AbstractContextManager[Desk]], stop: threading.Event, *, rights: Rights | None = None
) -> None:
    """Answer what comes by standard input until that ends, or `stop` is set.

    `rights` are the caller's, where they are known without asking: what tools there are is answered at once then.

    Raises what `opening` raises, and what the API refuses the caller with: then nothing is answered any more.
    """
    with contextlib.ExitStack() as opened, _own_output() as output:
        session = _Session(lambda: opened.enter_context(opening()), stop, rights)
        anyio.run(session.serve, output)
        if session.failure is not None:
            raise session.failure


class _Session:
    """One conversation, and the record that is opened while it begins. `failure`: why that came to nothing."""

    def __init__(self, opening: Callable[[], Desk], stop: threading.Event, rights: Rights | None) -> None:
        self.failure: Exception | None = None
        self._opening = opening
        self._stop = stop
        self._rights = rights
        self._desk: Desk | None = None

    async def serve(self, output: IO[str]) -> None:
        """Answer until the end."""
        send, receive = anyio.create_memory_object_stream[str](16)
        token = current_token()
        self._ready = anyio.Event()
        async with send, receive, anyio.create_task_group() as group:
            scope = group.cancel_scope
            threading.Thread(target=_read, args=(send, token), name="clew-mcp-input", daemon=True).start()
            threading.Thread(target=_await_stop, args=(self._stop, scope, token), daemon=True).start()
            # The SDK asks no more of them than lines to read, and to write and flush.
            lines, written = cast("AsyncFile[str]", _Lines(receive)), anyio.wrap_file(output)
            server = mcp_server(self._asking, rights=self._rights)
            async with stdio_server(lines, written) as (incoming, outgoing):
                group.start_soon(self._open, scope)
                await server.run(incoming, outgoing, server.create_initialization_options())
                await self._ready.wait()  # who asked nothing still learns why nothing could be asked
                scope.cancel()
        self._stop.set()

    async def _open(self, scope: anyio.CancelScope) -> None:
        try:
            desk = await anyio.to_thread.run_sync(self._opening)
            await desk.rights.of(desk.caller_of(None))
        except Exception as error:  # noqa: BLE001  told by whoever called serve_stdio
            self.failure = error
            scope.cancel()
        else:
            self._desk = desk
            self._ready.set()

    async def _asking(self, context: Context) -> Asking:
        await self._ready.wait()
        if self._desk is None:
            raise RuntimeError("nothing was opened")
        return await self._desk.asking(context)


class _Lines:
    """The lines that the reading thread hands over."""

    def __init__(self, receive: MemoryObjectReceiveStream[str]) -> None:
        self._receive = receive

    def __aiter__(self) -> AsyncIterator[str]:
        return self._receive.__aiter__()


def _read(send: MemoryObjectSendStream[str], token: EventLoopToken) -> None:
    """Hand lines over until the input ends; one that is longer than any message ends it, too."""
    with contextlib.suppress(RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError):
        for line in _lines_of_input():
            anyio.from_thread.run(send.send, line.decode("utf-8", "replace"), token=token)
        anyio.from_thread.run_sync(send.close, token=token)


def _lines_of_input() -> Iterator[bytes]:
    # Not by `sys.stdin`: at its end the interpreter would wait for the lock that a reading thread holds, and abort.
    rest = b""
    with contextlib.suppress(OSError):
        while piece := os.read(_INPUT, _PIECE_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            yield from lines
            if len(rest) > LONGEST_LINE:
                sys.stderr.write(f"a message is longer than {LONGEST_LINE:,} bytes: no more is read\n")
                return
    if rest:
        yield rest


def _await_stop(stop: threading.Event, scope: anyio.CancelScope, token: EventLoopToken) -> None:
    stop.wait()
    with contextlib.suppress(RuntimeError, anyio.RunFinishedError):
        anyio.from_thread.run_sync(scope.cancel, token=token)


@contextlib.contextmanager
def _own_output() -> Iterator[IO[str]]:
    """Standard output for messages alone."""
    sys.stdout.flush()
    private = os.dup(_OUTPUT)
    os.dup2(_ERRORS, _OUTPUT)
    try:
        with open(private, "w", encoding="utf-8", errors="backslashreplace", closefd=False) as output:
            yield output
    finally:
        os.dup2(private, _OUTPUT)
        os.close(private)
