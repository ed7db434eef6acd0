"""The database: where it is, who it lets do what, and whether its schema fits."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

import sqlalchemy as sa

from clew.cli.diagnosis.finding import Finding, Status, checked
from clew.cli.diagnosis.machine import free_space, written_size
from clew.kernel.database import Database
from clew.kernel.embedded import EmbeddedServer
from clew.kernel.schema_state import Schema, SchemaState, read_schema

FUTURE_PARTITION = "events_impossible_future"

_UNPROTECTED = sa.text("""
SELECT relname FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
  AND NOT (relrowsecurity AND relforcerowsecurity)
  AND (relname IN ('organizations', 'users') OR EXISTS (
      SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'organization_id' AND NOT attisdropped))
ORDER BY relname
""")
# Without an organization nothing may be visible; there always is at least one row to be seen if something is wrong.
_VISIBLE_TO_NOBODY = sa.text("SELECT count(*) FROM organizations")
_BORDER = sa.text("""
SELECT pg_get_expr(relpartbound, oid) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relname = :name
""")


def examine_embedded(server: EmbeddedServer) -> Iterator[Finding]:
    """The embedded server's files and users. Starts nothing."""
    status = server.status()
    if status.version is None:
        remedy = "run `clew init`, or let the first `clew ingest` do it"
        yield Finding("embedded server", "not set up yet", Status.WARN, remedy)
        return
    running = f"runs as process {status.pid}" if status.running else "not running (starts when needed)"
    pinned = ", kept running until `clew db stop`" if status.pinned else ""
    yield Finding("embedded server", f"PostgreSQL {status.version} in {status.data_directory}, {running}{pinned}")
    yield Finding("database size", written_size(status.size_bytes or 0))
    users = "this system does not tell" if status.users is None else ", ".join(map(str, status.users)) or "nobody"
    yield Finding("used by", f"processes: {users}")
    yield Finding("server log", str(status.log or "none yet"))
    yield free_space("free space (database)", status.data_directory)


def examine_server(database: Database) -> Iterator[Finding]:
    """Version, encoding, roles and schema. Raises DatabaseUnavailableError if it cannot be reached."""
    described = database.describe()
    yield Finding("database", f"{described.address}: PostgreSQL {described.version}, {described.encoding}")
    yield Finding("roles", f"signed in as {described.login}, acts as {described.acts_as}")
    yield _schema_finding(read_schema(database))


def examine_protection(database: Database) -> Iterator[Finding]:
    """Whether organizations really are kept apart, and whether there are partitions for the time to come."""
    bypasses = database.describe().bypasses_row_security
    with database.transaction(None) as connection:
        unprotected = list(connection.scalars(_UNPROTECTED))
        visible = connection.execute(_VISIBLE_TO_NOBODY).scalar_one()
        border = connection.execute(_BORDER, {"name": FUTURE_PARTITION}).scalar()
    problems = [f"table {name} is not protected" for name in unprotected]
    problems += ["the role may bypass it"] if bypasses else []
    problems += [f"{visible} organizations are visible to nobody in particular"] if visible else []
    yield checked(
        "row-level security",
        "; ".join(problems) or "in force on every table",
        Status.FAIL,
        "do not load anything more; run `clew db upgrade`, and if that does not help restore the schema's policies",
        well=not problems,
    )
    yield _partitions(border)


def is_current(schema: Schema) -> bool:
    """Whether questions about the schema's tables make sense."""
    return schema.state is SchemaState.CURRENT


def _schema_finding(schema: Schema) -> Finding:
    detail = f"revision {schema.revision or 'none'}, this program works with {schema.head}"
    remedies = {
        SchemaState.MISSING: (Status.WARN, "run `clew init`"),
        SchemaState.BEHIND: (Status.FAIL, "run `clew db upgrade`"),
        SchemaState.AHEAD: (Status.FAIL, "install the newer clew that upgraded the database"),
    }
    if schema.state is SchemaState.CURRENT:
        return Finding("schema", detail)
    return Finding("schema", detail, *remedies[schema.state])


def _partitions(border: str | None) -> Finding:
    """`border` is the bound of the partition for times yet to come, as PostgreSQL writes it."""
    found = re.search(r"FROM \('(\d{4})-(\d{2})-(\d{2})", border or "")
    if found is None:
        return Finding("partitions", "there are none", Status.FAIL, "run `clew db upgrade`")
    until = date(*map(int, found.groups()))
    now = datetime.now(UTC)
    months = (until.year - now.year) * 12 + until.month - now.month - 1
    return checked(
        "partitions",
        f"made until {until}, {max(months, 0)} months ahead",
        Status.WARN,
        "run `clew init`, which makes those that are missing; every load does so too",
        well=months >= 1,
    )
