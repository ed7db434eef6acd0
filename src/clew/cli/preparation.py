"""Bringing a database to the state this program works with, and saying what state it is in."""

from collections.abc import Callable

import sqlalchemy as sa

from clew.kernel.database import Database
from clew.kernel.errors import ConfigurationError, InputError, SchemaVersionError
from clew.kernel.roles import MIGRATOR
from clew.kernel.schema_state import Schema, SchemaState, compared, read_schema, shipped_revisions

NO_SCHEMA = "base"

# Two programs that set up the same database at once take turns.
_LOCK = sa.text("SELECT pg_advisory_xact_lock(hashtext('clew migrations'))")
_PARTITIONS = sa.text("SELECT create_monthly_partitions(:months)")


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
