"""Pages of a listing, by where the page before ended and never by counting: what is added meanwhile moves nothing.

A page reads the index of its order. What the index cannot answer is looked at row by row, and at no more than
`MAXIMUM_WALK` rows a page: a page may then hold fewer rows than asked for, or none, and still lead on to another.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from clew.kernel.errors import InputError

MAXIMUM_LIMIT: Final = 200
MAXIMUM_WALK: Final = 20_000
"""Rows that one page looks at for conditions without an index."""

Row = TypeVar("Row")
Shown = TypeVar("Shown")
Condition = sa.ColumnElement[bool]
Columns = ReadOnlyColumnCollection[str, Any]
Keys = Sequence[sa.ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page. `sort` is a name of the listing's orders, with a minus before it from last to first; None: its first.

    `limit` is 1 to 200 rows. `cursor` is `next_cursor` of the page before, asked for with the same filters and sort.
    """

    limit: int = 50
    cursor: str | None = None
    sort: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows in order, and where the next page begins; None after the last one."""

    items: list[Row]
    next_cursor: str | None

    def mapped(self, shown: Callable[[Row], Shown]) -> "Page[Shown]":
        """The same page with each row shown in another way."""
        return Page([shown(row) for row in self.items], self.next_cursor)


@dataclass(frozen=True, slots=True)
class Listing:
    """What is listed: rows of a table, or of a subquery that has its columns.

    Each of the orders names columns that are never null and unique together. `lookups` makes further columns, of the
    rows that are shown and no others, from the columns of the listing. `statements` keeps those that are asked often.
    """

    name: str
    table: sa.FromClause
    columns: tuple[sa.ColumnElement[Any], ...]
    orders: Mapping[str, tuple[sa.ColumnElement[Any], ...]]
    default: str
    lookups: Callable[[Columns], tuple[sa.ColumnElement[Any], ...]] | None = None
    statements: dict[Hashable, sa.Select[Any]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def sorts(self) -> tuple[str, ...]:
        """Everything that may be asked for as `sort`."""
        return tuple(spelled for name in self.orders for spelled in (name, f"-{name}"))


def read_page(
    connection: sa.Connection,
    listing: Listing,
    organization_id: UUID,
    request: PageRequest,
    *,
    filters: object = None,
    indexed: Sequence[Condition] = (),
    walked: Sequence[Condition] = (),
    walk: int = MAXIMUM_WALK,
    parts: Sequence[Condition] = (),
    shape: Hashable = None,
    values: Mapping[str, Any] = MappingProxyType({}),
) -> Page[sa.RowMapping]:
    """One page of the organization's rows.

    `filters` is what was asked for, with a repr that says all of it: a cursor serves only the same question.
    `indexed` are conditions that an index answers together with the order, `walked` all others, looked at in `walk`
    rows at most. `parts` are conditions of which each row meets one at most: the rows of the first come before those
    of the second. Where conditions hold bound parameters, `values` has them. Building a statement costs more than
    asking it: with a `shape` it is built once and kept, so conditions of the same shape must differ by `values` alone.
    Raises InputError for a limit, sort or cursor that there is none of.
    """
    if not 1 <= request.limit <= MAXIMUM_LIMIT:
        raise InputError(f"no page of {request.limit}", where="limit", remedy=f"ask for 1 to {MAXIMUM_LIMIT}")
    sort = request.sort or listing.default
    keys = _order(listing, sort)
    seal = _Seal(organization_id, f"{listing.name}\0{sort}\0{filters!r}")
    descending = sort.startswith("-")
    number, *ends = seal.opened(request.cursor, keys, max(len(parts), 1)) if request.cursor is not None else [0]
    shown: list[sa.RowMapping] = []
    while True:
        limit = request.limit - len(shown)
        known = (shape, sort, number, bool(ends))
        statement = listing.statements.get(known) if shape is not None else None
        if statement is None:
            conditions = [_organization(listing), *parts[number : number + 1], *indexed]
            if ends:
                conditions += _beyond(keys, descending=descending)
            statement = _statement(listing, keys, conditions, walked, walk, descending=descending)
            if shape is not None:
                listing.statements[known] = statement
        bound = {"organization_": organization_id, "limit_": limit + 1, **values}
        bound |= {f"end{place}_": end for place, end in enumerate(ends)}
        rows = connection.execute(statement, bound).mappings().all()
        shown += [row for row in rows[:limit] if row["matches_"]]
        if len(rows) > limit or any(row["step_"] == walk for row in rows):
            last = rows[min(len(rows), limit) - 1]
            return Page(shown, seal.closed([number, *(last[_key(place)] for place in range(len(keys)))]))
        number, ends = number + 1, []
        if number >= len(parts):
            return Page(shown, None)
        if len(shown) == request.limit:
            return Page(shown, seal.closed([number]))


def given(*conditions: tuple[sa.ColumnElement[Any], Callable[[Any, Any], Any], Any]) -> list[Condition]:
    """Column, operator and value of each condition that has a value, as conditions."""
    return [compare(column, value) for column, compare, value in conditions if value is not None]


def _order(listing: Listing, sort: str) -> tuple[sa.ColumnElement[Any], ...]:
    try:
        return listing.orders[sort.removeprefix("-")]
    except KeyError:
        remedy = f"choose one of: {', '.join(listing.sorts)}"
        raise InputError(f"no order {sort[:40]!r}", where="sort", remedy=remedy) from None


def _organization(listing: Listing) -> Condition:
    return listing.table.c.organization_id == sa.bindparam("organization_", type_=sa.Uuid())


def _beyond(keys: Keys, *, descending: bool) -> list[Condition]:
    ends = [sa.bindparam(f"end{place}_", type_=key.type) for place, key in enumerate(keys)]
    first, after = keys[0], sa.tuple_(*keys)
    if descending:
        # The first alone as well: partitions are chosen by it, not by the row.
        return [first <= ends[0], after < sa.tuple_(*ends)]
    return [first >= ends[0], after > sa.tuple_(*ends)]


def _statement(
    listing: Listing,
    keys: Keys,
    conditions: Sequence[Condition],
    walked: Sequence[Condition],
    walk: int,
    *,
    descending: bool,
) -> sa.Select[Any]:
    ordered = [_directed(key, descending=descending) for key in keys]
    limit = sa.bindparam("limit_", type_=sa.Integer())
    matches: sa.ColumnElement[Any] = sa.true()
    step: sa.ColumnElement[Any] = sa.literal(0)
    if walked:
        matches = sa.func.coalesce(sa.and_(*walked), sa.false())
        step = sa.func.row_number().over(order_by=ordered)
    looked_at = (
        sa.select(
            *listing.columns,
            *(key.label(_key(number)) for number, key in enumerate(keys)),
            matches.label("matches_"),
            step.label("step_"),
        )
        .where(*conditions)
        .order_by(*ordered)
        .limit(walk if walked else limit)
        .subquery("looked_at")
    )
    again = [_directed(looked_at.c[_key(number)], descending=descending) for number in range(len(keys))]
    further = listing.lookups(looked_at.c) if listing.lookups else ()
    shown = sa.select(looked_at, *further).order_by(*again)
    if not walked:
        return shown
    # Rows come one by one from the index, and no more of them are read once the page is full.
    return shown.where(sa.or_(looked_at.c.matches_, looked_at.c.step_ == walk)).limit(limit)


def _directed(key: sa.ColumnElement[Any], *, descending: bool) -> sa.ColumnElement[Any]:
    return key.desc() if descending else key.asc()


def _key(number: int) -> str:
    return f"key{number}_"


@dataclass(frozen=True, slots=True)
class _Seal:
    """Binds a cursor to its question. Not a secret: what a forged one reaches, the question reaches as well."""

    organization_id: UUID
    question: str

    def closed(self, values: Sequence[Any]) -> str:
        payload = orjson.dumps([_written(value) for value in values])
        return urlsafe_b64encode(self._digest(payload) + payload).decode().rstrip("=")

    def opened(self, cursor: str, keys: Keys, parts: int) -> list[Any]:
        """The number of a part, and where the page before ended in it, if it did."""
        try:
            raw = urlsafe_b64decode(cursor[:8192].encode("ascii") + b"==")
        except ValueError:
            raw = b""
        if len(raw) <= 12 or raw[:12] != self._digest(raw[12:]):
            raise _foreign_cursor()
        try:
            number, *values = orjson.loads(raw[12:])
            if number not in range(parts) or (not values and not number):
                raise _foreign_cursor()
            expected = keys if values else ()
            ends = [_read(key.type.python_type, value) for key, value in zip(expected, values, strict=True)]
        except (ValueError, TypeError):
            raise _foreign_cursor() from None
        return [number, *ends]

    def _digest(self, payload: bytes) -> bytes:
        bound = f"{self.organization_id}\0{self.question}\0".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(bound + payload, digest_size=12).digest()


def _foreign_cursor() -> InputError:
    return InputError(
        "the cursor belongs to another question",
        where="cursor",
        remedy="take it as it is from the page before, with the same filters and sort, or begin without it",
    )


def _written(value: Any) -> Any:
    return value if isinstance(value, int | str) else value.isoformat() if isinstance(value, datetime) else str(value)


def _read(kind: type, value: Any) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is UUID:
        return UUID(value)
    if not isinstance(value, kind):
        raise TypeError
    return value
