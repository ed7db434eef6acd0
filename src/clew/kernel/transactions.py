"""The unit of work: one transaction that knows for whom it works. Opened at the edge; services never commit."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Engine

from clew.kernel.database_errors import database_errors
from clew.kernel.driver import DriverConnection, Prepared
from clew.kernel.stored_text import LONGEST_TOLD, storable

_SETTINGS: Final = {
    "organization": "app.current_organization_id",
    "user": "app.current_user_id",
    "session": "app.session_id",
    "address": "app.client_ip",
    "key": "app.api_key_id",
    "request": "app.request_id",
    "agent": "app.user_agent",
    "name": "app.user_name",
}
# For this transaction only: a pooled connection carries nothing over to whoever gets it next.
SET_CONTEXT: Final = "SELECT " + ", ".join(
    f"set_config('{setting}', %({name})s, true)" for name, setting in _SETTINGS.items()
)
_SET_CONTEXT: Final = Prepared(
    "SELECT "
    + ", ".join(f"set_config('{setting}', ${number}, true)" for number, setting in enumerate(_SETTINGS.values(), 1))
)


@dataclass(frozen=True, slots=True)
class TenantContext:
    """For whom a transaction works: what row-level security filters by and what the audit trail records."""

    organization_id: UUID
    user_id: UUID | None = None
    session_id: UUID | None = None
    client_ip: str | None = None
    api_key_id: UUID | None = None
    request_id: str | None = None
    user_agent: str | None = None
    user_name: str | None = None  # where it is known: else the trail looks it up for each act


@contextlib.contextmanager
def transaction(
    engine: Engine, context: TenantContext | None, where: str, *, reading: bool = False
) -> Iterator[Connection]:
    """One transaction: committed at the end of the block, rolled back if it raises.

    Without a context no tenant's rows are visible. One that is `reading` cannot write, and ends without waiting for
    the server. Raises DatabaseUnavailableError if the server is stopped, the connection lost or the disk full; then
    nothing of the transaction was kept (or, if the connection broke during the commit itself, all of it or nothing:
    callers repeat, and every write of the product may be repeated).
    """
    with database_errors(where), engine.connect() as connection, connection.begin():
        if context is not None:
            _begin_for(connection, context, reading=reading)
        yield connection


def _begin_for(connection: Connection, context: TenantContext, *, reading: bool) -> None:
    """Say for whom the transaction works: in the trip of its first statement, where we begin it."""
    driver = driver_connection(connection)
    values = context_parameters(context)
    if driver.is_between_transactions:
        driver.begin_later(_SET_CONTEXT, list(values.values()), reading=reading)
    else:  # the driver begins, in autocommit or at another level of isolation
        driver.execute(SET_CONTEXT, values)


def driver_connection(connection: Connection) -> DriverConnection:
    """The psycopg connection beneath, for COPY within the same transaction."""
    driver: object = connection.connection.driver_connection
    if not isinstance(driver, DriverConnection):
        raise TypeError(f"not a psycopg connection: {type(driver).__name__}")
    return driver


def context_parameters(context: TenantContext) -> dict[str, str]:
    """What SET_CONTEXT is executed with."""
    return {
        "organization": str(context.organization_id),
        "user": str(context.user_id or ""),
        "session": str(context.session_id or ""),
        "address": context.client_ip or "",
        "key": str(context.api_key_id or ""),
        "request": context.request_id or "",
        "agent": storable(context.user_agent or "", LONGEST_TOLD),
        "name": context.user_name or "",
    }
