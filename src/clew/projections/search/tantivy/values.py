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
_CLOCK: Final = {f"{s // 60:02}:{s % 60:02}": s * 1_000_000 for s in range(3_600)}

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
    if field.kind is FieldKind.STORED:
        return _Objects()
    if field.kind is FieldKind.GEO:
        return _Places()
    if field.kind is FieldKind.TEXT:
        return _Beside(field, _prose(field), "language")
    if field.name == "normalized_name":
        return _Beside(field, _repeating(field), "name")
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
        parts, self._types, self._refusal = _PARTS[field.kind](field)
        self._many = field.many
        self.places = _places(field)
        places = self.places
        if field.many:

            def make(values: Any) -> Pieces:
                return _assembled(chain.from_iterable(map(parts, values)), places)
        else:

            def make(value: Any) -> Pieces:
                return _assembled(parts(value), places)

        self._known = _Known(make, ("",) * len(places))

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
    """Values that mean what they mean beside those of another field, and mostly are unlike each other."""

    def __init__(self, field: Field, parts: Callable[[str, Any], Iterable[Part]], companion: str) -> None:
        self.places = _places(field)
        self._parts = parts
        self._companion = companion

    def pieces(self, values: Values, values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        if not _TEXTS.issuperset(map(type, values)):
            raise MisfitError(_NO_TEXT)
        parts, places = self._parts, self.places
        none = ("",) * len(places)
        beside = values_of(self._companion)
        made = [
            none if value is None else _assembled(parts(value, other), places)
            for value, other in zip(values, beside, strict=True)
        ]
        return list(zip(*made, strict=True))


class _Dates:
    """Times, of which few are the same."""

    places = (MEMBERS,)

    def __init__(self, field: Field) -> None:
        self._member = f',"{field.name}":'
        self._hours: dict[str, int] = {}

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        if not _TEXTS.issuperset(map(type, values)):
            raise MisfitError(_NO_TEXT)
        member, micros = self._member, self._micros
        return ([f"{member}{micros(value)}" if value is not None else "" for value in values],)

    def _micros(self, text: str) -> int:
        """What `micros_of` gives, sooner where a time is written as PostgreSQL writes it, with microseconds."""
        fraction = text[20:26]
        if len(text) == 32 and text[19] == "." and text[26:] == "+00:00" and fraction.isascii() and fraction.isdigit():
            hour = self._hours.get(text[:14])
            clock = _CLOCK.get(text[14:19])
            if hour is not None and clock is not None:
                return hour + clock + int(fraction)
            micros = micros_of(text)
            if clock is not None:
                if len(self._hours) >= _MOST_KNOWN:
                    self._hours.clear()
                self._hours[text[:14]] = micros - clock - int(fraction)
            return micros
        return micros_of(text)


class _Objects:
    """Objects that are given back and never searched."""

    places = (MEMBERS,)

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Nothing, for each."""
        if not all(value is None or isinstance(value, dict) for value in values):
            raise MisfitError("is not an object")
        return ()


class _Places:
    """Where on earth something is."""

    places = (MEMBERS, INEXACT)

    def pieces(self, values: Values, _values_of: ValuesOf) -> Sequence[Sequence[str]]:
        """Made for each."""
        made = [("", "") if value is None else _assembled(_geo(value), self.places) for value in values]
        return list(zip(*made, strict=True))


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


def _repeating(field: Field) -> Callable[[str, Any], Iterable[Part]]:
    """Of a keyword that mostly repeats the title, which is searched already."""
    lower = lower_field(field)

    def parts(value: str, title: Any) -> list[Part]:
        found = [(lower, encode_basestring(comparable(value)))]
        if value.lower() != str(title).lower():
            found += [(OTHER, encode_basestring(form)) for form in forms(value)]
        return found

    return parts


def _name(field: Field) -> Callable[[str], Iterable[Part]]:
    whole = whole_field(field) if field.facet else None
    lower, words = lower_field(field), words_field(field)
    splits = field.kind is FieldKind.USERNAME

    def parts(value: str) -> Iterable[Part]:
        found = list(_whole(value, whole, lower))
        found += [(words, encode_basestring(form)) for form in forms(value)]
        found += [(STARTS, encode_basestring(word)) for word in folded_words(value)]
        if splits and (apart := split_digits(value)) is not None:
            found.append((words, encode_basestring(apart)))
            found += [(STARTS, encode_basestring(word)) for word in folded_words(apart)]
        return found

    return parts


def _whole(value: str, whole: str | None, lower: str) -> Iterable[Part]:
    """A whole value as it is counted, and as it is compared where that is not the same."""
    compared = comparable(value)
    if whole is None:
        yield lower, encode_basestring(compared)
        return
    kept = value if len(value) <= LONGEST_WHOLE else _shortened(value)
    yield whole, encode_basestring(kept)
    if compared != kept:
        yield lower, encode_basestring(compared)


def _prose(field: Field) -> Callable[[str, Any], Iterable[Part]]:
    words, prose = words_field(field), field.prose

    def parts(value: str, declared: Any) -> list[Part]:
        found = [(words, encode_basestring(form)) for form in forms(value)]
        language = language_of(value, declared) if prose else None
        if language is not None:
            found += [(stem_field(language), encode_basestring(value)), ("_lang", encode_basestring(language))]
        return found

    return parts


def _integer(field: Field) -> Callable[[int], Iterable[Part]]:
    name, searched = field.name, field.searched

    def parts(value: int) -> Iterable[Part]:
        if not -(1 << 63) <= value < 1 << 63:
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

_Kind = tuple[Callable[[Any], Iterable[Part]], frozenset[type], str]
_PARTS: Final[dict[FieldKind, Callable[[Field], _Kind]]] = {
    FieldKind.NAME: lambda field: (_name(field), _TEXT, _NO_TEXT),
    FieldKind.USERNAME: lambda field: (_name(field), _TEXT, _NO_TEXT),
    FieldKind.KEYWORD: lambda field: (_keyword(field), _TEXT, _NO_TEXT),
    FieldKind.INTEGER: lambda field: (_integer(field), frozenset({int}), _NO_INTEGER),
    FieldKind.FLOAT: lambda field: (_float(field), frozenset({int, float}), _NO_FLOAT),
    FieldKind.IP: lambda field: (_ip(field), _TEXT, _NO_TEXT),
    FieldKind.BOOLEAN: lambda field: (_boolean(field), frozenset({bool}), "is neither true nor false"),
}
