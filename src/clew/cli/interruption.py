"""Ctrl-C in long work: the first one asks it to end at a sound place, the second one ends it at once."""

import _thread
import contextlib
import os
import signal
import threading
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)
STANDARD_ERROR = 2
AFTER_THE_BATCH = "ending after the batch in work; press Ctrl-C again to end at once"


@contextlib.contextmanager
def stop_on_interrupt(told: str = AFTER_THE_BATCH) -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second one raises KeyboardInterrupt in the main thread.

    `told` is what the first one makes this say.

    The signals are blocked and awaited by a thread of its own, not handled: Polars puts its own handler before any
    other while it computes, and would end the computation with a KeyboardInterrupt. Threads that are started within
    the block inherit that; so start work, and load Polars, inside it.
    """
    stop, finished = threading.Event(), threading.Event()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    listener = threading.Thread(target=_listen, args=(stop, finished, told), name="clew-interrupt", daemon=True)
    listener.start()
    try:
        yield stop
    finally:
        finished.set()
        if listener.ident is not None and listener.is_alive():
            signal.pthread_kill(listener.ident, signal.SIGTERM)  # wakes the listener, and only it
        listener.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _listen(stop: threading.Event, finished: threading.Event, told: str) -> None:
    while True:
        signal.sigwait(SIGNALS)
        if finished.is_set():
            return
        if stop.is_set():
            _thread.interrupt_main()
        else:
            stop.set()
            os.write(STANDARD_ERROR, f"\n{told}\n".encode())
