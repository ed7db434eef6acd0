"""Questions about series in people's words, and answers as documents: shared by commands and requests."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from clew.projections.series.port import SeriesAnswer, SeriesQuery
from clew.records.series.formats import time_of
from clew.records.series.model import DAY, HOUR, MINUTE, SECOND, SeriesError, moment_at

_UNITS: Final = {"ms": SECOND // 1000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_DURATION: Final = re.compile(r"([1-9]\d{0,8})(ms|s|m|h|d|w)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The parts of a question as people write them."""

    since: str | None = None
    until: str | None = None
    every: str | None = None
    aggregates: Sequence[str] = ()
    fields: Sequence[str] = ()
    by: Sequence[str] = ()
    where: Sequence[str] = ()
    fill: str = "none"
    limit: int = 10_000

    def query(self, measurement: str, now: int) -> SeriesQuery:
        """The question. Raises SeriesError."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return query_of(measurement, now, **given)


def query_of(
    measurement: str,
    now: int,
    *,
    since: str | None = None,
    until: str | None = None,
    every: str | None = None,
    aggregates: Sequence[str] = (),
    fields: Sequence[str] = (),
    by: Sequence[str] = (),
    where: Iterable[str] = (),
    fill: str = "none",
    limit: int = 10_000,
) -> SeriesQuery:
    """A question from its parts as people write them; without a span the last day. Raises SeriesError."""
    end = now if until is None else time_from(until, "to", now)
    begin = end - DAY if since is None else time_from(since, "from", now)
    return SeriesQuery(
        measurement,
        begin,
        end,
        None if every is None else duration_of(every, "every"),
        tuple(each for listed in aggregates for each in listed.split(",") if each),
        tuple(fields),
        tuple(by),
        conditions_of(where),
        fill,
        limit,
    )


def duration_of(text: str, part: str) -> int:
    """How long, in microseconds: a number with ms, s, m, h, d or w, such as 15m. Raises SeriesError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise SeriesError(f"{text[:20]!r} is no length of time", where=part, remedy="write it like 30s, 5m, 1h, 1d, 1w")
    return int(found[1]) * _UNITS[found[2]]


def time_from(text: str, part: str, now: int) -> int:
    """A time: ISO 8601, "now", or as long ago as -24h says. Raises SeriesError."""
    if text.strip() == "now":
        return now
    if text.startswith("-"):
        return now - duration_of(text[1:], part)
    try:
        return time_of(text)
    except SeriesError as error:
        raise SeriesError(error.message, where=part, remedy="write it like 2026-03-01T12:00, or -24h") from None


def conditions_of(where: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """TAG=VALUE conditions; several of one tag are alternatives. Raises SeriesError."""
    found: dict[str, list[str]] = {}
    for text in where:
        tag, equals, value = text.partition("=")
        if not equals or not tag:
            raise SeriesError(f"{text[:60]!r} is no condition", where="where", remedy="write TAG=VALUE")
        found.setdefault(tag, []).append(value)
    return tuple((tag, tuple(values)) for tag, values in found.items())


def answer_as_dict(answer: SeriesAnswer) -> dict[str, Any]:
    """For JSON: times as ISO 8601, a row for each."""
    return {
        "measurement": answer.measurement,
        "from": written(answer.begin),
        "to": written(answer.end),
        "resolution": answer.resolution,
        "truncated": answer.truncated,
        "lines": [
            {"field": line.field, "tags": line.tags, "times": list(map(written, line.times)), "values": line.columns}
            for line in answer.lines
        ],
    }


def written(time: int) -> str:
    """A time as ISO 8601, UTC."""
    return moment_at(time).isoformat().replace("+00:00", "Z")
