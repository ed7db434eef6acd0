"""Values that take a while to make, made once for all who ask: compressed, and never older than what was told of them.

They are kept only while changes of the record are heard (`trusted`), whose listener forgets what they concern. So
nobody is shown what was changed before that was told, which takes some milliseconds.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import zstandard

from clew.kernel.cache.keys import LEASE
from clew.kernel.cache.port import Cache, CacheUnavailableError

LEAST_TO_COMPRESS: Final = 1024
MOST_BYTES: Final = 64 << 20
WAIT_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.01
_PLAIN: Final = b"\x00"
_COMPRESSED: Final = b"\x01"

Count = Callable[[bool], None]
"""Is told of each look-up whether it found something."""


class Memo:
    """Remembers in a cache. `count` is told of hits and misses. Used by many threads."""

    def __init__(self, cache: Cache, count: Count = lambda _hit: None) -> None:
        self._cache = cache
        self._count = count
        self._trusted = threading.Event()

    @property
    def trusted(self) -> bool:
        """Whether changes are heard, so that what is remembered is looked at."""
        return self._trusted.is_set()

    def trust(self, heard: bool) -> None:  # noqa: FBT001  a state, set as one
        """Say whether changes are heard."""
        if heard:
            self._trusted.set()
        else:
            self._trusted.clear()

    def remembered(self, key: str, lifetime: timedelta, make: Callable[[], bytes]) -> bytes:
        """The value under a key, or what `make` gives, which is kept; of many who ask at once, one makes it.

        Raises what `make` raises. Without the cache, or if another takes long over it, each makes it for themselves.
        """
        if not self._trusted.is_set():
            return make()
        give_up_at = time.monotonic() + WAIT_SECONDS
        try:
            while True:
                looked = self._cache.look(key, lease=LEASE.span)
                if looked.value is not None and (value := unpacked(looked.value)) is not None:
                    self._count(True)  # noqa: FBT003
                    return value
                if looked.value is not None:
                    self._cache.forget(key)  # not of this program's making
                elif looked.lease is not None:
                    break
                elif time.monotonic() >= give_up_at:
                    return make()
                else:
                    time.sleep(_LOOK_SECONDS)
        except CacheUnavailableError:
            return make()
        self._count(False)  # noqa: FBT003
        return self._made(key, looked.lease, lifetime, make)

    def warm(self, key: str, lifetime: timedelta, make: Callable[[], bytes]) -> bool:
        """Keep what `make` gives if nothing is kept under the key and nobody makes it. Counts as no look-up.

        False, and nothing done, while changes are not heard. Raises what `make` raises.
        """
        if not self._trusted.is_set():
            return False
        with contextlib.suppress(CacheUnavailableError):
            looked = self._cache.look(key, lease=LEASE.span)
            if looked.value is None and looked.lease is not None:
                self._made(key, looked.lease, lifetime, make)
        return True

    def forget(self, *keys: str) -> None:
        """Forget values of which this process knows that they changed; what cannot be told now is heard later."""
        try:
            self._cache.forget(*keys)
        except CacheUnavailableError:
            self._trusted.clear()

    def _made(self, key: str, lease: str, lifetime: timedelta, make: Callable[[], bytes]) -> bytes:
        try:
            value = make()
        except BaseException:
            self.forget(key)  # whoever waits need not wait for the lease to end
            raise
        try:
            self._cache.settle(key, lease, packed(value), lifetime=lifetime)
        except CacheUnavailableError:
            return value
        return value


def packed(value: bytes) -> bytes:
    """As it is kept."""
    if len(value) < LEAST_TO_COMPRESS:
        return _PLAIN + value
    return _COMPRESSED + zstandard.ZstdCompressor(level=3).compress(value)


def unpacked(kept: bytes) -> bytes | None:
    """What `packed` was given; None for anything else, and for what would be larger than 64 MiB."""
    if kept[:1] == _PLAIN:
        return kept[1:]
    if kept[:1] != _COMPRESSED:
        return None
    try:
        if zstandard.get_frame_parameters(kept[1:]).content_size > MOST_BYTES:
            return None
        return zstandard.ZstdDecompressor().decompress(kept[1:])
    except zstandard.ZstdError:
        return None
