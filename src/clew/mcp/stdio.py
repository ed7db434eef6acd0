"""MCP over standard input and output: one assistant's host started this, and ends it by closing the input.

The SDK reads standard input in a thread that nothing can interrupt, so that Ctrl-C would wait for the next line; here
a daemon thread reads. While this serves, whatever else writes to standard output writes to standard error.
"""

import contextlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import IO, Any, Final, cast

import anyio
import anyio.from_thread
from anyio import AsyncFile
from anyio.lowlevel import EventLoopToken, current_token
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

LONGEST_LINE: Final = 4 * 1024 * 1024
_OUTPUT: Final = 1
_ERRORS: Final = 2


def serve_stdio(server: Server[Any], stop: threading.Event) -> None:
    """Answer what comes by standard input until that ends, or `stop` is set."""
    with _own_output() as output:
        anyio.run(_serve, server, stop, output)


async def _serve(server: Server[Any], stop: threading.Event, output: IO[str]) -> None:
    send, receive = anyio.create_memory_object_stream[str](16)
    token = current_token()
    with anyio.CancelScope() as scope:
        threading.Thread(target=_read, args=(send, token), name="clew-mcp-input", daemon=True).start()
        threading.Thread(target=_await_stop, args=(stop, scope, token), name="clew-mcp-stop", daemon=True).start()
        # The SDK asks no more of them than lines to read, and to write and flush.
        lines, written = cast("AsyncFile[str]", _Lines(receive)), anyio.wrap_file(output)
        async with stdio_server(lines, written) as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())
    stop.set()


class _Lines:
    """The lines that the reading thread hands over."""

    def __init__(self, receive: MemoryObjectReceiveStream[str]) -> None:
        self._receive = receive

    def __aiter__(self) -> AsyncIterator[str]:
        return self._receive.__aiter__()


def _read(send: MemoryObjectSendStream[str], token: EventLoopToken) -> None:
    """Hand lines over until the input ends; one that is longer than any message ends it, too."""
    with contextlib.suppress(RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError, OSError, ValueError):
        while line := sys.stdin.buffer.readline(LONGEST_LINE + 1):
            if len(line) > LONGEST_LINE:
                sys.stderr.write(f"a message is longer than {LONGEST_LINE:,} bytes: no more is read\n")
                break
            anyio.from_thread.run(send.send, line.decode("utf-8", "replace"), token=token)
        anyio.from_thread.run_sync(send.close, token=token)


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
