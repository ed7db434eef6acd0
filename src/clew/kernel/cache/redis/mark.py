"""Which Redis this is: a number that its database holds, and that servers tell each other through PostgreSQL.

The installation's fingerprint is the same in any Redis that the installation uses, and Redis' own run id is another one
after each restart. So whoever comes first writes a number. It may get lost, as all in Redis; servers that know it write
it again, and one that starts beside them and finds none waits for that (see `kernel.single_server`).
"""

import contextlib
import secrets
from typing import Final

from clew.kernel.cache.keys import MARK
from clew.kernel.cache.port import CacheUnavailableError
from clew.kernel.cache.redis.connection import RedisConnection
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.settings import Settings

_BITS: Final = 31  # of the number of a lock, without a sign


class RedisMark:
    """The mark of the Redis that the settings name. Used by one thread at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: int | None = None

    def tell(self, *, alone: bool) -> int | None:
        """The mark; if there is none one is made by who is `alone`, and None given to others.

        What was told once stays what is told while Redis is away. Raises ConfigurationError if it cannot be used, and
        CacheUnavailableError.
        """
        connection = RedisConnection(self._settings)
        with contextlib.closing(connection):
            if self._known is None:
                connection.require_usable(InstallationSecret.of(self._settings).fingerprint)
            try:
                with connection.asking() as client:
                    if self._known is not None or alone:
                        made = self._known or secrets.randbits(_BITS) or 1
                        client.set(MARK.key(), made, nx=True, ex=MARK.span)
                    found = client.get(MARK.key())
            except CacheUnavailableError:
                if self._known is None:
                    raise
                return self._known
        self._known = int(found) if found is not None and found.isdigit() else None
        return self._known

    def keep(self) -> None:
        """Write what was told once more, so that it does not run out. Raises CacheUnavailableError."""
        if self._known is None:
            return
        with contextlib.closing(RedisConnection(self._settings)) as connection, connection.asking() as client:
            client.set(MARK.key(), self._known, ex=MARK.span)
