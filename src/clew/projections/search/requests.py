"""Whether a request can be asked at all, and what of it an adapter needs in a plain form."""

import hashlib
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, Final
from uuid import UUID

import orjson

from clew.projections.search.errors import SearchCursorError, SearchQueryError
from clew.projections.search.fields import SETS, Field, FieldKind, SetFields
from clew.projections.search.port import (
    MAXIMUM_BUCKETS,
    MAXIMUM_FACETS,
    MAXIMUM_FILTER_VALUES,
    MAXIMUM_FUZZY,
    MAXIMUM_LIMIT,
    AnyOf,
    GeoBox,
    GeoRadius,
    SearchRequest,
)

EARTH_RADIUS_KILOMETRES: Final = 6371.0088  # mean radius, IUGG
_HALF_CIRCUMFERENCE: Final = math.pi * EARTH_RADIUS_KILOMETRES
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_INTEGERS: Final = (-(1 << 63), (1 << 63) - 1)


def check(request: SearchRequest) -> SetFields:
    """The fields of the request's index. Raises SearchQueryError, naming the part that cannot be asked for."""
    fields = SETS[request.index.document_set]
    if not 0 <= request.limit <= MAXIMUM_LIMIT:
        raise _wrong("limit", f"{request.limit} is not between 0 and {MAXIMUM_LIMIT:,}", "page with the cursor")
    if not 0 <= int(request.fuzzy) <= MAXIMUM_FUZZY:
        raise _wrong("fuzzy", f"words may differ by 0 to {MAXIMUM_FUZZY} letters", f"give at most {MAXIMUM_FUZZY}")
    _check_filters(request, fields)
    _check_place(request.within, fields)
    for name, when in (("since", request.since), ("until", request.until)):
        if when is not None and when.tzinfo is None:
            raise _wrong(name, "a time without a zone", "give it one, such as Z")
    if len(request.facets) > MAXIMUM_FACETS or not 1 <= request.facet_size <= MAXIMUM_BUCKETS:
        raise _wrong("facets", f"at most {MAXIMUM_FACETS} facets of 1 to {MAXIMUM_BUCKETS} values", "ask for fewer")
    _check_names("facets", request.facets, fields, "facet")
    _check_names("stats", request.stats, fields, "numeric")
    _check_names("sort", [each.field for each in request.sort if each.field not in ("score", "id")], fields, "sortable")
    if request.histogram is not None and request.histogram.field is not None:
        field = fields.by_name.get(request.histogram.field)
        if field is None or field.kind is not FieldKind.DATE:
            dates = (each.name for each in fields.fields if each.kind is FieldKind.DATE)
            raise _unknown("histogram", request.histogram.field, dates)
    return fields


def micros(when: datetime) -> int:
    """Microseconds since 1970."""
    return (when - _EPOCH) // _MICROSECOND


def instant(microseconds: int) -> datetime:
    """The time so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


@lru_cache(maxsize=65_536)
def micros_of(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 text. Raises ValueError for anything else."""
    if _DATE.fullmatch(text) is None:
        raise ValueError("is not an RFC 3339 time with seconds and an offset")
    try:
        return micros(datetime.fromisoformat(text.upper()))
    except (ValueError, OverflowError):
        raise ValueError("is no time that exists") from None


def number(field: Field, value: object, where: str) -> int | float:
    """What a filter's value means for a number or date field: dates as microseconds. Raises SearchQueryError."""
    if field.kind is FieldKind.DATE:
        if isinstance(value, datetime) and value.tzinfo is not None:
            return micros(value)
        if isinstance(value, str):
            try:
                return micros_of(value)
            except ValueError as error:
                raise _wrong(where, f"“{value[:40]}” {error}", "write 2024-05-31T12:00:00Z") from None
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        if field.kind is FieldKind.FLOAT:
            return float(value)
        if isinstance(value, int) and _INTEGERS[0] <= value <= _INTEGERS[1]:
            return value
    raise _wrong(where, f"{value!r:.60} is no {field.kind.value}", f"give one that fits {field.name}")


def address(value: object, where: str) -> str:
    """A filter's value as an address. Raises SearchQueryError."""
    try:
        return str(ip_address(str(value)))
    except ValueError:
        raise _wrong(where, f"“{str(value)[:60]}” is no IP address", "give one such as 192.0.2.1") from None


def network(value: object, where: str) -> tuple[str, str]:
    """The first and last address of a network, or of one address. Raises SearchQueryError."""
    try:
        meant = ip_network(str(value), strict=False)
    except ValueError:
        remedy = "give one such as 192.0.2.7 or 192.0.2.0/24"
        raise _wrong(where, f"“{str(value)[:60]}” is no address or network", remedy) from None
    return str(meant[0]), str(meant[-1])


def sealed_cursor(values: list[Any], request: SearchRequest, organization_id: UUID, generation: str) -> str:
    """An opaque cursor that only the same request of the same organization to the same generation opens."""
    payload = orjson.dumps(values)
    return urlsafe_b64encode(_seal(payload, request, organization_id, generation) + payload).decode().rstrip("=")


def opened_cursor(request: SearchRequest, organization_id: UUID, generation: str) -> list[Any] | None:
    """What the request's cursor holds; None without one. Raises SearchCursorError."""
    if request.cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(request.cursor[:4096].encode("ascii") + b"==")
    except ValueError:
        raw = b""
    if len(raw) < 17 or raw[:16] != _seal(raw[16:], request, organization_id, generation):
        raise SearchCursorError(
            "the cursor belongs to another request, or to a search view that was rebuilt since",
            where="cursor",
            remedy="search again without it",
        )
    values = orjson.loads(raw[16:])
    return values if isinstance(values, list) else None


def changed_since() -> SearchCursorError:
    """What is answered where ranks have changed since the cursor's page and that state is not kept any more."""
    return SearchCursorError(
        "documents have changed since that page, and their ranks with them",
        where="cursor",
        remedy="search again without it",
    )


def _seal(payload: bytes, request: SearchRequest, organization_id: UUID, generation: str) -> bytes:
    # Not a secret: it keeps cursors from being used by mistake. What a forged one reaches, the request reaches as well.
    plain = replace(request, cursor=None, limit=0, highlight=False, facets=(), stats=(), histogram=None)
    bound = f"{organization_id}\0{generation}\0{plain!r}\0".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(bound + payload, digest_size=16).digest()


def _check_filters(request: SearchRequest, fields: SetFields) -> None:
    for filter_ in request.filters:
        where = f"filter {filter_.field}"
        field = fields.by_name.get(filter_.field)
        if isinstance(filter_, AnyOf):
            if field is None or not field.exact:
                raise _unknown(where, filter_.field, (each.name for each in fields.fields if each.exact))
            if len(filter_.values) > MAXIMUM_FILTER_VALUES:
                raise _wrong(where, f"more than {MAXIMUM_FILTER_VALUES:,} values", "ask in parts")
            for value in filter_.values:
                _check_value(field, value, where)
        elif field is None or not field.ranged:
            raise _unknown(where, filter_.field, (each.name for each in fields.fields if each.ranged))
        elif filter_.at_least is None and filter_.at_most is None:
            raise _wrong(where, "a range without an end", "give at_least, at_most or both")
        else:
            for end in (filter_.at_least, filter_.at_most):
                if end is not None and field.kind is FieldKind.IP:
                    address(end, where)
                elif end is not None:
                    number(field, end, where)


def _check_value(field: Field, value: object, where: str) -> None:
    if field.kind is FieldKind.IP:
        network(value, where)
    elif field.kind is FieldKind.INTEGER:
        number(field, value, where)


def _check_place(within: GeoRadius | GeoBox | None, fields: SetFields) -> None:
    if within is None:
        return
    if not any(field.kind is FieldKind.GEO for field in fields.fields):
        raise _wrong("within", "this index holds no places", "ask osint_entities or entities")
    if isinstance(within, GeoRadius):
        good = -90 <= within.latitude <= 90 and -180 <= within.longitude <= 180 and within.kilometres >= 0
        if not good or within.kilometres > _HALF_CIRCUMFERENCE + 1:
            raise _wrong("within", "no such circle on earth", "give degrees, and kilometres from 0 to 20,015")
    elif not (-90 <= within.south <= within.north <= 90 and -180 <= within.west <= 180 and -180 <= within.east <= 180):
        raise _wrong("within", "no such box on earth", "give degrees, south at most north, from west to east")


def _check_names(where: str, names: Iterable[str], fields: SetFields, trait: str) -> None:
    for name in names:
        field = fields.by_name.get(name)
        if field is None or not getattr(field, trait):
            raise _unknown(where, name, (each.name for each in fields.fields if getattr(each, trait)))


def _unknown(where: str, name: str, known: Iterable[str]) -> SearchQueryError:
    return _wrong(where, f"“{name[:40]}” is not a field for this", f"one of: {', '.join(known)}")


def _wrong(where: str, message: str, remedy: str) -> SearchQueryError:
    return SearchQueryError(message, where=where, remedy=remedy)
