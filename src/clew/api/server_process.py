"""One of several server processes that answer at the same address: `python -m clew.api.server_process`.

It is given pickled settings, the address and the listening socket's number on standard input, says `ready` on standard
output once it answers, and finishes what it is answering when its input ends, however that came about.
"""

import os
import pickle
import signal
import sys
import threading
import time
from socket import socket
from typing import Final

from clew.api.server import serve
from clew.kernel.collector import relax_collector
from clew.kernel.database import Database
from clew.kernel.errors import ClewError
from clew.kernel.logs import configure_logs, logger

_END_SECONDS: Final = 45.0  # answers may take thirty to be finished


def main() -> int:
    """Answer requests until standard input ends; 1 if that cannot be done."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the process that started this one answers them, and ends the input
    settings, listening, number = pickle.load(sys.stdin.buffer)  # noqa: S301  from the server that started this
    configure_logs(settings)
    relax_collector()
    stop = threading.Event()
    threading.Thread(target=_await_end, args=(stop,), daemon=True).start()
    try:
        with socket(fileno=number) as listener, Database(settings) as database:
            serve(database, listener, listening, (), stop=stop, ready=_tell)
    except ClewError as error:
        logger(__name__).error("a server process cannot work", error=str(error))
        return 1
    return 0


def _await_end(stop: threading.Event) -> None:
    """The input ends with the first process, also when that was killed: then nobody looks after this one any more."""
    sys.stdin.buffer.read()
    stop.set()
    time.sleep(_END_SECONDS)
    os._exit(1)


def _tell(_address: str) -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
