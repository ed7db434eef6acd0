"""The unit of work: one transaction that knows for whom it works. Opened at the edge; services never commit."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import DBAPIError

from clew.kernel.database_errors import database_errors
from clew.kernel.roles import AnyConnection
from clew.kernel.stored_text import LONGEST_TOLD, storable

# For this transaction only: a pooled connection carries nothing over to whoever gets it next.
SET_CONTEXT: Final = (
    "SELECT set_config('app.current_organization_id', %(organization)s, true),"
    " set_config('app.current_user_id', %(user)s, true),"
    " set_config('app.session_id', %(session)s, true),"
    " set_config('app.client_ip', %(address)s, true),"
    " set_config('app.api_key_id', %(key)s, true),"
    " set_config('app.request_id', %(request)s, true),"
    " set_config('app.user_agent', %(agent)s, true)"
)
_NO_CONTEXT: Final = "SELECT"


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


@contextlib.contextmanager
def transaction(engine: Engine, context: TenantContext | None, where: str) -> Iterator[Connection]:
    """One transaction: committed at the end of the block, rolled back if it raises.

    Without a context no tenant's rows are visible. Raises DatabaseUnavailableError if the server is stopped, the
    connection lost or the disk full; then nothing of the transaction was kept (or, if the connection broke during the
    commit itself, all of it or nothing: callers repeat, and every write of the product may be repeated).
    """
    with database_errors(where):
        connection, begun = _begun(engine, context)
        with connection, begun:
            yield connection


def _begun(engine: Engine, context: TenantContext | None) -> tuple[Connection, RootTransaction]:
    """A connection within a transaction that knows its context.

    The first statement shows whether a pooled connection still lives: one that does not, because the server was
    restarted meanwhile, costs nobody an error. [M: with a ping before each transaction, and SQLAlchemy for this
    statement, an empty transaction takes twice as long]
    """
    for is_last in (False, True):
        connection = engine.connect()
        try:
            begun = connection.begin()
            if context is None:
                driver_connection(connection).execute(_NO_CONTEXT)
            else:
                driver_connection(connection).execute(SET_CONTEXT, context_parameters(context))
        except BaseException as error:
            lives = not isinstance(error, psycopg.OperationalError) or not driver_connection(connection).closed
            if not lives:
                with contextlib.suppress(DBAPIError):
                    connection.exec_driver_sql(_NO_CONTEXT)  # tells the pool that its older ones are dead, too
            connection.close()
            if lives or is_last:
                raise
        else:
            return connection, begun
    raise AssertionError("the last attempt returns or raises")


def driver_connection(connection: Connection) -> AnyConnection:
    """The psycopg connection beneath, for COPY within the same transaction."""
    driver: object = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
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
    }
