"""Lists by the page: rows after a place in an order, of which one more is asked for than is shown."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

Place = tuple[Any, ...]


def after(
    query: sa.Select[Any],
    columns: Sequence[sa.ColumnElement[Any]],
    place: Place | None,
    limit: int,
    *,
    descending: bool,
) -> sa.Select[Any]:
    """The rows that follow a place, by these columns (which tell any two rows apart), at most `limit` + 1.

    `place` holds the values of those columns in the last row of the page before; None: from the beginning on.
    """
    ordered = query.order_by(*(column.desc() if descending else column.asc() for column in columns)).limit(limit + 1)
    if place is None:
        return ordered
    literals = [sa.literal(value, column.type) for value, column in zip(place, columns, strict=True)]
    here = sa.tuple_(*columns)
    return ordered.where(here < sa.tuple_(*literals) if descending else here > sa.tuple_(*literals))
