"""How the values of a field become pieces for many documents at a time: values seen before are looked up."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import chain
from types import NoneType
from typing import Any, Final, Protocol

from clew.projections.search.fields import Field, FieldKind
from clew.projections.search.physical.values import (
    INEXACT,
    LEAST,
    MEMBERS,
    MOST,
    NO_FLOAT,
    NO_INTEGER,
    NO_TEXT,
    Layout,
    MisfitError,
    Pieces,
    making,
    named,
    placed,
    places_of,
    prose,
    repeating,
)
from clew.projections.search.requests import micros_of

_MOST_VALUES: Final = 10_000
_MOST_KNOWN: Final = 16_384
_TEXT: Final = frozenset({str})
_TEXTS: Final = frozenset({str, NoneType})
_INTEGER: Final = frozenset({int, NoneType})
_TYPES: Final[dict[FieldKind, tuple[frozenset[type], str]]] = {
    FieldKind.INTEGER: (frozenset({int}), NO_INTEGER),
    FieldKind.FLOAT: (frozenset({int, float}), NO_FLOAT),
    FieldKind.BOOLEAN: (frozenset({bool}), "is neither true nor false"),
}

Values = Sequence[Any]
ValuesOf = Callable[[str], Values]


class Column(Protocol):
    """Makes the pieces of one field."""

    places: tuple[str, ...]
    """Where its pieces belong: MEMBERS, then the shared lists that it adds to."""

    def pieces(self, values: Values, values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """For each of its places a piece for each value, "" for None. Raises ValueError if one does not fit.

        `values_of` gives the values that another field has in the same documents.
        """


def column_of(field: Field, layout: Layout) -> Column:
    """How a field's values become pieces."""
    if field.kind is FieldKind.DATE:
        return _Dates(field)
    if field.kind is FieldKind.INTEGER and not field.facet and not field.searched and not field.many:
        return _Integers(field, layout)
    if field.kind is FieldKind.STORED:
        return _Objects()
    if field.kind is FieldKind.GEO:
        return _Places(layout)
    if field.kind is FieldKind.TEXT:
        return _Beside(field, prose(field, layout), "language")
    if field.name == "normalized_name":
        return _Beside(field, repeating(field, layout), "name")
    if field.kind is FieldKind.NAME and not field.facet:
        return _Beside(field, named(field, layout), None)
    return _Repeated(field, layout)


class _Known(dict[Any, Pieces]):
    """The pieces of values seen before; those of others are made. None has none."""

    def __init__(self, make: Callable[[Any], Pieces], none: Pieces) -> None:
        self._make = make
        self._none = none
        self[None] = none

    def __missing__(self, value: Any) -> Pieces:
        made = self._make(value)
        if len(self) >= _MOST_KNOWN:
            self.clear()
            self[None] = self._none
        self[value] = made
        return made


class _Repeated:
    """Values of which many are the same."""

    def __init__(self, field: Field, layout: Layout) -> None:
        self._types, self._refusal = _TYPES.get(field.kind, (_TEXT, NO_TEXT))
        self._many = field.many
        self.places = places_of(field)
        self._known = _Known(making(field, layout), ("",) * len(self.places))

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Looked up, or made."""
        if self._many:
            values = [None if value is None else _listed(value) for value in values]
            fits = self._types.issuperset(map(type, chain.from_iterable(filter(None, values))))
        else:
            # What is equal need not be the same: True is 1 to a dictionary.
            fits = (self._types | {NoneType}).issuperset(map(type, values))
        if not fits:
            raise MisfitError(self._refusal)
        return list(zip(*map(self._known.__getitem__, values), strict=True))


class _Beside:
    """Texts that mean what they mean beside the values of another field, if any, and mostly are unlike each other."""

    def __init__(self, field: Field, make: Callable[[str, Any], Pieces], companion: str | None) -> None:
        self.places = places_of(field)
        self._make = make
        self._companion = companion

    def pieces(self, values: Values, values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        if not _TEXTS.issuperset(map(type, values)):
            raise MisfitError(NO_TEXT)
        make, none = self._make, ("",) * len(self.places)
        beside = values_of(self._companion) if self._companion is not None else values
        made = [none if value is None else make(value, other) for value, other in zip(values, beside, strict=True)]
        return list(zip(*made, strict=True))


class _Dates:
    """Times: mostly each another one, but for those of a load's transactions."""

    places: tuple[str, ...] = (MEMBERS,)

    def __init__(self, field: Field) -> None:
        self._member = f',"{field.name}":'
        self._hours = _Hours()

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        if not _TEXTS.issuperset(map(type, values)):
            raise MisfitError(NO_TEXT)
        distinct = set(values)
        if 2 * len(distinct) > len(values):
            return (self._made(values),)
        known = dict(zip(distinct, self._made(distinct), strict=True))
        return (list(map(known.__getitem__, values)),)

    def _made(self, values: Iterable[str | None]) -> list[str]:
        member, hours, clock = self._member, self._hours, _clock()
        made = []
        for value in values:
            if value is None:
                made.append("")
                continue
            # As PostgreSQL writes times: looked up to the second, and the microseconds as they stand there.
            fraction = value[20:-6]
            if value[-6:] == "+00:00" and (
                (fraction.isdigit() and fraction.isascii() and value[19] == ".") if fraction else len(value) == 25
            ):
                try:
                    seconds = hours[value[:14]] + clock[value[14:19]]
                except KeyError:
                    seconds = 0
                if seconds and len(fraction) <= 6:
                    made.append(f"{member}{seconds}{fraction}{'000000'[len(fraction) :]}")
                    continue
            made.append(f"{member}{micros_of(value)}")
        return made


@lru_cache(maxsize=1)
def _clock() -> dict[str, int]:
    """Seconds since the hour, by what a clock shows. Made by the first that writes: readers have no need of it."""
    return {f"{seconds // 60:02}:{seconds % 60:02}": seconds for seconds in range(3_600)}


class _Hours(dict[str, int]):
    """Seconds since 1970 of the beginnings of hours after that; of others KeyError. Raises ValueError for none."""

    def __missing__(self, hour: str) -> int:
        seconds = micros_of(f"{hour}00:00Z") // 1_000_000
        if seconds <= 0:
            raise KeyError(hour)
        if len(self) >= _MOST_KNOWN:
            self.clear()
        self[hour] = seconds
        return seconds


class _Integers:
    """Numbers of which few are the same."""

    places: tuple[str, ...] = (MEMBERS,)

    def __init__(self, field: Field, layout: Layout) -> None:
        self._member = f',"{field.name}":'
        self._layout = layout

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        if not _INTEGER.issuperset(map(type, values)):
            raise MisfitError(NO_INTEGER)
        present = [value for value in values if value is not None]
        if present and not LEAST <= min(present) <= max(present) <= MOST:
            raise MisfitError(NO_INTEGER)
        if self._layout is Layout.BESIDE:
            return ()
        member = self._member
        return ([f"{member}{value}" if value is not None else "" for value in values],)


class _Objects:
    """Objects that are given back and never searched."""

    places: tuple[str, ...] = (MEMBERS,)

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Nothing, for each."""
        if not all(value is None or isinstance(value, dict) for value in values):
            raise MisfitError("is not an object")
        return ()


class _Places:
    """Where on earth something is."""

    places: tuple[str, ...] = (MEMBERS, INEXACT)

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        made = [("", "") if value is None else placed(value, self._layout) for value in values]
        return list(zip(*made, strict=True))


def _listed(values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise MisfitError("is not a list")
    if len(values) > _MOST_VALUES:
        raise MisfitError(f"has {len(values):,} values, more than {_MOST_VALUES:,}")
    return tuple(values)
