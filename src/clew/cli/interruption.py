"""Ctrl-C in long work: the first one asks it to end at a sound place, the second one ends it at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

STANDARD_ERROR = 2
SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second one raises KeyboardInterrupt."""
    stop = threading.Event()

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        # Straight to the descriptor: what was interrupted may have been in the middle of writing.
        os.write(STANDARD_ERROR, b"\nending after the batch in work; press Ctrl-C again to end at once\n")

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
