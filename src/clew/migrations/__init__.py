"""The schema's history: numbered, reversible steps, run by the program itself.

`metadata()` imports every table of the product; `upgrade`, `downgrade` and `differences` work on an open
connection of the migrator, inside its transaction.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from clew.domains.analyses import tables as analyses
from clew.domains.audit import tables as audit
from clew.domains.campaigns import tables as campaigns
from clew.domains.collections import tables as collections
from clew.domains.exchange import tables as exchange
from clew.domains.identity import access_tables, key_tables, request_tables, sign_in_tables
from clew.domains.identity import tables as identity
from clew.domains.investigations import tables as investigations
from clew.domains.jobs import tables as jobs
from clew.domains.uploads import tables as uploads
from clew.kernel.errors import SchemaVersionError
from clew.projections import tables as projections
from clew.records.tables import entities

OWNER = "clew_owner"

# One table of each module: naming them here is what puts all of the modules' tables into the metadata.
TABLES: Final = (
    analyses.analysis_callbacks,
    audit.events,
    campaigns.campaigns,
    collections.osint_scans,
    exchange.peers,
    identity.users,
    access_tables.roles,
    key_tables.api_keys,
    sign_in_tables.sessions,
    request_tables.idempotency_keys,
    investigations.targets,
    jobs.jobs,
    uploads.uploads,
    entities.entities,
    projections.projections,
)


def metadata() -> sa.MetaData:
    """The metadata with every table of the product in it."""
    return TABLES[0].metadata


def upgrade(connection: sa.Connection, revision: str = "head") -> None:
    """Bring the schema up to a revision, all steps in the caller's transaction."""
    command.upgrade(_config(connection), revision)


def downgrade(connection: sa.Connection, revision: str) -> None:
    """Take the schema back to a revision (`base` removes everything)."""
    command.downgrade(_config(connection), revision)


def current(connection: sa.Connection) -> str | None:
    """The revision the database is at; None where nothing was ever set up."""
    context = MigrationContext.configure(connection, opts={"version_table": "schema_version"})
    return context.get_current_revision()


def head() -> str:
    """The revision this program works with."""
    revision = ScriptDirectory.from_config(_config(None)).get_current_head()
    if revision is None:
        raise SchemaVersionError("this installation ships no migrations", remedy="reinstall clew")
    return revision


def differences(connection: sa.Connection) -> Sequence[Any]:
    """What the database lacks or has beyond the declared tables; empty when they agree."""
    context = MigrationContext.configure(
        connection,
        opts={
            "version_table": "schema_version",
            "include_object": include_object,
            "include_schemas": True,
            "include_name": _include_name,
            "compare_server_default": True,
        },
    )
    return list(compare_metadata(context, metadata()))


def include_object(item: Any, name: str | None, kind: str, reflected: bool, _compared: Any) -> bool:  # noqa: FBT001
    """Leave partitions out of comparisons: they are made at run time from their parent."""
    table = item if kind == "table" else getattr(item, "table", None)
    table_name = name if kind == "table" else getattr(table, "name", None)
    return not (reflected and table_name is not None and is_partition_name(table_name))


def _include_name(name: str | None, kind: str, _parents: Any) -> bool:
    return kind != "schema" or name in {None, audit.SCHEMA}


def is_partition_name(table_name: str) -> bool:
    """Whether a table's name is that of a partition (`events_2025_01`, `events_impossible_past`)."""
    stem, _, month = table_name.rpartition("_")
    _, _, year = stem.rpartition("_")
    return (month.isdigit() and year.isdigit() and len(year) == 4) or "_impossible_" in table_name


def _config(connection: sa.Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
