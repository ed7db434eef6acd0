"""The options of `clew search` as the parts of a request."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import typer

from clew.projections.search.fields import SETS, FieldKind, SearchIndex
from clew.projections.search.port import AnyOf, DateHistogram, Filter, GeoRadius, Interval, Scalar, Sort

_NUMBER: Final = r"(-?\d+(?:\.\d+)?)"
_NEAR: Final = re.compile(rf"\s*{_NUMBER}\s*,\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\Z", re.ASCII)


def index_of(name: str) -> SearchIndex:
    """The index of that name. Raises BadParameter."""
    try:
        return SearchIndex(name)
    except ValueError:
        known = ", ".join(each.value for each in SearchIndex)
        raise typer.BadParameter(f"{name!r} is no index; there are: {known}", param_hint="--index") from None


def moment_of(text: str | None, option: str) -> datetime | None:
    """A date or time; without a zone it is UTC. Raises BadParameter."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is no time; write one such as 2025-03-01 or 2025-03-01T14:30+01:00", param_hint=option
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def place_of(text: str | None) -> GeoRadius | None:
    """LAT,LON,KM as a circle. Raises BadParameter."""
    if text is None:
        return None
    match = _NEAR.match(text)
    if match is None:
        raise typer.BadParameter(
            f"{text!r} is no place; write latitude, longitude and kilometres, such as 52.52,13.40,50",
            param_hint="--near",
        )
    latitude, longitude, kilometres = map(float, match.groups())
    return GeoRadius(latitude, longitude, kilometres)


def histogram_of(name: str | None) -> DateHistogram | None:
    """A histogram by that interval. Raises BadParameter."""
    if name is None:
        return None
    try:
        return DateHistogram(Interval(name))
    except ValueError:
        known = ", ".join(each.value for each in Interval)
        raise typer.BadParameter(f"{name!r} is no interval; there are: {known}", param_hint="--histogram") from None


def sorts_of(names: Sequence[str]) -> tuple[Sort, ...]:
    """Orders: a field highest first, or lowest first if a minus stands before it."""
    return tuple(Sort(name.removeprefix("-"), descending=not name.startswith("-")) for name in names)


def filters_of(index: SearchIndex, pairs: Sequence[str]) -> tuple[Filter, ...]:
    """FIELD=VALUE pairs; values of one field are alternatives. Raises BadParameter."""
    values: dict[str, list[Scalar]] = {}
    for pair in pairs:
        field, separator, value = pair.partition("=")
        if not separator or not field:
            raise typer.BadParameter(f"{pair!r} is no condition; write FIELD=VALUE", param_hint="--where")
        values.setdefault(field, []).append(_typed(index, field, value))
    return tuple(AnyOf(field, tuple(listed)) for field, listed in values.items())


def _typed(index: SearchIndex, field: str, value: str) -> Scalar:
    known = SETS[index.document_set].by_name.get(field)
    if known is not None and known.kind is FieldKind.INTEGER:
        try:
            return int(value)
        except ValueError:
            raise typer.BadParameter(f"{field} is a whole number, not {value!r}", param_hint="--where") from None
    if known is not None and known.kind is FieldKind.BOOLEAN:
        return value.lower() in ("true", "yes", "1")
    return value
