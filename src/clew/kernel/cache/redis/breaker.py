"""A circuit breaker: while an engine does not answer, nobody waits for it but one who tries again now and then."""

import random
import threading
import time
from collections.abc import Callable
from typing import Final

FAILURES: Final = 3
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 15.0


class Breaker:
    """Opens after so many failures in a row; then lets one call through after a pause, which doubles each time.

    Pauses vary by a quarter, so that processes do not all try at the same moment.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._guard = threading.Lock()
        self._failures = 0
        self._retry_at = 0.0

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
        """A call was not answered; whether that opened the breaker."""
        with self._guard:
            self._failures += 1
            beyond = self._failures - FAILURES
            if beyond < 0:
                return False
            pause = min(FIRST_PAUSE_SECONDS * 2.0 ** min(beyond, 10), LONGEST_PAUSE_SECONDS)
            self._retry_at = self._monotonic() + pause * random.uniform(0.75, 1.0)  # noqa: S311  nothing secret
            return beyond == 0
