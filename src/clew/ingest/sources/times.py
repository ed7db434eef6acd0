"""One reading of timestamps for all sources."""

import re
from datetime import UTC, datetime, tzinfo
from typing import Final

NO_TIME_ZONE_WARNING: Final = "timestamps carry no time zone; read as UTC (set --timezone to change)"

_SHAPE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)\s*(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?", re.IGNORECASE
)


class RecordTimes:
    """Reads the timestamps of one batch and remembers whether any of them lacked a zone."""

    __slots__ = ("_timezone", "any_naive")

    def __init__(self, timezone: tzinfo | None) -> None:
        self._timezone = timezone
        self.any_naive = False

    def read(self, text: object) -> datetime:
        """The moment in UTC, as `parse_time` reads it; ValueError also for what is not text."""
        if not isinstance(text, str):
            raise ValueError(f"not a timestamp: {text!r:.80}")  # noqa: TRY004 – one kind of error for the caller
        parsed = _parse(text)
        if parsed.tzinfo is None:
            self.any_naive = True
        return _to_utc(parsed, self._timezone)

    def warning(self) -> str | None:
        """What to warn of: timestamps without a zone that no setting explained."""
        return NO_TIME_ZONE_WARNING if self.any_naive and self._timezone is None else None


def parse_time(text: str, timezone: tzinfo | None = None) -> datetime:
    """Aware UTC datetime of an ISO 8601 date and time, with `T` or a space between, to the microsecond.

    A stated offset wins. Without one the time is read in `timezone`, or as UTC if that is None. Where a clock change
    makes a local time happen twice, the first is meant (fold 0); a time that a clock change skipped is read with the
    offset before the change. ValueError for anything else, and for moments outside the years 1 to 9999.
    """
    return _to_utc(_parse(text), timezone)


def _parse(text: str) -> datetime:
    try:
        if len(text) >= 16:
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"not a timestamp: {text!r:.80}")
    date, clock, zone = match.groups()
    head, _, fraction = clock.replace(",", ".").partition(".")
    offset = "+00:00" if zone and zone[0] not in "+-" else zone or ""
    return datetime.fromisoformat(f"{date}T{head}{'.' + fraction[:6] if fraction else ''}{offset}")


def _to_utc(moment: datetime, timezone: tzinfo | None) -> datetime:
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        if timezone is None:
            return moment.replace(tzinfo=UTC)
        moment = moment.replace(tzinfo=timezone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"outside the years 1 to 9999: {moment}") from None
