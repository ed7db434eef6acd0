"""Lists by the page: `?limit=`, `?cursor=`, `?sort=` in, `items` and `next_cursor` out.

There are no page numbers: what is added meanwhile must not shift what comes, and the last page must cost what the
first does.
"""

import base64
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

import orjson
from fastapi import Query
from pydantic import BaseModel, Field

from clew.kernel.errors import InputError

DEFAULT_LIMIT: Final = 50
MOST: Final = 200
_LONGEST_CURSOR: Final = 2000

Item = TypeVar("Item")

Limit = Annotated[int, Query(ge=1, le=MOST, description="Most items of one page.", examples=[DEFAULT_LIMIT])]
Cursor = Annotated[
    str | None,
    Query(max_length=_LONGEST_CURSOR, description="`next_cursor` of the page before; opaque.", examples=[None]),
]


class Page(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description="What to send as `cursor` for the next page; null on the last one.")


def page_of(found: Sequence[Item], limit: int, place: Callable[[Item], Sequence[Any]]) -> tuple[list[Item], str | None]:
    """The items of this page, and the next page's cursor, of at most `limit` + 1 items that were found.

    `place` gives the values by which an item is sorted, which must tell any two items apart (so: the id at last).
    """
    items = list(found[:limit])
    return items, encode_cursor(*place(items[-1])) if len(found) > limit else None


def encode_cursor(*values: Any) -> str:
    """A place in a list: where an item stands by the values it is sorted by (text, numbers, times, ids, None)."""
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, *kinds: type) -> tuple[Any, ...] | None:
    """The values that `encode_cursor` was given, each of its kind (or None); None without a cursor.

    Raises InputError for what is no cursor of this list: it comes from outside like everything else.
    """
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        return tuple(_of_kind(value, kind) for value, kind in zip(values, kinds, strict=True))
    except (ValueError, TypeError):
        raise InputError(
            "this cursor belongs to no page of this list",
            where="cursor",
            remedy="begin again without one, with the same sort and filters",
        ) from None


def _of_kind(value: Any, kind: type) -> Any:
    if value is None:
        return None
    if kind is datetime or kind is UUID:
        parsed = datetime.fromisoformat(value) if kind is datetime else UUID(value)
        if isinstance(parsed, datetime) and parsed.tzinfo is None:
            raise ValueError("a time without zone")
        return parsed
    if type(value) is not kind and not (kind is float and type(value) is int):
        raise TypeError(f"not {kind.__name__}")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a text that cannot be stored")
    return value
