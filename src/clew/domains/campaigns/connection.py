"""The connection an analysis works on, and the locks by which analyses and decisions keep out of each other's way.

A killed process loses its connection and with it the lock, so nothing is ever locked by the dead.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID, uuid5

import psycopg

from clew.kernel.database import Database
from clew.kernel.errors import ConflictError
from clew.kernel.transactions import SET_CONTEXT, TenantContext, context_parameters

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
def only_analysis(connection: psycopg.Connection[Any], organization_id: UUID, name: str = "analysis") -> Iterator[None]:
    """Be the only analysis of the organization, or of that name. Raises ConflictError while another one runs."""
    key = lock_key(organization_id, name)
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
    if not (row and row[0]):
        raise AnalysisRunningError(
            "another analysis of this organization is running", remedy="wait until it is done, or cancel it"
        )
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (key,))


def enter_campaigns(connection: psycopg.Connection[Any], organization_id: UUID) -> None:
    """Wait, until this transaction ends, to be the only one that changes the organization's campaigns."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock_key(organization_id, "campaigns"),))


def lock_key(organization_id: UUID, name: str) -> int:
    """The number by which PostgreSQL knows the lock."""
    return int.from_bytes(uuid5(organization_id, name).bytes[:8], "big", signed=True)
