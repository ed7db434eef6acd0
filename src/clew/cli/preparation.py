"""Bringing a database to the state this program works with, and saying what state it is in."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.errors import ConfigurationError, InputError, SchemaVersionError
from clew.kernel.roles import MIGRATOR

NO_SCHEMA = "base"

# Two programs that set up the same database at once take turns.
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('clew migrations'))")
_SCHEMA_PRESENT = sa.text("SELECT to_regclass('public.schema_version') IS NOT NULL")
_REVISION = sa.text("SELECT version_num FROM public.schema_version")
_PARTITIONS = sa.text("SELECT create_monthly_partitions(:months)")


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


def require_current(database: Database, tell: Callable[[str], None]) -> None:
    """Make sure that the schema is the one this program works with.

    An embedded database is set up or upgraded at once, after saying so. On a server of the user's that is left to
    `clew init` and `clew db upgrade`: raises ConfigurationError or SchemaVersionError naming them.
    """
    schema = read_schema(database)
    if schema.state is SchemaState.CURRENT:
        return
    refuse_newer(schema, database.address)
    if database.embedded is None:
        raise _not_ready(schema, database.address)
    if schema.state is SchemaState.MISSING:
        tell(f"setting up a new record in {database.settings.data_dir}")
    else:
        tell(f"upgrading the record in {database.settings.data_dir} from schema {schema.revision} to {schema.head}")
    upgrade(database)


def upgrade(database: Database) -> Schema:
    """Bring the schema to this program's revision and make the partitions ahead; what it was before.

    May be called again and by several programs at once. Raises SchemaVersionError for a newer schema.
    """
    from clew import migrations

    database.bootstrap()  # a newer schema may know roles that the server does not
    with database.transaction(None, MIGRATOR) as connection:
        connection.execute(_LOCK)
        before = compared(migrations.current(connection))
        refuse_newer(before, database.address)
        if before.state is not SchemaState.CURRENT:
            migrations.upgrade(connection)
    make_partitions(database)
    return before


def downgrade(database: Database, revision: str) -> Schema:
    """Take the schema back to an earlier revision, or to nothing ("base"); what it was before.

    Raises InputError for a revision that there is none of, or that is newer than the present one.
    """
    from clew import migrations

    with database.transaction(None, MIGRATOR) as connection:
        connection.execute(_LOCK)
        before = compared(migrations.current(connection))
        refuse_newer(before, database.address)
        possible = [NO_SCHEMA, *(known for known in shipped_revisions() if known <= (before.revision or ""))]
        if revision not in possible:
            raise InputError(
                f"the schema cannot go back to {revision!r}",
                where=database.address,
                remedy=f"choose one of: {', '.join(possible)}",
            )
        if before.revision is not None:
            migrations.downgrade(connection, revision)
    return before


def make_partitions(database: Database) -> int:
    """Make the monthly partitions ahead; how many were missing."""
    with database.transaction(None) as connection:
        made = connection.execute(_PARTITIONS, {"months": database.settings.partitions_ahead_months}).scalar_one()
    return int(made)


def refuse_newer(schema: Schema, where: str) -> None:
    """Raise SchemaVersionError if a newer program has changed this database."""
    if schema.state is SchemaState.AHEAD:
        raise SchemaVersionError(
            f"the database is at schema {schema.revision}, which this program does not know; it works with "
            f"{schema.head}",
            where=where,
            remedy="install the newer clew that upgraded it",
        )


def _not_ready(schema: Schema, where: str) -> ConfigurationError | SchemaVersionError:
    if schema.state is SchemaState.MISSING:
        return ConfigurationError("this database holds no record yet", where=where, remedy="run `clew init`")
    return SchemaVersionError(
        f"the database is at schema {schema.revision}, this program works with {schema.head}",
        where=where,
        remedy="run `clew db upgrade` when nobody uses an older clew on it",
    )
