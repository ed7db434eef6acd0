"""The parts of a search request as people write them, in options of a command or in an address."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import SETS, FieldKind, SearchIndex
from clew.projections.search.port import (
    AnyOf,
    DateHistogram,
    Filter,
    GeoRadius,
    Hit,
    Interval,
    Scalar,
    SearchResult,
    Sort,
)

_NUMBER: Final = r"(-?\d{1,20}(?:\.\d{1,20})?)"
_NEAR: Final = re.compile(rf"\s*{_NUMBER}\s*,\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\Z", re.ASCII)


def index_of(name: str) -> SearchIndex:
    """The index of that name. Raises SearchQueryError."""
    try:
        return SearchIndex(name)
    except ValueError:
        known = ", ".join(each.value for each in SearchIndex)
        raise _wrong("index", f"{name[:60]!r} is no index", f"there are: {known}") from None


def moment_of(text: str | None, where: str) -> datetime | None:
    """A date or time; without a zone it is UTC. Raises SearchQueryError."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        remedy = "write one such as 2025-03-01 or 2025-03-01T14:30+01:00"
        raise _wrong(where, f"{text[:60]!r} is no time", remedy) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def place_of(text: str | None) -> GeoRadius | None:
    """LAT,LON,KM as a circle. Raises SearchQueryError."""
    if text is None:
        return None
    match = _NEAR.match(text)
    if match is None:
        remedy = "write latitude, longitude and kilometres, such as 52.52,13.40,50"
        raise _wrong("near", f"{text[:60]!r} is no place", remedy)
    latitude, longitude, kilometres = map(float, match.groups())
    return GeoRadius(latitude, longitude, kilometres)


def histogram_of(name: str | None) -> DateHistogram | None:
    """A histogram by that interval. Raises SearchQueryError."""
    if name is None:
        return None
    try:
        return DateHistogram(Interval(name))
    except ValueError:
        known = ", ".join(each.value for each in Interval)
        raise _wrong("histogram", f"{name[:60]!r} is no interval", f"there are: {known}") from None


def sorts_of(names: Sequence[str]) -> tuple[Sort, ...]:
    """Orders: a field highest first, or lowest first if a minus stands before it."""
    return tuple(Sort(name.removeprefix("-"), descending=not name.startswith("-")) for name in names)


def filters_of(index: SearchIndex, pairs: Sequence[str]) -> tuple[Filter, ...]:
    """FIELD=VALUE pairs; values of one field are alternatives. Raises SearchQueryError."""
    values: dict[str, list[Scalar]] = {}
    for pair in pairs:
        field, separator, value = pair.partition("=")
        if not separator or not field:
            raise _wrong("where", f"{pair[:60]!r} is no condition", "write FIELD=VALUE")
        values.setdefault(field, []).append(_typed(index, field, value))
    return tuple(AnyOf(field, tuple(listed)) for field, listed in values.items())


def result_as_dict(result: SearchResult) -> dict[str, Any]:
    """For JSON. Highlights are HTML-escaped text with <mark> around what was found."""
    return {
        "total": result.total,
        "took_ms": round(result.took_ms, 3),
        "hits": [_hit_as_dict(hit) for hit in result.hits],
        "facets": {
            name: [{"value": bucket.value, "count": bucket.count} for bucket in buckets]
            for name, buckets in result.facets.items()
        },
        "histogram": [{"value": bucket.value, "count": bucket.count} for bucket in result.histogram],
        "stats": {
            name: {
                "count": found.count,
                "minimum": found.minimum,
                "maximum": found.maximum,
                "mean": found.mean,
                "total": found.total,
            }
            for name, found in result.stats.items()
        },
        "next_cursor": result.next_cursor,
    }


def _hit_as_dict(hit: Hit) -> dict[str, Any]:
    document: Mapping[str, Any] = hit.document
    return {
        "id": hit.id,
        "type": hit.type,
        "name": hit.name,
        "score": round(hit.score, 6),
        "index": hit.index.value,
        "highlights": {
            field: [piece.marked("<mark>", "</mark>", escape) for piece in pieces]
            for field, pieces in hit.highlights.items()
        },
        "document": dict(document),
    }


def _typed(index: SearchIndex, field: str, value: str) -> Scalar:
    known = SETS[index.document_set].by_name.get(field)
    if known is not None and known.kind is FieldKind.INTEGER:
        try:
            return int(value)
        except ValueError:
            wrong = f"{field} is a whole number, not {value[:60]!r}"
            raise _wrong("where", wrong, "write a whole number") from None
    if known is not None and known.kind is FieldKind.BOOLEAN:
        return value.lower() in ("true", "yes", "1")
    return value


def _wrong(where: str, message: str, remedy: str) -> SearchQueryError:
    return SearchQueryError(message, where=where, remedy=remedy)
