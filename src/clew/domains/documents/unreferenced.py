"""Giving up content of the file store that nothing refers to, safely beside loads.

A load stores its file first and notes it in the record a moment later. So nothing young is touched, and what is old
goes in two steps: into the trash, where it is still found by whoever opens it; and out of it after as long again, if
still nothing refers to it. Whatever a load stored meanwhile is a new copy, which no step of an earlier round takes.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from clew.domains.identity.service import list_organizations
from clew.ingest.filestore.store import FileStore, Kept
from clew.kernel.database import Database, TenantContext

_AT_ONCE: Final = 1000
_REFERRED: Final = sa.text("""
SELECT hash FROM collection_item_hashes WHERE organization_id = :organization AND hash = ANY (:digests)
UNION SELECT digest FROM ingest_files WHERE organization_id = :organization AND digest = ANY (:digests)
UNION SELECT settings::jsonb ->> 'mapping' FROM ingest_files
      WHERE organization_id = :organization AND settings::jsonb ->> 'mapping' = ANY (:digests)
""")


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of what nothing refers to: files and bytes (as stored) that went into the trash and out of it.

    `restored`: those that something refers to after all. `young`: those that are too young to be judged.
    """

    looked_at: int = 0
    young: int = 0
    discarded: int = 0
    discarded_bytes: int = 0
    restored: int = 0
    removed: int = 0
    removed_bytes: int = 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def collect(
    database: Database, store: FileStore, *, hours: float, seconds: Callable[[], float] = time.time
) -> Collected:
    """One round over all organizations; by several processes at once no harm.

    Raises DatabaseUnavailableError, FileStoreError; what was done before stays, and the next round does the rest.
    """
    store.sweep()
    before = seconds() - hours * 3600
    counts = dict.fromkeys(Collected.__slots__, 0)
    for some in _parts(store.kept()):
        counts["looked_at"] += len(some)
        old = [kept for kept in some if kept.blob.written_at < before]
        counts["young"] += len(some) - len(old)
        referred = _referred(database, sorted({kept.digest for kept in old}))
        for kept in old:
            _judge(store, kept, counts, is_referred=kept.digest in referred)
    return Collected(**counts)


def _judge(store: FileStore, kept: Kept, counts: dict[str, int], *, is_referred: bool) -> None:
    if kept.is_trash and is_referred:
        store.restore(kept)
        counts["restored"] += 1
    elif kept.is_trash:
        store.blobs.remove(kept.blob.name)
        counts["removed"] += 1
        counts["removed_bytes"] += kept.blob.size
    elif not is_referred:
        store.discard(kept)
        counts["discarded"] += 1
        counts["discarded_bytes"] += kept.blob.size


def _referred(database: Database, digests: Sequence[str]) -> set[str]:
    if not digests:
        return set()
    found: set[str] = set()
    for organization in list_organizations(database):
        with database.transaction(TenantContext(organization.id), reading=True) as connection:
            asked = {"organization": organization.id, "digests": list(digests)}
            found |= {str(digest).strip() for digest in connection.scalars(_REFERRED, asked)}
    return found


def _parts(kept: Iterator[Kept]) -> Iterator[list[Kept]]:
    some: list[Kept] = []
    for each in kept:
        some.append(each)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some
