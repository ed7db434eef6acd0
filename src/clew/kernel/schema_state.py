"""The schema's revision, and how it compares with what this program works with."""

from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from clew.kernel.database import Database

_SCHEMA_PRESENT: Final = sa.text("SELECT to_regclass('public.schema_version') IS NOT NULL")
_REVISION: Final = sa.text("SELECT version_num FROM public.schema_version")


class SchemaState(StrEnum):
    """How the database's schema compares with this program."""

    MISSING = "missing"
    BEHIND = "behind"
    CURRENT = "current"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision the database is at, the one this program works with, and how they compare."""

    revision: str | None
    head: str
    state: SchemaState


def read_schema(database: Database) -> Schema:
    """Ask the database, as the application, for its revision. Raises DatabaseUnavailableError."""
    with database.transaction(None) as connection:
        present = connection.execute(_SCHEMA_PRESENT).scalar_one()
        revision = connection.execute(_REVISION).scalar() if present else None
    return compared(revision)


def compared(revision: str | None) -> Schema:
    """The revision compared with the ones this program knows."""
    known = shipped_revisions()
    head = known[-1]
    if revision is None:
        return Schema(None, head, SchemaState.MISSING)
    if revision == head:
        return Schema(revision, head, SchemaState.CURRENT)
    return Schema(revision, head, SchemaState.BEHIND if revision in known else SchemaState.AHEAD)


def shipped_revisions() -> list[str]:
    """The schema's revisions, oldest first, from the names of the files that make them.

    Alembic would tell the same, but loading it takes longer than most commands, which only ask whether all is well.
    """
    package = find_spec("clew.migrations")
    if package is None or package.submodule_search_locations is None:
        raise LookupError("clew.migrations is a package of this program")
    files = (path for place in package.submodule_search_locations for path in Path(place, "versions").glob("*_*.py"))
    return sorted(path.name.partition("_")[0] for path in files if not path.name.startswith("_"))
