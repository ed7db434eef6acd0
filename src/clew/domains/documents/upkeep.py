"""Looking after the file store: what is in it, whether it still is what it was, and under which key."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from clew.ingest.filestore.store import FileStore, Kept
from clew.kernel.errors import ClewError, ConfigurationError


@dataclass(slots=True)
class Checked:
    """What was looked at, and the digests of what is not (any more) what its name says."""

    files: int = 0
    stored_bytes: int = 0
    sealed: int = 0
    trash: int = 0
    damaged: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Rewrapped:
    """How many files are wrapped by the current key now and were not, and how many were already."""

    changed: int
    unchanged: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def check(store: FileStore, *, contents: bool, observe: Callable[[int], None] = lambda _: None) -> Checked:
    """Count what is in the store; with `contents` read all of it, and compare it with its names."""
    found = Checked()
    for kept in store.kept():
        found.files += 1
        found.stored_bytes += kept.blob.size
        found.sealed += kept.is_sealed
        found.trash += kept.is_trash
        if contents and not kept.is_trash and not _is_sound(store, kept):
            found.damaged.append(kept.digest)
        observe(found.files)
    return found


def rewrap(store: FileStore, observe: Callable[[int], None] = lambda _: None) -> Rewrapped:
    """Have every file wrapped by the current key, and plain ones encrypted. May be broken off and begun again.

    Raises ConfigurationError without keys.
    """
    if store.keys is None:
        raise ConfigurationError(
            "there is no key to encrypt by",
            where="CLEW_FILES_KEY_FILE",
            remedy="name a file of keys: a line as NAME:64 hexadecimal digits, such as `openssl rand -hex 32` gives",
        )
    changed = unchanged = 0
    for kept in _listed(store):
        if store.rewrap(kept):
            changed += 1
        else:
            unchanged += 1
        observe(changed + unchanged)
    return Rewrapped(changed, unchanged)


def _listed(store: FileStore) -> Iterator[Kept]:
    """What there is at the beginning: what is written anew on the way does not come twice."""
    yield from [kept for kept in store.kept() if not kept.is_trash]


def _is_sound(store: FileStore, kept: Kept) -> bool:
    try:
        return store.verify(kept.digest)
    except ConfigurationError:
        raise  # a key is missing: that is no damage
    except ClewError:
        return False
