"""Whether a pooled connection still has a server at its other end, without asking it.

A server that stopped, however it did, has closed its end, and that shows on the socket at once. Asking instead would
cost every transaction a trip, which is as much as a small transaction itself.
"""

import select
from typing import Any

import psycopg
import sqlalchemy.event
import sqlalchemy.exc
from sqlalchemy import Engine


def looks_alive(connection: Any) -> bool:
    """Whether nothing has happened to an idle psycopg connection since it was last used."""
    if connection.closed:
        return False
    try:
        connection.settle()
    except psycopg.Error:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0) or _answers(connection)


def replace_dead(engine: Engine) -> None:
    """Let the engine's pool give out only connections that look alive."""
    sqlalchemy.event.listen(engine, "checkout", _require_alive)


def _require_alive(connection: Any, _record: Any, _proxy: Any) -> None:
    if not looks_alive(connection):
        raise sqlalchemy.exc.DisconnectionError("the server closed this connection")


def _answers(connection: Any) -> bool:
    """Something came unasked: the end of the connection, or only a notice, such as of a changed setting."""
    autocommit = connection.autocommit
    try:
        connection.autocommit = True
        connection.execute("SELECT")
    except psycopg.Error:
        return False
    connection.autocommit = autocommit
    return True
