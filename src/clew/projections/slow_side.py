"""Views that take long over each row are kept in a thread of their own, so that no other view waits for them.

Vectors are: a text may wait for an endpoint, a first build embeds everything, and a large organization's index takes a
minute. The thread has connections of its own and no place: it works for as long as whoever has the place lets it, and
rests while a guest has it.
"""

import threading
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from clew.projections.place import Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from clew.projections.projector import Projector

_LOOK_SECONDS: Final = 0.02


@runtime_checkable
class Slow(Protocol):
    """A projection that takes long over each row."""

    step_changes: int
    """Changes that it is given at once, at most: the record's transaction stays open over them."""

    given_up: "Callable[[], bool]"
    """Whether what a commit makes is to be made another time; set by whoever follows the record."""


class SharedPlace:
    """The projector's place as the thread sees it: had by somebody else, who may ask it to rest."""

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._rests = threading.Event()

    def take(self, _patience_seconds: float = 0.0) -> None:
        """It is taken."""

    def is_wanted(self) -> bool:
        """Whether to rest."""
        return self._asked.is_set()

    def lend(self, stop: Stop) -> None:
        """Rest until told to go on, or until `stop` is set."""
        self._rests.set()
        while self._asked.is_set() and not stop.wait(_LOOK_SECONDS):
            pass
        self._rests.clear()

    def leave(self) -> None:
        """It is somebody else's to leave."""

    def ask_to_rest(self) -> bool:
        """Ask for it; whether the thread rests already."""
        self._asked.set()
        return self._rests.is_set()

    def go_on(self) -> None:
        """Let the thread go on."""
        self._asked.clear()


class SlowSide:
    """The thread, between `start` and `join`. What ends it before its time is raised by `check`."""

    def __init__(
        self, opened: "Callable[[SharedPlace], Projector]", stop: threading.Event, idle_seconds: float
    ) -> None:
        self._opened, self._stop, self._idle_seconds = opened, stop, idle_seconds
        self._place = SharedPlace()
        self._projector: Projector | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="clew-slow-views", daemon=True)

    def start(self) -> None:
        """Begin. Once."""
        self._projector = self._opened(self._place)
        self._thread.start()

    @property
    def is_building(self) -> bool:
        """Whether a view is being made anew: what changes meanwhile may not be forgotten."""
        return self._projector is not None and self._projector.is_building

    def gives_way(self) -> bool:
        """Ask it to rest after its step; whether it does. A view that is being made is made first."""
        return self._place.ask_to_rest() or not self._thread.is_alive()

    def go_on(self) -> None:
        """Let it go on."""
        self._place.go_on()

    def check(self) -> None:
        """Raises what ended the thread, if anything did."""
        if self._error is not None:
            raise self._error

    def join(self) -> None:
        """Wait for its end, `stop` being set."""
        self._place.go_on()
        if self._thread.ident is not None:
            self._thread.join()
        if self._projector is not None:
            self._projector.close()

    def _run(self) -> None:
        try:
            if self._projector is not None:
                self._projector.follow(self._stop, idle_seconds=self._idle_seconds)
        except BaseException as error:  # noqa: BLE001  raised where somebody listens
            self._error = error
