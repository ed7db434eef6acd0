"""LangGraph's checkpoints in the organization's own rows.

The library's statements do not know organizations. Here each row names that of the connection, which row-level
security holds it to, and keys begin with it. A checkpoint is small: it says which nodes are done, and a few numbers.
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from langgraph.checkpoint.postgres import PostgresSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

from clew.kernel.database import Database
from clew.kernel.transactions import SET_CONTEXT, TenantContext, context_parameters

if TYPE_CHECKING:
    import psycopg

SCHEMA_VERSION: Final = 10
"""How many of the library's own migrations the tables of migration 0021 stand for: a test holds them together."""

_FOR_THE_SESSION: Final = SET_CONTEXT.replace("true)", "false)")
_OWNER: Final = "current_setting('app.current_organization_id')::uuid"
_KEY: Final = "(thread_id, checkpoint_ns"


def _owned(statement: str) -> str:
    return statement.replace(_KEY, f"(organization_id, {_KEY[1:]}").replace("VALUES (", f"VALUES ({_OWNER}, ")


class OwnedSaver(PostgresSaver):
    """The library's saver for one organization: that which its connection was opened for."""

    UPSERT_CHECKPOINT_BLOBS_SQL = _owned(PostgresSaver.UPSERT_CHECKPOINT_BLOBS_SQL)
    UPSERT_CHECKPOINTS_SQL = _owned(PostgresSaver.UPSERT_CHECKPOINTS_SQL)
    UPSERT_CHECKPOINT_WRITES_SQL = _owned(PostgresSaver.UPSERT_CHECKPOINT_WRITES_SQL)
    INSERT_CHECKPOINT_WRITES_SQL = _owned(PostgresSaver.INSERT_CHECKPOINT_WRITES_SQL)

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        # Nothing but plain values is in a state, and nothing else is made of what is read.
        super().__init__(connection, serde=JsonPlusSerializer(allowed_msgpack_modules=None))


@contextlib.contextmanager
def opened_saver(database: Database, context: TenantContext) -> Iterator[OwnedSaver]:
    """A saver on a connection of its own.

    Commits do not wait for the disk: a checkpoint that is lost with the machine costs a node done again, and nodes may
    be done again.
    """
    with database.connect_raw() as connection:
        connection.autocommit = True
        connection.execute(_FOR_THE_SESSION, context_parameters(context))
        connection.execute("SET synchronous_commit = off")
        yield OwnedSaver(connection)
