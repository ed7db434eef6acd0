"""Where a view lies on disk: generations beneath one directory, one of them published.

lock                        held by the one writer
current                     the name of the published generation, replaced as a whole
generations/NAME/
    state.json              schema version and position; written last, as a whole
    used                    held, shared, by every reader of the generation
    organizations/UUID/SET/ a Tantivy index for each organization and set
"""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import orjson

from clew.kernel.directories import ensure_own_directory, myself, sync_directory, write_privately
from clew.projections.search.fields import SCHEMA_VERSION, DocumentSet
from clew.projections.search.locks import Lock, new_generation_name, writers_lock
from clew.projections.search.port import ViewState

_NAME: Final = re.compile(r"[0-9a-f]{24}")
_DROPPED: Final = ".dropped-"


class Generation:
    """One generation's directory."""

    def __init__(self, root: Path, name: str) -> None:
        self.name = name
        self.directory = root / "generations" / name
        self.used = self.directory / "used"
        self._organizations = self.directory / "organizations"

    def create(self) -> None:
        """Make it, empty."""
        for directory in (self.directory.parent, self.directory, self._organizations):
            ensure_own_directory(directory, myself())
        Lock(self.used).close()
        self.write_position("")

    def index_directory(self, organization_id: UUID, document_set: DocumentSet) -> Path:
        """Where an organization's index of a set lies, or would."""
        return self._organizations / str(organization_id) / document_set.value

    def ensure_index_directory(self, organization_id: UUID, document_set: DocumentSet) -> Path:
        """The same, made."""
        directory = self.index_directory(organization_id, document_set)
        for each in (directory.parent, directory):
            ensure_own_directory(each, myself())
        return directory

    def organizations(self) -> list[UUID]:
        """Every organization with an index, in ascending order."""
        found = []
        with suppress(FileNotFoundError):
            for entry in os.scandir(self._organizations):
                with suppress(ValueError):
                    found.append(UUID(entry.name))
        return sorted(found)

    def drop(self, organization_id: UUID) -> None:
        """Remove an organization: first out of sight, then from disk."""
        directory = self._organizations / str(organization_id)
        dropped = self._organizations / f"{_DROPPED}{secrets.token_hex(8)}"
        with suppress(FileNotFoundError):
            directory.rename(dropped)
            sync_directory(self._organizations)
            shutil.rmtree(dropped, ignore_errors=True)

    def clean(self) -> None:
        """Remove what an interrupted `drop` left."""
        for path in self._organizations.glob(f"{_DROPPED}*"):
            shutil.rmtree(path, ignore_errors=True)

    def write_position(self, position: str) -> None:
        """Write the state, durably and as a whole."""
        state = {"schema_version": SCHEMA_VERSION, "position": position}
        write_privately(self.directory / "state.json", orjson.dumps(state), myself())

    def state(self) -> ViewState | None:
        """Its state; None if it is not there, of another schema, or lacks files."""
        try:
            state = orjson.loads((self.directory / "state.json").read_bytes())
            position, version = state["position"], state["schema_version"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        if version != SCHEMA_VERSION or not isinstance(position, str):
            return None
        return ViewState(self.name, SCHEMA_VERSION, position) if self._is_whole() else None

    def index_directories(self) -> Iterator[Path]:
        """Every index there is."""
        for organization_id in self.organizations():
            for document_set in DocumentSet:
                directory = self.index_directory(organization_id, document_set)
                if (directory / "meta.json").exists():
                    yield directory

    def _is_whole(self) -> bool:
        """Whether every index has the files its own list names; a bounded look, not a check of their contents."""
        return all(_has_its_files(directory) for directory in self.index_directories())


def _has_its_files(directory: Path) -> bool:
    for attempt in range(3):
        try:
            meta = orjson.loads((directory / "meta.json").read_bytes())
            names = {name.partition(".")[0] for path in directory.iterdir() if (name := path.name).endswith(".store")}
            segments = [str(segment["segment_id"]).replace("-", "") for segment in meta["segments"]]
        except (OSError, ValueError, KeyError, TypeError):
            return False
        if all(segment in names for segment in segments):
            return True
        if attempt < 2:
            time.sleep(0.05)  # a writer may have merged between the two looks
    return False


class Places:
    """The view's root directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> Generation | None:
        """The published generation, whether it is whole or not."""
        try:
            name = (self.root / "current").read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            return None
        return Generation(self.root, name) if _NAME.fullmatch(name) else None

    def publish(self, generation: Generation) -> None:
        """Make a generation the published one."""
        write_privately(self.root / "current", generation.name.encode("ascii"), myself())

    def new_generation(self) -> Generation:
        """A new, empty one; names ascend with time."""
        generation = Generation(self.root, new_generation_name())
        generation.create()
        return generation

    def lock(self) -> Lock:
        """Become the one writer. Raises SearchViewBusyError."""
        return writers_lock(self.root)

    def clean(self) -> None:
        """Remove generations that are neither published nor read by anybody. Only the writer may."""
        current = self.current()
        generations = self.root / "generations"
        if not generations.exists():
            return
        for path in generations.iterdir():
            if current is not None and path.name == current.name:
                current.clean()
                continue
            lock = None
            with suppress(OSError):
                lock = Lock(path / "used")
            try:
                if lock is None or lock.take():
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                if lock is not None:
                    lock.close()
