"""Where the search view lies, and what is known about it without asking the database. Light: no driver, no frames.

A command that changes the record leaves a note beside the view before it begins and takes the note away when the view
has followed. Its process holds a lock on the note, so one that died with its work half shown is told from one at work.
"""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from clew.kernel.settings import Settings
    from clew.projections.search.port import SearchView

_NOTES: Final = "behind"
_ORGANIZATIONS: Final = "organizations.json"


def search_directory(settings: "Settings") -> Path:
    """Where the search view and what belongs to it lie."""
    return settings.data_dir / "search"


def search_view(settings: "Settings") -> "SearchView":
    """The search view that the settings name: in the engine they name, else in a directory."""
    if settings.search_url is not None:
        from clew.projections.search.elastic.opening import engine_view  # noqa: PLC0415  loads the engine's client

        return engine_view(settings, search_directory(settings))
    from clew.projections.search.tantivy.view import TantivySearchView  # noqa: PLC0415  loads the engine

    place = search_directory(settings) / "view"
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return TantivySearchView(place, memory=settings.search_writer_mb << 20)


def search_adapter(settings: "Settings") -> str:
    """What keeps the search view, by its adapter's name; "none" where search is switched off."""
    if settings.search == "none":
        return "none"
    return settings.search if settings.search_url is None else "elastic"


@dataclass(slots=True)
class Note:
    """Says that its process changes the record. `settled` once the views have followed."""

    path: Path
    settled: bool = False


@contextlib.contextmanager
def noted(settings: "Settings") -> Iterator[Note]:
    """A note for the block; it stays where the block did not settle it."""
    place = search_directory(settings) / _NOTES
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=place, prefix=f"{os.getpid()}-")
    note = Note(Path(name))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield note
    finally:
        if note.settled:
            note.path.unlink(missing_ok=True)
        os.close(descriptor)


def is_behind(settings: "Settings") -> bool:
    """Whether a command ended before the views had followed it. A command still at work does not count."""
    return any(_is_dead(note) for note in _notes(settings))


def dead_notes(settings: "Settings") -> list[Path]:
    """Notes whose commands have ended. To be unlinked once the views have caught up with what is there now."""
    return [note for note in _notes(settings) if _is_dead(note)]


def organization_ids(settings: "Settings") -> dict[str, str]:
    """Ids of the organizations by their slugs, as of when the views last followed; empty where they never did."""
    try:
        found = orjson.loads((search_directory(settings) / _ORGANIZATIONS).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_organization_ids(settings: "Settings", ids: Mapping[str, str]) -> None:
    """Remember the organizations for readers who do not ask the database."""
    content = orjson.dumps(dict(ids), option=orjson.OPT_SORT_KEYS)
    path = search_directory(settings) / _ORGANIZATIONS
    if path.is_file() and path.read_bytes() == content:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(dir=path.parent)  # 0600 from the start
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(beside).replace(path)


def _notes(settings: "Settings") -> list[Path]:
    place = search_directory(settings) / _NOTES
    return sorted(place.iterdir()) if place.is_dir() else []


def _is_dead(note: Path) -> bool:
    try:
        with note.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    return True
