"""Pages of results in a total order that needs no memory of earlier pages.

By fields: Tantivy orders by one field at a time, so ties at the end of a page are ordered among themselves by the next
field, and at last by the uuid. A cursor holds the values of the last hit; the next page is what comes after them.

By rank: Tantivy breaks ties by where documents lie, which changes. Hits are therefore fetched until the group of equal
rank at the page's end is complete, and ordered by uuid. Where that group is large, ranks are first drawn apart by
`_tie`, at most 2.2 %, for all pages of the request.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

import tantivy
from tantivy import DocAddress, FieldType, Occur, Order, Query, Searcher, SearchResult

from clew.projections.search.fields import FieldKind, SetFields
from clew.projections.search.port import MAXIMUM_RANKED, Sort
from clew.projections.search.tantivy.engine import count_of

_SLACK: Final = 200


@dataclass(frozen=True, slots=True)
class Key:
    """One physical field to order by."""

    field: str
    kind: FieldType
    descending: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Addresses with their ranks, in order; where the next page begins (None: this is the last) and the total."""

    hits: list[tuple[float, DocAddress]]
    after: list[Any] | None
    total: int


@dataclass(slots=True)
class Whole:
    """Every document of one committed state: how many there are, and with which value the first by a key end.

    Of everything in an order the first page is asked for again and again. To find where it ends takes a look at each
    document; whoever knows that looks at those before it only.
    """

    total: int
    ends: dict[Key, tuple[int, Any]] = field(default_factory=dict)

    def beginning(self, searcher: Searcher, schema: tantivy.Schema, key: Key, need: int) -> Query:
        """What surely holds the first `need` hits by the key, and all that have the value of the last of them."""
        known, value = self.ends.get(key, (0, None))
        if known < need:
            hits = _first(searcher, Query.all_query(), key, need, count=False).hits
            value = hits[-1][0] if hits else None
            if value is not None and count_of(searcher.search(_until(schema, key, value), limit=1)) > self.total / 4:
                value = None  # nearly all of them would be looked at in any case
            self.ends[key] = (need, value)
        return Query.all_query() if value is None else _until(schema, key, value)


def keys_of(sort: Sequence[Sort], fields: SetFields) -> list[Key]:
    """The physical keys of an order, down to the uuid."""
    keys = []
    for each in sort:
        if each.field == "id":
            keys += _uuid_keys(descending=each.descending)
            return keys
        kind = FieldType.Float if fields.by_name[each.field].kind is FieldKind.FLOAT else FieldType.Integer
        keys.append(Key(each.field, kind, each.descending))
    return keys + _uuid_keys(descending=False)


def page_by_fields(
    searcher: Searcher,
    schema: tantivy.Schema,
    query: Query,
    keys: list[Key],
    limit: int,
    after: list[Any] | None,
    *,
    whole: Whole | None = None,
) -> Page:
    """The `limit` hits after the values `after`. whole: given where the query is for every document."""
    first = None
    if whole is not None:
        total = whole.total
        if after is None:
            query = whole.beginning(searcher, schema, keys[0], limit + 2)
    elif after is None:  # counting while they are ordered costs less than by itself
        first = _first(searcher, query, keys[0], limit + 1, count=True)
        total = count_of(first)
    else:
        total = count_of(searcher.search(query, limit=1))
    if after is not None:
        query = _both(query, _beyond(schema, keys, after))
    found = _ordered(searcher, schema, query, keys, limit + 1, first)
    page = found[:limit]
    if len(found) <= limit or not page:
        return Page([(0.0, address) for address in page], None, total)
    last = [searcher.fast_field_values(key.field, [page[-1]])[0] for key in keys]
    return Page([(0.0, address) for address in page], last, total)


def page_by_rank(searcher: Searcher, query: Query, limit: int, after: list[Any] | None) -> Page:
    """The next `limit` hits by rank. `after`: whether ranks are drawn apart, then rank, uuid and number of the last."""
    drawn, rank, high, low, number = after if after is not None else (None, None, 0, 0, 0)
    fetch = number + limit + _SLACK
    while True:
        weight = "_tie" if drawn else None
        result = searcher.search(query, limit=fetch, weight_by_field=weight)
        hits = result.hits
        whole = len(hits) < fetch
        if not whole:
            last = hits[-1][0]
            hits = [hit for hit in hits if hit[0] > last]
        page = _after(searcher, hits, rank, (high, low), limit + 1)
        if whole or len(page) > limit:
            break
        if drawn is None:
            drawn = True
        else:
            fetch *= 4
    more = len(page) > limit and number + limit < MAXIMUM_RANKED
    page = page[:limit]
    shown = [(score, address) for score, _, address in page]
    if not more or not page:
        return Page(shown, None, count_of(result))
    score, (high, low), _ = page[-1]
    return Page(shown, [bool(drawn), score, high, low, number + limit], count_of(result))


def _after(
    searcher: Searcher,
    hits: Iterable[tuple[float, DocAddress]],
    rank: float | None,
    uuid: tuple[int, int],
    need: int,
) -> list[tuple[float, tuple[int, int], DocAddress]]:
    """The first hits after a rank and uuid, equal ranks by uuid; enough whole groups of equal rank to make `need`."""
    found: list[tuple[float, tuple[int, int], DocAddress]] = []
    remaining = [hit for hit in hits if rank is None or hit[0] <= rank]
    for score, group in groupby(remaining, key=lambda hit: hit[0]):
        addresses = [address for _, address in group]
        uuids = zip(
            searcher.fast_field_values("_hi", addresses), searcher.fast_field_values("_lo", addresses), strict=True
        )
        ordered = sorted(((int(high or 0), int(low or 0)), index) for index, (high, low) in enumerate(uuids))
        found += [(score, each, addresses[index]) for each, index in ordered if score != rank or each > uuid]
        if len(found) >= need:
            break
    return found


def _first(searcher: Searcher, query: Query, key: Key, need: int, *, count: bool) -> SearchResult:
    """The first `need` hits by one key, and one more."""
    order = Order.Desc if key.descending else Order.Asc
    return searcher.search(query, limit=need + 1, count=count, order_by_field=key.field, order=order)


def _ordered(
    searcher: Searcher,
    schema: tantivy.Schema,
    query: Query,
    keys: list[Key],
    need: int,
    first: SearchResult | None = None,
) -> list[DocAddress]:
    """The first `need` documents in the order of the keys. first: those by the first key, where they are known."""
    key, rest = keys[0], keys[1:]
    hits = (first or _first(searcher, query, key, need, count=False)).hits
    if not rest or not hits:
        return [address for _, address in hits[:need]]
    found: list[DocAddress] = []
    cut = hits[-1][0] if len(hits) > need else _NOTHING
    for value, group in groupby(hits, key=lambda hit: hit[0]):
        addresses = [address for _, address in group]
        if value == cut and (value is None) == (cut is None):  # more of the same value may follow
            found += _ordered(searcher, schema, _both(query, _same(schema, key, value)), rest, need - len(found))
        elif len(addresses) == 1:
            found += addresses
        else:
            found += _sorted(searcher, addresses, rest)
        if len(found) >= need:
            break
    return found[:need]


_NOTHING: Final = object()


def _sorted(searcher: Searcher, addresses: list[DocAddress], keys: list[Key]) -> list[DocAddress]:
    order = list(range(len(addresses)))
    for key in reversed(keys):
        values = searcher.fast_field_values(key.field, addresses)
        sign = -1 if key.descending else 1
        order.sort(key=lambda index: (values[index] is None, sign * (values[index] or 0)))
    return [addresses[index] for index in order]


def _beyond(schema: tantivy.Schema, keys: list[Key], values: list[Any]) -> Query:
    """What comes after these values: later in the first key, or the same there and later in the next, and so on."""
    clauses: list[Query] = []
    same: list[Query] = []
    for key, value in zip(keys, values, strict=True):
        if value is not None:  # nothing comes after what has no value
            later = [_later(schema, key, value)]
            if key.field not in ("_hi", "_lo"):
                later.append(_missing(key))
            clauses.append(_both(*same, Query.boolean_query([(Occur.Should, query) for query in later])))
        same.append(_same(schema, key, value))
    return Query.boolean_query([(Occur.Should, clause) for clause in clauses])


def _later(schema: tantivy.Schema, key: Key, value: Any) -> Query:
    if key.descending:
        return Query.range_query(schema, key.field, key.kind, None, value, include_upper=False)
    return Query.range_query(schema, key.field, key.kind, value, None, include_lower=False)


def _until(schema: tantivy.Schema, key: Key, value: Any) -> Query:
    low, high = (value, None) if key.descending else (None, value)
    return Query.range_query(schema, key.field, key.kind, low, high)


def _same(schema: tantivy.Schema, key: Key, value: Any) -> Query:
    if value is None:
        return _missing(key)
    return Query.range_query(schema, key.field, key.kind, value, value)


def _missing(key: Key) -> Query:
    return Query.boolean_query([(Occur.Must, Query.all_query()), (Occur.MustNot, Query.exists_query(key.field))])


def _both(*queries: Query) -> Query:
    return Query.boolean_query([(Occur.Must, query) for query in queries])


def _uuid_keys(*, descending: bool) -> list[Key]:
    return [Key(name, FieldType.Unsigned, descending) for name in ("_hi", "_lo")]
