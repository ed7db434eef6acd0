"""What each node of an analysis did, and when: rows of tool_execution_logs, one for each time it was begun.

A row that says that its step runs while nothing does is of a process that died; who goes on says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
import psycopg
import sqlalchemy as sa

from clew.kernel.ids import IdMaker
from clew.kernel.stored_text import storable_json

PREFIX: Final = "analysis."

_BEGIN: Final = """
INSERT INTO tool_execution_logs (organization_id, id, analysis_session_id, tool_name, execution_status, started_at,
                                 input_parameters)
VALUES (%(organization)s, %(id)s, %(analysis)s, %(tool)s, 'running', clock_timestamp(), %(input)s)
"""
_END: Final = """
UPDATE tool_execution_logs
SET execution_status = %(status)s, completed_at = clock_timestamp(), output_results = %(output)s,
    error_details = %(error)s
WHERE organization_id = %(organization)s AND id = %(id)s
"""
_INTERRUPTED: Final = """
UPDATE tool_execution_logs
SET execution_status = 'interrupted', completed_at = clock_timestamp()
WHERE organization_id = %(organization)s AND analysis_session_id = %(analysis)s AND execution_status = 'running'
"""
_STEPS: Final = sa.text("""
SELECT tool_name, execution_status, started_at, completed_at, output_results, error_details
FROM tool_execution_logs
WHERE organization_id = :organization AND analysis_session_id = :analysis
ORDER BY started_at, id
""")


@dataclass(frozen=True, slots=True)
class Step:
    """One time that a node was begun. `status`: running, completed, failed or interrupted."""

    step: str
    status: str
    started_at: datetime
    completed_at: datetime | None
    output: dict[str, Any]
    error: dict[str, Any] | None


class StepLog:
    """Writes the log of one analysis."""

    def __init__(
        self, connection: psycopg.Connection[Any], organization_id: UUID, analysis_id: UUID, ids: IdMaker
    ) -> None:
        self._connection = connection
        self._organization_id = organization_id
        self._analysis_id = analysis_id
        self._ids = ids

    def begin(self, step: str, given: Mapping[str, Any]) -> UUID:
        """Say that a step begins; the row's id."""
        identifier = self._ids()
        self._execute(_BEGIN, id=identifier, tool=PREFIX + step, input=orjson.dumps(dict(given)).decode())
        return identifier

    def complete(self, identifier: UUID, output: Mapping[str, Any]) -> None:
        """Say that it is done, in the transaction of what it did."""
        told = orjson.dumps(storable_json(dict(output)), default=str).decode()
        self._execute(_END, id=identifier, status="completed", output=told, error=None)

    def fail(self, identifier: UUID, status: str, error: Mapping[str, Any] | None) -> None:
        """Say that it is not done: failed or interrupted, and why."""
        told = None if error is None else orjson.dumps(storable_json(dict(error))).decode()
        self._execute(_END, id=identifier, status=status, output="{}", error=told)

    def interrupt_left(self) -> None:
        """Say of steps that a process that died was at that they were interrupted."""
        self._execute(_INTERRUPTED)

    def _execute(self, statement: str, **parameters: Any) -> None:
        common = {"organization": self._organization_id, "analysis": self._analysis_id}
        self._connection.execute(statement, common | parameters)


def steps_of(connection: sa.Connection, organization_id: UUID, analysis_id: UUID) -> list[Step]:
    """What was done for an analysis, in order."""
    rows = connection.execute(_STEPS, {"organization": organization_id, "analysis": analysis_id})
    return [Step(row[0].removeprefix(PREFIX), *row[1:]) for row in rows]
