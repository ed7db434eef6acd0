"""From the product's documents to Tantivy's: checks each value, and adds what it is to be found by."""

import hashlib
import math
import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from functools import lru_cache
from ipaddress import ip_address
from socket import AF_INET, inet_ntop, inet_pton
from struct import Struct
from typing import Any, Final

import orjson
import tantivy

from clew.projections.search.fields import SETS, DocumentSet, Field, FieldKind
from clew.projections.search.geography import cells
from clew.projections.search.languages import language_of
from clew.projections.search.port import Document, document_text
from clew.projections.search.requests import micros_of
from clew.projections.search.tantivy.schema import build_schema, lower_field, stem_field, whole_field, words_field
from clew.projections.search.words import fold, folded_words, forms, split_digits

MAXIMUM_DOCUMENT: Final = 16 << 20
LONGEST_WHOLE: Final = 512
_MOST_VALUES: Final = 10_000
_FEW_DIGITS: Final = 16  # 15 and a point
_HALVES: Final = Struct(">QQ")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Built = dict[str, Any]
Add = Callable[[Built, Any, Document], None]


class MisfitError(ValueError):
    """A document does not fit the fields of its set; the text says what does not."""


def key_of(number: int) -> str:
    """The key of a document: base 64 of its uuid, given as a number."""
    return _key(number.to_bytes(16, "big"))


def tie_of(low: int) -> float:
    """The weight by which documents of the same rank are told apart: 65,536 steps from 0 to 0.03."""
    return (low & 0xFFFF) * (0.03 / 65_536)


def comparable(value: str) -> str:
    """A whole value as it is compared: without case; of a very long one its beginning and a digest."""
    lowered = value.lower() if value.isascii() else fold(value)
    return lowered if len(lowered) <= LONGEST_WHOLE else _shortened(lowered)


class DocumentBuilder:
    """Builds the Tantivy documents of one set."""

    def __init__(self, document_set: DocumentSet) -> None:
        self._adders: dict[str, Add] = {
            field.name: _adder(field) for field in SETS[document_set].fields if field.name != "id"
        }
        self._floats = [
            name
            for field in SETS[document_set].fields
            for name in {FieldKind.FLOAT: (field.name,), FieldKind.GEO: ("_lat", "_lon")}.get(field.kind, ())
        ]
        self._schema = build_schema(document_set)

    def build(self, document: Document) -> tuple[int, str | tantivy.Document]:
        """The uuid as a number and the Tantivy document, as JSON (fastest) where that says all. Raises MisfitError."""
        raw = _uuid(document)
        try:
            stored = document_text(document)
        except (TypeError, RecursionError) as error:
            raise MisfitError(f"it is not JSON: {error}") from error
        if len(stored) > MAXIMUM_DOCUMENT:
            raise MisfitError(f"it has {len(stored):,} bytes, more than {MAXIMUM_DOCUMENT:,}")
        high, low = _HALVES.unpack(raw)
        built: Built = {
            "_id": _key(raw),
            "_hi": high,
            "_lo": low,
            "_tie": tie_of(low),
            "_doc": b2a_base64(stored, newline=False).decode("ascii"),
        }
        adders = self._adders
        name = ""
        try:
            for name, value in document.items():
                if value is None or name == "id":
                    continue
                adders[name](built, value, document)
        except KeyError:
            raise MisfitError(f"{name[:60]!r} is not a field of its set") from None
        except ValueError as error:
            raise MisfitError(f"{name}: {error}") from error
        number = int.from_bytes(raw, "big")
        if all(_survives(built[name]) for name in self._floats if name in built):
            return number, orjson.dumps(built).decode()
        return number, tantivy.Document.from_dict(built | {"_doc": stored}, self._schema)


def _survives(value: float) -> bool:
    """Whether a number is the same after Tantivy has read it as JSON.

    [M: 0.27 reads one in seven doubles of 17 digits wrong in the last bit.] With at most 15 digits before a small
    power of ten the reading is one division, which is exact to the last bit.
    """
    text = repr(value)
    return len(text) <= _FEW_DIGITS and "e" not in text


def number_of(document: Document) -> int:
    """The document's uuid as a number. Raises MisfitError."""
    return int.from_bytes(_uuid(document), "big")


def _uuid(document: Document) -> bytes:
    text = document.get("id")
    if type(text) is not str or _UUID.fullmatch(text) is None:
        raise MisfitError("id: is not a uuid in its usual form (lower case, with hyphens)")
    return bytes.fromhex(text.replace("-", ""))


def _key(raw: bytes) -> str:
    return b2a_base64(raw, newline=False)[:22].decode("ascii")


def _adder(field: Field) -> Add:
    single = _SINGLE[field.kind](field)
    if not field.many:
        return single

    def add_all(built: Built, values: Any, document: Document) -> None:
        if not isinstance(values, list | tuple):
            raise MisfitError("is not a list")
        if len(values) > _MOST_VALUES:
            raise MisfitError(f"has {len(values):,} values, more than {_MOST_VALUES:,}")
        for value in values:
            single(built, value, document)

    return add_all


def _keyword(field: Field) -> Add:
    return _counted_keyword(field) if field.facet else _plain_keyword(field)


def _counted_keyword(field: Field) -> Add:
    whole, lower, searched = whole_field(field), lower_field(field), field.searched
    put = _append if field.many else _set

    def add(built: Built, value: Any, _document: Document) -> None:
        if type(value) is not str:
            raise MisfitError("is not a text")
        kept, compared, found = _variants(value)  # what is counted repeats itself
        put(built, whole, kept)
        if compared != kept:
            put(built, lower, compared)
        if searched:
            _extend(built, "_other", found)

    return add


def _plain_keyword(field: Field) -> Add:
    lower, searched = lower_field(field), field.searched
    put = _append if field.many else _set
    repeats_title = field.name == "normalized_name"

    def add(built: Built, value: Any, document: Document) -> None:
        if type(value) is not str:
            raise MisfitError("is not a text")
        put(built, lower, comparable(value))
        if searched and (not repeats_title or value.lower() != str(document.get("name")).lower()):
            _extend(built, "_other", forms(value))

    return add


def _name(field: Field) -> Add:
    whole = whole_field(field) if field.facet else None
    lower, words = lower_field(field), words_field(field)
    splits = field.kind is FieldKind.USERNAME
    put = _append if field.many else _set
    # Accounts and what is counted repeat themselves; names mostly do not.
    parts = _name_parts if splits or field.facet else _make_name_parts

    def add(built: Built, value: Any, _document: Document) -> None:
        if type(value) is not str:
            raise MisfitError("is not a text")
        kept, compared, found, starts = parts(value, splits)
        if whole is not None:
            put(built, whole, kept)
        if whole is None or compared != kept:
            put(built, lower, compared)
        _extend(built, words, found)
        _extend(built, "_starts", starts)

    return add


def _prose(field: Field) -> Add:
    words, prose = words_field(field), field.prose

    def add(built: Built, value: Any, document: Document) -> None:
        _extend(built, words, forms(_text(value)))
        language = language_of(value, document.get("language")) if prose else None
        if language is not None:
            _append(built, stem_field(language), value)
            _append(built, "_lang", language)

    return add


def _integer(field: Field) -> Add:
    name, searched = field.name, field.searched
    put = _append if field.many else _set

    def add(built: Built, value: Any, _document: Document) -> None:
        if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
            raise MisfitError("is not a whole number of 64 bits")
        put(built, name, value)
        if searched:
            _append(built, "_other", str(value))

    return add


def _float(field: Field) -> Add:
    name = field.name
    put = _append if field.many else _set

    def add(built: Built, value: Any, _document: Document) -> None:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise MisfitError("is not a finite number")
        put(built, name, float(value))

    return add


def _date(field: Field) -> Add:
    name = field.name
    put = _append if field.many else _set

    def add(built: Built, value: Any, _document: Document) -> None:
        if type(value) is not str:
            raise MisfitError("is not a text")
        put(built, name, micros_of(value))

    return add


def _ip(field: Field) -> Add:
    name, searched = field.name, field.searched
    put = _append if field.many else _set

    def add(built: Built, value: Any, _document: Document) -> None:
        address = _address(_text(value))
        put(built, name, address)
        if searched:
            _append(built, "_other", address)

    return add


def _geo(_field: Field) -> Add:
    def add(built: Built, value: Any, _document: Document) -> None:
        if not isinstance(value, dict) or value.keys() != {"lat", "lon"}:
            raise MisfitError("is not an object of lat and lon")
        latitude, longitude = value["lat"], value["lon"]
        for degrees, most in ((latitude, 90), (longitude, 180)):
            if type(degrees) not in (int, float) or not -most <= degrees <= most:
                raise MisfitError(f"is not within ±{most} degrees")
        built["_cells"] = list(cells(latitude, longitude))
        built["_point"] = f"{float(latitude)!r},{float(longitude)!r}"
        built["_lat"] = float(latitude)
        built["_lon"] = float(longitude)

    return add


def _boolean(field: Field) -> Add:
    name = field.name
    put = _append if field.many else _set

    def add(built: Built, value: Any, _document: Document) -> None:
        if type(value) is not bool:
            raise MisfitError("is neither true nor false")
        put(built, name, value)

    return add


def _stored(_field: Field) -> Add:
    def add(_built: Built, value: Any, _document: Document) -> None:
        if not isinstance(value, dict):
            raise MisfitError("is not an object")

    return add


_SINGLE: Final[dict[FieldKind, Callable[[Field], Add]]] = {
    FieldKind.TEXT: _prose,
    FieldKind.NAME: _name,
    FieldKind.USERNAME: _name,
    FieldKind.KEYWORD: _keyword,
    FieldKind.INTEGER: _integer,
    FieldKind.FLOAT: _float,
    FieldKind.DATE: _date,
    FieldKind.IP: _ip,
    FieldKind.GEO: _geo,
    FieldKind.BOOLEAN: _boolean,
    FieldKind.STORED: _stored,
}


def _set(built: Built, name: str, value: Any) -> None:
    built[name] = value


def _append(built: Built, name: str, value: Any) -> None:
    built.setdefault(name, []).append(value)


def _extend(built: Built, name: str, values: Iterable[str]) -> None:
    built.setdefault(name, []).extend(values)


def _text(value: Any) -> str:
    if type(value) is not str:
        raise MisfitError("is not a text")
    return value


def _make_variants(value: str) -> tuple[str, str, list[str]]:
    """A whole value as it is counted and as it is compared, and the forms its words are found by."""
    kept = value if len(value) <= LONGEST_WHOLE else _shortened(value)
    return kept, comparable(value), forms(value)


_variants = lru_cache(maxsize=16_384)(_make_variants)


def _make_name_parts(value: str, splits: bool) -> tuple[str, str, list[str], list[str]]:  # noqa: FBT001  for the cache
    """A name as it is counted and as it is compared, the texts its words are found by, and words that may be begun."""
    kept, compared, found = _make_variants(value)
    starts = folded_words(value)
    if splits and (apart := split_digits(value)) is not None:
        found.append(apart)
        starts += folded_words(apart)
    return kept, compared, found, starts


_name_parts = lru_cache(maxsize=16_384)(_make_name_parts)


@lru_cache(maxsize=16_384)
def _address(text: str) -> str:
    """An address in its usual form, without a zone. Raises ValueError."""
    try:
        usual = inet_ntop(AF_INET, inet_pton(AF_INET, text))
    except (OSError, ValueError):
        usual = None
    return text if usual == text else str(ip_address(text.partition("%")[0]))


def _shortened(value: str) -> str:
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{value[: LONGEST_WHOLE - 33]}…{digest}"
