"""Where an embedded view lies on disk: generations beneath one directory, one of them published.

lock                        held by the one writer
current                     the name of the published generation, replaced as a whole
generations/NAME/
    state.json              schema version and position; written last, as a whole
    used                    held, shared, by every reader of the generation
    organizations/UUID/     for each organization
        current             the name of its base, replaced as a whole
        BASE/               see base.py; beside its files `delta`, the later changes: see delta.py
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

import orjson

from clew.kernel.directories import ensure_own_directory, myself, write_privately
from clew.kernel.errors import ClewError
from clew.projections.graph.embedded.base import read_meta
from clew.projections.graph.errors import GraphViewBusyError
from clew.projections.graph.port import SCHEMA_VERSION, ViewState
from clew.projections.search.locks import Lock, new_generation_name

_NAME: Final = re.compile(r"[0-9a-f]{24}")


class OrganizationPlace:
    """One organization's directory in a generation."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def base(self) -> Path | None:
        """The directory of its present base; None where nothing was committed yet."""
        name = _named(self.directory / "current")
        return self.directory / name if name else None

    def new_base(self) -> Path:
        """A directory for another base, not made yet."""
        ensure_own_directory(self.directory, myself())
        return self.directory / new_generation_name()

    def use(self, base: Path) -> None:
        """Let a base take the present one's place. Whoever has that one open keeps it."""
        write_privately(self.directory / "current", base.name.encode("ascii"), myself())
        self.clean()

    def clean(self) -> None:
        """Remove every base but the present one. Only the writer may."""
        current = _named(self.directory / "current")
        for path in self.directory.iterdir():
            if _NAME.fullmatch(path.name) and path.name != current:
                shutil.rmtree(path, ignore_errors=True)


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

    def organization(self, organization_id: UUID) -> OrganizationPlace:
        """Where an organization lies, or would."""
        return OrganizationPlace(self._organizations / str(organization_id))

    def organizations(self) -> Iterator[UUID]:
        """Every organization with a directory, in ascending order."""
        with suppress(FileNotFoundError):
            for path in sorted(self._organizations.iterdir()):
                with suppress(ValueError):
                    yield UUID(path.name)

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

    def _is_whole(self) -> bool:
        """Whether every organization's files are there with the sizes that were written."""
        for organization_id in self.organizations():
            place = self.organization(organization_id)
            for attempt in range(3):  # the writer may put another base in the place between two looks
                base = place.base()
                try:
                    if base is not None:
                        read_meta(base)
                    elif (place.directory / "current").exists():
                        return False
                    break
                except (OSError, ClewError):
                    if attempt == 2 or place.base() == base:
                        return False
        return True


class Places:
    """The view's root directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> Generation | None:
        """The published generation, whether it is whole or not."""
        name = _named(self.root / "current")
        return Generation(self.root, name) if name else None

    def publish(self, generation: Generation) -> None:
        """Make a generation the published one."""
        write_privately(self.root / "current", generation.name.encode("ascii"), myself())

    def new_generation(self) -> Generation:
        """A new, empty one; names ascend with time."""
        generation = Generation(self.root, new_generation_name())
        generation.create()
        return generation

    def lock(self) -> Lock:
        """Become the one writer. Raises GraphViewBusyError."""
        ensure_own_directory(self.root, myself())
        lock = Lock(self.root / "lock")
        if not lock.take():
            holder = lock.text()
            lock.close()
            raise GraphViewBusyError(
                f"process {holder or 'unknown'} is writing this graph view",
                where=str(self.root),
                remedy="wait for it to finish, or stop it",
            )
        lock.write(f"{os.getpid()}\n")
        return lock

    def clean(self) -> None:
        """Remove generations that are neither published nor read by anybody. Only the writer may."""
        current = self.current()
        generations = self.root / "generations"
        if not generations.exists():
            return
        for path in generations.iterdir():
            if current is not None and path.name == current.name:
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


def _named(path: Path) -> str | None:
    """The name that a file holds, if it is one."""
    try:
        name = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return name if _NAME.fullmatch(name) else None
