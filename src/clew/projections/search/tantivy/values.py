"""What the values of a field become in the engine's documents: pieces of their JSON, for many documents at a time.

A piece is text: members of the JSON object, each after a comma, or elements of a list that several fields share, each
after a comma. What a value means is said once, by the function that gives its parts; values that repeat themselves,
which most do, are looked up.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from itertools import chain
from json.encoder import encode_basestring
from socket import AF_INET, inet_ntop, inet_pton
from types import NoneType
from typing import Any, Final, Protocol

from clew.projections.search.fields import Field, FieldKind
from clew.projections.search.geography import cells
from clew.projections.search.languages import language_of
from clew.projections.search.requests import micros_of
from clew.projections.search.tantivy.schema import lower_field, stem_field, whole_field, words_field
from clew.projections.search.words import fold, folded_words, forms, split_digits

LONGEST_WHOLE: Final = 512
MEMBERS: Final = ""
OTHER: Final = "_other"
STARTS: Final = "_starts"
INEXACT: Final = "inexact"
"""Where a row has any text, it holds a number that Tantivy would not read as it is."""
_MOST_VALUES: Final = 10_000
_MOST_KNOWN: Final = 16_384
_FEW_DIGITS: Final = 16  # 15 and a point
_CLOCK: Final = {f"{s // 60:02}:{s % 60:02}": s for s in range(3_600)}

Part = tuple[str, str]
"""A physical field and what stands there, as JSON."""
Pieces = tuple[str, ...]
Values = Sequence[Any]
ValuesOf = Callable[[str], Values]


class MisfitError(ValueError):
    """A document does not fit the fields of its set; the text says what does not."""


class Column(Protocol):
    """Makes the pieces of one field."""

    places: tuple[str, ...]
    """Where its pieces belong: MEMBERS, then the shared lists that it adds to."""

    def pieces(self, values: Values, values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """For each of its places a piece for each value, "" for None. Raises ValueError if one does not fit.

        `values_of` gives the values that another field has in the same documents.
        """


def column_of(field: Field) -> Column:
    """How a field's values become pieces."""
    if field.kind is FieldKind.DATE:
        return _Dates(field)
    if field.kind is FieldKind.INTEGER and not field.facet and not field.searched and not field.many:
        return _Integers(field)
    if field.kind is FieldKind.STORED:
        return _Objects()
    if field.kind is FieldKind.GEO:
        return _Places()
    if field.kind is FieldKind.TEXT:
        return _Beside(field, _prose(field), "language")
    if field.name == "normalized_name":
        return _Beside(field, _repeating(field), "name")
    if field.kind is FieldKind.NAME and not field.facet:
        return _Beside(field, _name(field), None)
    return _Repeated(field)


def comparable(value: str) -> str:
    """A whole value as it is compared: without case; of a very long one its beginning and a digest."""
    lowered = value.lower() if value.isascii() else fold(value)
    return lowered if len(lowered) <= LONGEST_WHOLE else _shortened(lowered)


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

    def __init__(self, field: Field) -> None:
        self._types, self._refusal = _TYPES.get(field.kind, (_TEXT, _NO_TEXT))
        self._many = field.many
        self.places = _places(field)
        self._known = _Known(_making(field, self.places), ("",) * len(self.places))

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
        self.places = _places(field)
        self._make = make
        self._companion = companion

    def pieces(self, values: Values, values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        if not _TEXTS.issuperset(map(type, values)):
            raise MisfitError(_NO_TEXT)
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
            raise MisfitError(_NO_TEXT)
        distinct = set(values)
        if 2 * len(distinct) > len(values):
            return (self._made(values),)
        known = dict(zip(distinct, self._made(distinct), strict=True))
        return (list(map(known.__getitem__, values)),)

    def _made(self, values: Iterable[str | None]) -> list[str]:
        member, hours, clock = self._member, self._hours, _CLOCK
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

    def __init__(self, field: Field) -> None:
        self._member = f',"{field.name}":'

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        if not _INTEGER.issuperset(map(type, values)):
            raise MisfitError(_NO_INTEGER)
        present = [value for value in values if value is not None]
        if present and not _LEAST <= min(present) <= max(present) <= _MOST:
            raise MisfitError(_NO_INTEGER)
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

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        made = [("", "") if value is None else _assembled(_geo(value), self.places) for value in values]
        return list(zip(*made, strict=True))


def _making(field: Field, places: tuple[str, ...]) -> Callable[[Any], Pieces]:
    """What makes the pieces of a value, of a list of them where the field has many."""
    if field.kind in (FieldKind.NAME, FieldKind.USERNAME):
        name = _name(field)
        return lambda value: name(value, None)
    parts = _PARTS[field.kind](field)
    if field.many:
        return lambda values: _assembled(chain.from_iterable(map(parts, values)), places)
    return lambda value: _assembled(parts(value), places)


def _places(field: Field) -> tuple[str, ...]:
    if field.kind in (FieldKind.NAME, FieldKind.USERNAME):
        return MEMBERS, STARTS
    if field.kind is FieldKind.FLOAT:
        return MEMBERS, INEXACT
    return (MEMBERS, OTHER) if field.searched and words_field(field) == OTHER else (MEMBERS,)


def _assembled(parts: Iterable[Part], places: tuple[str, ...]) -> Pieces:
    """Parts as pieces, one for each place: members of one value or of several, and elements of the shared lists."""
    own: dict[str, str] = {}
    several: set[str] = set()
    shared = dict.fromkeys(places[1:], "")
    for name, text in parts:
        if name in shared:
            shared[name] += f",{text}"
        elif name in own:
            own[name] += f",{text}"
            several.add(name)
        else:
            own[name] = text
    members = [f',"{name}":[{text}]' if name in several else f',"{name}":{text}' for name, text in own.items()]
    return "".join(members), *shared.values()


def _listed(values: Any) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple):
        raise MisfitError("is not a list")
    if len(values) > _MOST_VALUES:
        raise MisfitError(f"has {len(values):,} values, more than {_MOST_VALUES:,}")
    return tuple(values)


def _keyword(field: Field) -> Callable[[str], Iterable[Part]]:
    whole = whole_field(field) if field.facet else None
    lower, searched = lower_field(field), field.searched

    def parts(value: str) -> Iterable[Part]:
        yield from _whole(value, whole, lower)
        if searched:
            yield from ((OTHER, encode_basestring(form)) for form in forms(value))

    return parts


def _repeating(field: Field) -> Callable[[str, Any], Pieces]:
    """Of a keyword that mostly repeats the title, which is searched already."""
    lower = lower_field(field)

    def make(value: str, title: Any) -> Pieces:
        member = f',"{lower}":{encode_basestring(comparable(value))}'
        if value == title or value.lower() == str(title).lower():
            return member, ""
        return member, _elements(forms(value))

    return make


def _name(field: Field) -> Callable[[str, Any], Pieces]:
    whole = whole_field(field) if field.facet else None
    lower, words = lower_field(field), words_field(field)
    splits = field.kind is FieldKind.USERNAME

    def make(value: str, _: Any) -> Pieces:
        found, starts = forms(value), folded_words(value)
        if splits and (apart := split_digits(value)) is not None:
            found.append(apart)
            starts += folded_words(apart)
        members = "".join([f',"{name}":{text}' for name, text in _whole(value, whole, lower)])
        # Words are letters and digits, which JSON has no need to escape.
        return f'{members},"{words}":{_several(found)}', f""",\"{'","'.join(starts)}\"""" if starts else ""

    return make


def _several(texts: Sequence[str]) -> str:
    return encode_basestring(texts[0]) if len(texts) == 1 else f"[{_elements(texts)[1:]}]"


def _elements(texts: Iterable[str]) -> str:
    return "".join([f",{encode_basestring(text)}" for text in texts])


def _whole(value: str, whole: str | None, lower: str) -> list[Part]:
    """A whole value as it is counted, and as it is compared where that is not the same."""
    compared = comparable(value)
    if whole is None:
        return [(lower, encode_basestring(compared))]
    kept = value if len(value) <= LONGEST_WHOLE else _shortened(value)
    counted = (whole, encode_basestring(kept))
    return [counted] if compared == kept else [counted, (lower, encode_basestring(compared))]


def _prose(field: Field) -> Callable[[str, Any], Pieces]:
    words, prose = words_field(field), field.prose

    def make(value: str, declared: Any) -> Pieces:
        members = f',"{words}":{_several(forms(value))}'
        language = language_of(value, declared) if prose else None
        if language is None:
            return (members,)
        return (f'{members},"{stem_field(language)}":{encode_basestring(value)},"_lang":"{language}"',)

    return make


def _integer(field: Field) -> Callable[[int], Iterable[Part]]:
    name, searched = field.name, field.searched

    def parts(value: int) -> Iterable[Part]:
        if not _LEAST <= value <= _MOST:
            raise MisfitError(_NO_INTEGER)
        return [(name, str(value)), (OTHER, f'"{value}"')] if searched else [(name, str(value))]

    return parts


def _float(field: Field) -> Callable[[float], Iterable[Part]]:
    name = field.name

    def parts(value: float) -> Iterable[Part]:
        if not math.isfinite(value):
            raise MisfitError(_NO_FLOAT)
        return _numbers({name: float(value) + 0.0})  # -0.0 and 0.0 are the same to a dictionary

    return parts


def _numbers(numbers: dict[str, float]) -> list[Part]:
    inexact = [(INEXACT, "!") for value in numbers.values() if not _survives(value)]
    return [*((name, repr(value)) for name, value in numbers.items()), *inexact]


def _survives(value: float) -> bool:
    """Whether a number is the same after Tantivy has read it as JSON.

    [M: 0.27 reads one in seven doubles of 17 digits wrong in the last bit.] With at most 15 digits before a small
    power of ten the reading is one division, which is exact to the last bit.
    """
    text = repr(value)
    return len(text) <= _FEW_DIGITS and "e" not in text


def _ip(field: Field) -> Callable[[str], Iterable[Part]]:
    name, searched = field.name, field.searched

    def parts(value: str) -> Iterable[Part]:
        address = f'"{_address(value)}"'
        return [(name, address), (OTHER, address)] if searched else [(name, address)]

    return parts


def _address(text: str) -> str:
    """An address in its usual form, without a zone. Raises ValueError."""
    try:
        usual = inet_ntop(AF_INET, inet_pton(AF_INET, text))
    except (OSError, ValueError):
        usual = None
    return text if usual == text else str(ip_address(text.partition("%")[0]))


def _geo(value: Any) -> Iterable[Part]:
    if not isinstance(value, dict) or value.keys() != {"lat", "lon"}:
        raise MisfitError("is not an object of lat and lon")
    latitude, longitude = value["lat"], value["lon"]
    for degrees, most in ((latitude, 90), (longitude, 180)):
        if type(degrees) not in (int, float) or not -most <= degrees <= most:
            raise MisfitError(f"is not within ±{most} degrees")
    return [
        *(("_cells", str(cell)) for cell in cells(latitude, longitude)),
        ("_point", f'"{float(latitude)!r},{float(longitude)!r}"'),
        *_numbers({"_lat": float(latitude), "_lon": float(longitude)}),
    ]


def _boolean(field: Field) -> Callable[[bool], Iterable[Part]]:
    name = field.name
    return lambda value: [(name, "true" if value else "false")]


def _shortened(value: str) -> str:
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{value[: LONGEST_WHOLE - 33]}…{digest}"


_NO_TEXT: Final = "is not a text"
_NO_INTEGER: Final = "is not a whole number of 64 bits"
_NO_FLOAT: Final = "is not a finite number"
_TEXT: Final = frozenset({str})
_TEXTS: Final = frozenset({str, NoneType})
_INTEGER: Final = frozenset({int, NoneType})
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1

_TYPES: Final[dict[FieldKind, tuple[frozenset[type], str]]] = {
    FieldKind.INTEGER: (frozenset({int}), _NO_INTEGER),
    FieldKind.FLOAT: (frozenset({int, float}), _NO_FLOAT),
    FieldKind.BOOLEAN: (frozenset({bool}), "is neither true nor false"),
}
_PARTS: Final[dict[FieldKind, Callable[[Field], Callable[[Any], Iterable[Part]]]]] = {
    FieldKind.KEYWORD: _keyword,
    FieldKind.INTEGER: _integer,
    FieldKind.FLOAT: _float,
    FieldKind.IP: _ip,
    FieldKind.BOOLEAN: _boolean,
}
