"""Facets, histograms and statistics: how they are asked of an engine, in one pass for all of them, and read."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import SetFields
from clew.projections.search.physical.values import counted
from clew.projections.search.port import MAXIMUM_BUCKETS, Bucket, Interval, SearchRequest, Statistics
from clew.projections.search.requests import instant, micros

_MICROSECONDS: Final = 1_000_000
_DAY: Final = 86_400 * _MICROSECONDS
_WIDTHS: Final = {
    Interval.MINUTE: 60 * _MICROSECONDS,
    Interval.HOUR: 3_600 * _MICROSECONDS,
    Interval.DAY: _DAY,
    Interval.WEEK: 7 * _DAY,
}
_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_FIRST: Final = micros(_BEGINNING)
_LAST: Final = micros(datetime.max.replace(tzinfo=UTC))
_MONDAY: Final = 4 * _DAY  # 1970-01-05
EXACT: Final = 65_000
"""Values of a facet that are counted in each part of an index before the largest are taken."""


class Places(Protocol):
    """The physical fields that an engine counts, and how it is told to count exactly."""

    exactly: Mapping[str, int]

    def facet(self, name: str) -> str:
        """Where values are counted."""

    def number(self, name: str) -> str:
        """Where numbers and times (in microseconds) are counted."""


@dataclass(frozen=True, slots=True)
class Aggregates:
    """What was counted over all results."""

    facets: Mapping[str, tuple[Bucket, ...]]
    histogram: tuple[Bucket, ...]
    stats: Mapping[str, Statistics]


def wanted_aggregations(request: SearchRequest, fields: SetFields, places: Places) -> dict[str, Any]:
    """What is to be counted, in the words that Tantivy and Elasticsearch share. `places`: where engines keep it."""
    wanted: dict[str, Any] = {}
    for name in request.facets:
        size = request.facet_size + 100  # more than asked for, so that ties at the end are told apart by value
        wanted[f"facet {name}"] = {"terms": {"field": places.facet(name), "size": size, **places.exactly}}
    for name in request.stats:
        wanted[f"stats {name}"] = {"stats": {"field": places.number(name)}}
    if request.histogram is not None:
        interval = request.histogram.interval
        histogram: dict[str, Any] = {
            "field": places.number(request.histogram.field or fields.time_field),
            "interval": float(_WIDTHS.get(interval, _DAY)),
            "min_doc_count": 1,
        }
        if interval is Interval.WEEK:
            histogram["offset"] = float(_MONDAY)
        wanted["histogram"] = {"histogram": histogram}
    return wanted


def counted_aggregations(found: Mapping[str, Any], request: SearchRequest) -> Aggregates:
    """What an engine counted. Raises SearchQueryError for a histogram of too many buckets."""
    return Aggregates(
        {name: _facet(found[f"facet {name}"], request.facet_size) for name in request.facets},
        _histogram(found["histogram"], request.histogram.interval) if request.histogram is not None else (),
        {name: _statistics(found[f"stats {name}"]) for name in request.stats},
    )


def _facet(found: dict[str, Any], size: int) -> tuple[Bucket, ...]:
    buckets = [Bucket(counted(_text(bucket["key"])), bucket["doc_count"]) for bucket in found["buckets"]]
    return tuple(sorted(buckets, key=lambda bucket: (-bucket.count, bucket.value))[:size])


def _text(key: object) -> str:
    return str(int(key)) if isinstance(key, float) else str(key)


def _histogram(found: dict[str, Any], interval: Interval) -> tuple[Bucket, ...]:
    counts: Counter[datetime] = Counter()
    width = _WIDTHS.get(interval, _DAY)
    offset = _MONDAY if interval is Interval.WEEK else 0
    for bucket in found["buckets"]:
        if bucket["doc_count"]:
            # The key is a float: far from 1970 it is a few microseconds off the interval's beginning.
            start = round((bucket["key"] - offset) / width) * width + offset
            counts[_beginning(start, interval)] += bucket["doc_count"]
    if len(counts) > MAXIMUM_BUCKETS:
        raise too_many()
    return tuple(Bucket(start.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0"), counts[start]) for start in sorted(counts))


def _beginning(microseconds: int, interval: Interval) -> datetime:
    width, offset = _WIDTHS.get(interval, _DAY), _MONDAY if interval is Interval.WEEK else 0
    # As floats the last microseconds of year 9999 are in year 10000; the week of the first day begins before it.
    last = (_LAST - offset) // width * width + offset
    start = instant(min(microseconds, last)) if microseconds >= _FIRST else _BEGINNING
    if interval in (Interval.MONTH, Interval.YEAR):
        start = start.replace(day=1)
    return start.replace(month=1) if interval is Interval.YEAR else start


def _statistics(found: dict[str, Any]) -> Statistics:
    count = int(found["count"])
    if count == 0:
        return Statistics(0, None, None, None, None)
    return Statistics(count, found["min"], found["max"], found["avg"], found["sum"])


def too_many() -> SearchQueryError:
    """The histogram is too fine."""
    return SearchQueryError(
        f"the histogram would have more than {MAXIMUM_BUCKETS:,} buckets",
        where="histogram",
        remedy="choose a longer interval, or since and until",
    )
