"""The connection an analysis works on, and the locks by which analyses and decisions keep out of each other's way.

A killed process loses its connection and with it the lock, so nothing is ever locked by the dead.
"""

import contextlib
import time
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid5

import psycopg

from clew.kernel.database import Database
from clew.kernel.errors import ConflictError
from clew.kernel.transactions import SET_CONTEXT, TenantContext, context_parameters

_PAUSE_SECONDS: Final = 0.1
_FOR_THE_SESSION: Final = SET_CONTEXT.replace("true)", "false)")


class AnalysisRunningError(ConflictError):
    """The organization's record is being analysed already; a job tries again later."""

    transient = True


@contextlib.contextmanager
def working_connection(database: Database, context: TenantContext) -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own in the organization's name, in autocommit mode."""
    with database.connect_raw() as connection:
        connection.autocommit = True
        connection.execute(_FOR_THE_SESSION, context_parameters(context))
        yield connection


@contextlib.contextmanager
def only_analysis(
    connection: psycopg.Connection[Any], organization_id: UUID, name: str = "analysis", *, patience_seconds: float = 0.0
) -> Iterator[None]:
    """Be the only analysis of the organization, or of that name. Raises ConflictError while another one runs.

    The lock of a process that was killed goes with its connection, which the server may notice a moment later: whoever
    takes over from one is patient for so long.
    """
    key = lock_key(organization_id, name)
    until = time.monotonic() + patience_seconds
    while not _locked(connection, key):
        if time.monotonic() >= until:
            raise AnalysisRunningError(
                "another analysis of this organization is running", remedy="wait until it is done, or cancel it"
            )
        time.sleep(_PAUSE_SECONDS)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (key,))


def _locked(connection: psycopg.Connection[Any], key: int) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
    return bool(row and row[0])


def enter_campaigns(connection: psycopg.Connection[Any], organization_id: UUID) -> None:
    """Wait, until this transaction ends, to be the only one that changes the organization's campaigns."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(organization_id, "campaigns"),))


def lock_key(organization_id: UUID, name: str) -> int:
    """The number by which PostgreSQL knows the lock."""
    return int.from_bytes(uuid5(organization_id, name).bytes[:8], "big", signed=True)
