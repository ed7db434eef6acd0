"""Values that PostgreSQL refuses although nothing before it did, and which records they came from.

One such value would end a whole load. So what failed is tried again in halves, down to the single record, on top of
what went before it: the record that makes the difference is the one to hold back.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import psycopg
from psycopg import errors

__all__ = ["REASON", "REFUSALS", "find_refused"]

REASON: Final = "refused_value"
"""The quarantine's code for such records."""

REFUSALS: Final = (
    psycopg.DataError,  # class 22: out of range, not of the type, not in the encoding …
    errors.CheckViolation,
    errors.NotNullViolation,
    errors.ProgramLimitExceeded,  # too long for an index, too large for jsonb
    errors.StatementTooComplex,  # nested too deeply
)
"""Errors that a value causes, not the state of the database: the same record will be refused again."""

_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"', re.DOTALL)
_LONGEST_MESSAGE: Final = 300


def find_refused(records: Sequence[int], attempt: Callable[[Sequence[int]], None]) -> dict[int, str]:
    """Which of the records are refused, in their order, and why; they were refused together before.

    `attempt` merges some consecutive ones of them on top of those that it merged before, and raises one of REFUSALS
    without having changed anything if one of them is refused.
    """
    refused: dict[int, str] = {}
    pending = [records] if len(records) == 1 else _halves(records)
    while pending:
        some = pending.pop()
        try:
            attempt(some)
        except REFUSALS as refusal:
            if len(some) == 1:
                refused[some[0]] = describe(refusal)
            else:
                pending += _halves(some)
    return refused


def describe(refusal: psycopg.Error) -> str:
    """Why, in PostgreSQL's words, without a value: it may come from another row than the one that was refused."""
    diagnosis = refusal.diag
    names = (diagnosis.table_name, diagnosis.column_name, diagnosis.constraint_name, diagnosis.datatype_name)
    known = {f'"{name}"' for name in names if name}
    first_line = (diagnosis.message_primary or str(refusal)).partition("\n")[0]
    message = _QUOTED.sub(lambda quoted: quoted[0] if quoted[0] in known else '"…"', first_line)
    code = f" ({refusal.sqlstate})" if refusal.sqlstate else ""
    return f"PostgreSQL refuses it: {message[:_LONGEST_MESSAGE]}{code}"


def _halves(records: Sequence[Any]) -> list[Sequence[Any]]:
    """The second half and the first, for a stack; nothing of nothing."""
    middle = (len(records) + 1) // 2
    return [half for half in (records[middle:], records[:middle]) if half]
