"""The unit of work: one transaction that knows for whom it works. Opened at the edge; services never commit."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
from psycopg import Connection as DriverConnection
from psycopg.pq import ExecStatus
from sqlalchemy import Connection, Engine, text

from clew.kernel.database_errors import database_errors
from clew.kernel.roles import AnyConnection
from clew.kernel.stored_text import LONGEST_TOLD, storable

# For this transaction only: a pooled connection carries nothing over to whoever gets it next.
SET_CONTEXT = text(
    "SELECT set_config('app.current_organization_id', :organization, true),"
    " set_config('app.current_user_id', :user, true),"
    " set_config('app.session_id', :session, true),"
    " set_config('app.client_ip', :address, true),"
    " set_config('app.api_key_id', :key, true),"
    " set_config('app.request_id', :request, true),"
    " set_config('app.user_agent', :agent, true)"
)

# The same together with the beginning, for values that need no quoting: ids and addresses are such, and what a caller's
# program says goes as hexadecimal digits.
_BEGIN_FOR: Final = (
    "BEGIN; SELECT set_config('app.current_organization_id', '{organization}', true),"
    " set_config('app.current_user_id', '{user}', true),"
    " set_config('app.session_id', '{session}', true),"
    " set_config('app.client_ip', '{address}', true),"
    " set_config('app.api_key_id', '{key}', true),"
    " set_config('app.request_id', convert_from('\\x{request}', 'UTF8'), true),"
    " set_config('app.user_agent', convert_from('\\x{agent}', 'UTF8'), true)"
)
_PLAIN: Final = re.compile(r"[0-9A-Fa-f:.-]*", re.ASCII)


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
    with database_errors(where), engine.connect() as connection, connection.begin():
        if context is not None:
            _begin_for(connection, context)
        yield connection


def _begin_for(connection: Connection, context: TenantContext) -> None:
    """Begin the transaction and say for whom, in one trip to the server: the driver would take two."""
    driver = driver_connection(connection)
    values = context_parameters(context)
    plain = values | {name: values[name].encode().hex() for name in ("request", "agent")}
    if driver.autocommit or not _PLAIN.fullmatch("".join(plain.values())):
        connection.execute(SET_CONTEXT, values)
        return
    result = driver.pgconn.exec_(_BEGIN_FOR.format(**plain).encode("ascii"))
    if result.status == ExecStatus.FATAL_ERROR:
        raise psycopg.errors.error_from_result(result)


def driver_connection(connection: Connection) -> AnyConnection:
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
    }
