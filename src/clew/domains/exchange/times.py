"""When a version of an exchanged thing was made, by what it says itself."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION: Final = re.compile(r"(\.\d{1,6})\d*")


class _Event(msgspec.Struct):
    timestamp: Any = None


class _Object(msgspec.Struct):
    modified: Any = None
    created: Any = None


_EVENT: Final = msgspec.json.Decoder(_Event)
_OBJECT: Final = msgspec.json.Decoder(_Object)


def timestamp_of(event: bytes) -> float:
    """Of an event of MISP, in seconds since 1970; 0 where it does not say."""
    try:
        return float(_EVENT.decode(event).timestamp or 0)
    except (msgspec.DecodeError, TypeError, ValueError):
        return 0.0


def modified_of(document: bytes) -> datetime:
    """Of an object of STIX; observables of 2.1 have no version, and are as old as can be."""
    try:
        told = _OBJECT.decode(document)
    except msgspec.DecodeError:
        return _NEVER
    return instant(told.modified) or instant(told.created) or _NEVER


def instant(text: Any) -> datetime | None:
    """A time of RFC 3339; finer than microseconds is cut."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", text))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def written(moment: datetime) -> str:
    """As STIX 2.1 and TAXII 2.1 write times: UTC, to the microsecond."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
