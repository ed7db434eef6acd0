"""Errors of the database driver in the product's own words: which of them mean that the database is not there."""

import contextlib
from collections.abc import Iterator

import psycopg
import sqlalchemy.exc

from clew.kernel.errors import ClewError, DatabaseUnavailableError

REMEDIES = {
    "25P03": "the program stood still in the middle of a transaction: run the same command again",
    "53100": "the database's disk is full: free space there, then run the same command again",
    "53200": "the database server is out of memory: free some, then run the same command again",
    "53300": "the database takes no more connections: lower CLEW_POOL_SIZE or raise the server's max_connections",
    "55P03": "another load holds the tables just now: run the same command again in a moment",
    "57P01": "the database was stopped: start it, then run the same command again",
    "57P02": "the database crashed and is recovering: run the same command again in a moment",
    "57P03": "the database is starting or stopping: run the same command again in a moment",
    "57P04": "the database was dropped",
    "57P05": "the connection was idle for longer than the server allows: run the same command again",
    "58030": "the database cannot read or write its disk: see its log",
}
# Class 08 is everything about connections; a broken one often has no code at all.
CONNECTION_CLASS = "08"
GENERAL_REMEDY = "check that the database runs and can be reached, then run the same command again"


@contextlib.contextmanager
def database_errors(where: str) -> Iterator[None]:
    """Turn errors that mean "the database is stopped, gone or full" into DatabaseUnavailableError; let others pass.

    `where` names the database without its password.
    """
    try:
        yield
    except (psycopg.Error, sqlalchemy.exc.DBAPIError, sqlalchemy.exc.TimeoutError) as error:
        if (unavailable := as_unavailable(error, where)) is not None:
            raise unavailable from error
        raise


def as_unavailable(error: BaseException, where: str) -> DatabaseUnavailableError | None:
    """The error to raise instead if this one means that the database is unavailable, else None."""
    if isinstance(error, sqlalchemy.exc.TimeoutError):
        return DatabaseUnavailableError(
            "all pooled connections are in use", where=where, remedy="raise CLEW_POOL_SIZE, or do less at once"
        )
    original = error.orig if isinstance(error, sqlalchemy.exc.DBAPIError) else error
    if not isinstance(original, psycopg.Error) or isinstance(original, ClewError):
        return None
    code = original.sqlstate
    if code is None:
        lost = isinstance(original, psycopg.OperationalError)
        return DatabaseUnavailableError(_first_line(original), where=where, remedy=GENERAL_REMEDY) if lost else None
    if code in REMEDIES or code.startswith(CONNECTION_CLASS):
        return DatabaseUnavailableError(_first_line(original), where=where, remedy=REMEDIES.get(code, GENERAL_REMEDY))
    return None


def _first_line(error: psycopg.Error) -> str:
    # What follows the first line can quote statements and values.
    return str(error).strip().partition("\n")[0] or type(error).__name__
