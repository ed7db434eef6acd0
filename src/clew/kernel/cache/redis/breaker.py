"""A circuit breaker: while an engine does not answer, nobody waits for it but one who tries again now and then."""

import random
import threading
import time
from collections.abc import Callable
from typing import Final

FAILURES: Final = 3
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 4.0


class Breaker:
    """Opens after so many failures in a row; then lets one call through after a pause, which doubles each time.

    Pauses vary by a quarter, so that processes do not all try at the same moment.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._failures = 0
        self._pause = 0.0
        self._retry_at = 0.0
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Whether calls are refused, or only tried."""
        return self._failures >= FAILURES

    def allows(self) -> bool:
        """Whether a call may be made now; whoever makes it says how it went."""
        if self._failures < FAILURES:
            return True
        with self._guard:
            now = self._monotonic()
            if self._failures >= FAILURES and now < self._retry_at:
                return False
            self._trying = True
            self._retry_at = now + LONGEST_PAUSE_SECONDS  # the others wait for how this one goes
            return True

    def succeeded(self) -> bool:
        """A call was answered; whether the breaker was open until now."""
        if not self._failures:
            return False
        with self._guard:
            was_open = self.is_open
            self._failures = 0
            return was_open

    def failed(self) -> bool:
        """A call was not answered; whether that opened the breaker. Those begun before it opened change nothing."""
        with self._guard:
            if self.is_open and not self._trying:
                return False
            opens = not self.is_open
            self._failures += 1
            if not self.is_open:
                return False
            self._trying = False
            self._pause = FIRST_PAUSE_SECONDS if opens else min(2 * self._pause, LONGEST_PAUSE_SECONDS)
            pause = self._pause * random.uniform(0.75, 1.0)  # noqa: S311  nothing secret
            self._retry_at = self._monotonic() + pause
            return opens
