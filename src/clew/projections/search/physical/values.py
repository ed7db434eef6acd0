"""What a value of a field becomes in an engine's documents: pieces of their JSON.

A piece is text: members of the JSON object, each after a comma, or elements of a list that several fields share, each
after a comma. What may be asked of a value's type is asked before, for many at a time (see columns).

Layout says what the engine gets besides: some are given the document itself and index its fields, so that only what
those do not say is made of it.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from ipaddress import ip_address
from itertools import chain
from json.encoder import encode_basestring
from socket import AF_INET, inet_ntop, inet_pton
from typing import Any, Final

from clew.projections.search.fields import Field, FieldKind
from clew.projections.search.geography import cells
from clew.projections.search.languages import language_of
from clew.projections.search.physical.analysis import stems_analyzer
from clew.projections.search.physical.names import (
    LANGUAGES,
    LATITUDE,
    LONGITUDE,
    OTHER,
    STARTS,
    STEMS,
    lower_field,
    stem_field,
    stem_of_language,
    whole_field,
    words_field,
)
from clew.projections.search.words import fold, folded_words, forms, split_digits

LONGEST_WHOLE: Final = 512
MEMBERS: Final = ""
INEXACT: Final = "inexact"
"""Where a row has any text, it holds a number that Tantivy would not read as it is."""
LEAST, MOST = -(1 << 63), (1 << 63) - 1
NO_TEXT: Final = "is not a text"
NO_INTEGER: Final = "is not a whole number of 64 bits"
NO_FLOAT: Final = "is not a finite number"
_FEW_DIGITS: Final = 16  # 15 and a point


class Layout(Enum):
    """ALONE: the engine is given nothing but what is made here. BESIDE: the document's own fields, too.

    Beside a document go no numbers and no whole values that are compared as they are given; of names and texts no
    words that the text itself has; stems in the place of texts to be stemmed; places as numbers only.
    """

    ALONE = "alone"
    BESIDE = "beside"


Part = tuple[str, str]
"""A physical field and what stands there, as JSON."""
Pieces = tuple[str, ...]
"""One for each of the places of a field."""


class MisfitError(ValueError):
    """A document does not fit the fields of its set; the text says what does not."""


def comparable(value: str) -> str:
    """A whole value as it is compared: without case; of a very long one its beginning and a digest."""
    lowered = value.lower() if value.isascii() else fold(value)
    return lowered if len(lowered) <= LONGEST_WHOLE else _shortened(lowered)


def making(field: Field, layout: Layout) -> Callable[[Any], Pieces]:
    """What makes the pieces of a value, of a list of them where the field has many."""
    if field.kind in (FieldKind.NAME, FieldKind.USERNAME):
        name = named(field, layout)
        return lambda value: name(value, None)
    parts, places = _PARTS[field.kind](field, layout), places_of(field)
    if field.many:
        return lambda values: _assembled(chain.from_iterable(map(parts, values)), places)
    return lambda value: _assembled(parts(value), places)


def places_of(field: Field) -> tuple[str, ...]:
    """Where pieces of the field belong: MEMBERS, then the shared lists that it adds to."""
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


def _keyword(field: Field, layout: Layout) -> Callable[[str], Iterable[Part]]:
    whole, searched = _wholes(field, layout), field.searched

    def parts(value: str) -> Iterable[Part]:
        yield from whole(value)
        if searched:
            yield from ((OTHER, encode_basestring(form)) for form in forms(value))

    return parts


def repeating(field: Field, layout: Layout) -> Callable[[str, Any], Pieces]:
    """Of a keyword that mostly repeats the title, which is searched already."""
    whole = _wholes(field, layout)

    def make(value: str, title: Any) -> Pieces:
        member = "".join([f',"{name}":{text}' for name, text in whole(value)])
        if value == title or value.lower() == str(title).lower():
            return member, ""
        return member, _elements(forms(value))

    return make


def named(field: Field, layout: Layout) -> Callable[[str, Any], Pieces]:
    """Of a name, for which nothing beside it counts."""
    whole, words = _wholes(field, layout), words_field(field)
    splits = field.kind is FieldKind.USERNAME
    fewest = 1 if layout is Layout.BESIDE and not splits else 0

    def make(value: str, _: Any) -> Pieces:
        found, starts = forms(value), folded_words(value)
        if splits and (apart := split_digits(value)) is not None:
            found.append(apart)
            starts += folded_words(apart)
        members = "".join([f',"{name}":{text}' for name, text in whole(value)])
        if len(found) > fewest:
            members = f'{members},"{words}":{_several(found)}'
        # Words are letters and digits, which JSON has no need to escape.
        return members, f""",\"{'","'.join(starts)}\"""" if starts else ""

    return make


def _several(texts: Sequence[str]) -> str:
    return encode_basestring(texts[0]) if len(texts) == 1 else f"[{_elements(texts)[1:]}]"


def _elements(texts: Iterable[str]) -> str:
    return "".join([f",{encode_basestring(text)}" for text in texts])


def _wholes(field: Field, layout: Layout) -> Callable[[str], list[Part]]:
    """A whole value as it is counted, and as it is compared where that is not the same."""
    whole, lower = whole_field(field), lower_field(field)

    def compared_only(value: str) -> list[Part]:
        return [(lower, encode_basestring(comparable(value)))]

    def if_it_differs(value: str) -> list[Part]:
        compared = comparable(value)
        return [] if compared == value else [(lower, encode_basestring(compared))]

    def both(value: str) -> list[Part]:
        compared = comparable(value)
        kept = counted(value)
        found = [(whole, encode_basestring(kept))]
        return found if compared == kept else [*found, (lower, encode_basestring(compared))]

    if layout is Layout.BESIDE:
        return if_it_differs
    return both if field.facet else compared_only


def counted(value: str) -> str:
    """A whole value as it is counted: of a very long one its beginning and a digest."""
    return value if len(value) <= LONGEST_WHOLE else _shortened(value)


def prose(field: Field, layout: Layout) -> Callable[[str, Any], Pieces]:
    """Of a text, beside its declared language."""
    words, is_prose, beside = words_field(field), field.prose, layout is Layout.BESIDE

    def make(value: str, declared: Any) -> Pieces:
        found = forms(value)
        members = f',"{words}":{_several(found)}' if len(found) > beside else ""
        language = language_of(value, declared) if is_prose else None
        if language is None:
            return (members,)
        stemmed = _stems(value, language) if beside else f'"{stem_field(language)}":{encode_basestring(value)}'
        return (f'{members},{stemmed},"{LANGUAGES}":"{language}"',)

    return make


def _stems(text: str, language: str) -> str:
    """The different stems of a text, in a fixed order, with a blank between each two."""
    stems = sorted(set(stems_analyzer(language).analyze(text)))
    return f'"{STEMS}":{encode_basestring(" ".join([stem_of_language(language, stem) for stem in stems]))}'


def _integer(field: Field, layout: Layout) -> Callable[[int], Iterable[Part]]:
    name, searched, beside = field.name, field.searched, layout is Layout.BESIDE

    def parts(value: int) -> Iterable[Part]:
        if not LEAST <= value <= MOST:
            raise MisfitError(NO_INTEGER)
        own = [] if beside else [(name, str(value))]
        return [*own, (OTHER, f'"{value}"')] if searched else own

    return parts


def _float(field: Field, layout: Layout) -> Callable[[float], Iterable[Part]]:
    name = field.name

    def parts(value: float) -> Iterable[Part]:
        if not math.isfinite(value):
            raise MisfitError(NO_FLOAT)
        if layout is Layout.BESIDE:
            return []
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


def _ip(field: Field, _layout: Layout) -> Callable[[str], Iterable[Part]]:
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


def placed(value: Any, layout: Layout) -> Pieces:
    """A place on earth, in degrees."""
    if not isinstance(value, dict) or value.keys() != {"lat", "lon"}:
        raise MisfitError("is not an object of lat and lon")
    latitude, longitude = value["lat"], value["lon"]
    for degrees, most in ((latitude, 90), (longitude, 180)):
        if type(degrees) not in (int, float) or not -most <= degrees <= most:
            raise MisfitError(f"is not within ±{most} degrees")
    parts = _numbers({LATITUDE: float(latitude), LONGITUDE: float(longitude)})
    if layout is Layout.ALONE:
        parts += [("_cells", str(cell)) for cell in cells(latitude, longitude)]
        parts.append(("_point", f'"{float(latitude)!r},{float(longitude)!r}"'))
    return _assembled(parts, (MEMBERS, INEXACT))


def _boolean(field: Field, layout: Layout) -> Callable[[bool], Iterable[Part]]:
    name = field.name
    return lambda value: [] if layout is Layout.BESIDE else [(name, "true" if value else "false")]


def _shortened(value: str) -> str:
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{value[: LONGEST_WHOLE - 33]}…{digest}"


_PARTS: Final[dict[FieldKind, Callable[[Field, Layout], Callable[[Any], Iterable[Part]]]]] = {
    FieldKind.KEYWORD: _keyword,
    FieldKind.INTEGER: _integer,
    FieldKind.FLOAT: _float,
    FieldKind.IP: _ip,
    FieldKind.BOOLEAN: _boolean,
}
