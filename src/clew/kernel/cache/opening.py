"""Which cache the settings ask for: the Redis that they name, else this process's memory. Loads what is used only."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from clew.kernel.cache.memory import MemoryCache
from clew.kernel.cache.port import Cache
from clew.kernel.installation_secret import InstallationSecret
from clew.kernel.settings import Settings

if TYPE_CHECKING:
    from clew.kernel.cache.redis.mark import RedisMark


@contextlib.contextmanager
def opened_cache(settings: Settings) -> Iterator[Cache]:
    """The cache for the block. Raises ConfigurationError if the Redis that the settings name cannot be used."""
    if settings.redis_url is None:
        yield MemoryCache()
        return
    from clew.kernel.cache.redis.adapter import RedisCache  # noqa: PLC0415 - loaded only where it is used
    from clew.kernel.cache.redis.connection import RedisConnection  # noqa: PLC0415

    connection = RedisConnection(settings)
    with contextlib.closing(connection):
        installation = InstallationSecret.of(settings).fingerprint
        connection.require_usable(installation)
        yield RedisCache(connection, installation)


def mark_of(settings: Settings) -> "RedisMark | None":
    """What tells the Redis that the settings name from others; None where they name none."""
    if settings.redis_url is None:
        return None
    from clew.kernel.cache.redis.mark import RedisMark  # noqa: PLC0415 - loaded only where it is used

    return RedisMark(settings)
