"""From the product's documents to Tantivy's: checks each value, and adds what it is to be found by."""

import hashlib
import math
import re
from binascii import b2a_base64
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final

import orjson
import tantivy

from clew.projections.search.fields import SETS, DocumentSet, Field, FieldKind
from clew.projections.search.geography import cells
from clew.projections.search.languages import language_of
from clew.projections.search.port import Document
from clew.projections.search.requests import micros_of
from clew.projections.search.tantivy.schema import lower_field, stem_field, whole_field, words_field
from clew.projections.search.words import beginnings, fold, forms, split_digits

MAXIMUM_DOCUMENT: Final = 16 << 20
LONGEST_WHOLE: Final = 512
_MOST_VALUES: Final = 10_000
_LOW: Final = (1 << 64) - 1
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Add = Callable[[tantivy.Document, Any, Document], None]


class MisfitError(ValueError):
    """A document does not fit the fields of its set; the text says what does not."""


def key_of(number: int) -> str:
    """The key of a document: base 64 of its uuid, given as a number."""
    return b2a_base64(number.to_bytes(16, "big"), newline=False)[:22].decode("ascii")


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

    def build(self, document: Document) -> tuple[int, tantivy.Document]:
        """The uuid as a number and the Tantivy document. Raises MisfitError."""
        number = number_of(document)
        try:
            stored = orjson.dumps(document)
        except (TypeError, RecursionError) as error:
            raise MisfitError(f"it is not JSON: {error}") from error
        if len(stored) > MAXIMUM_DOCUMENT:
            raise MisfitError(f"it has {len(stored):,} bytes, more than {MAXIMUM_DOCUMENT:,}")
        built = tantivy.Document()
        low = number & _LOW
        built.add_text("_id", key_of(number))
        built.add_unsigned("_hi", number >> 64)
        built.add_unsigned("_lo", low)
        built.add_float("_tie", tie_of(low))
        built.add_bytes("_doc", stored)
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
        return number, built


def number_of(document: Document) -> int:
    """The document's uuid as a number. Raises MisfitError."""
    text = document.get("id")
    if type(text) is not str or _UUID.fullmatch(text) is None:
        raise MisfitError("id: is not a uuid in its usual form (lower case, with hyphens)")
    return int(text.replace("-", ""), 16)


def _adder(field: Field) -> Add:
    single = _SINGLE[field.kind](field)
    if not field.many:
        return single

    def add_all(built: tantivy.Document, values: Any, document: Document) -> None:
        if not isinstance(values, list | tuple):
            raise MisfitError("is not a list")
        if len(values) > _MOST_VALUES:
            raise MisfitError(f"has {len(values):,} values, more than {_MOST_VALUES:,}")
        for value in values:
            single(built, value, document)

    return add_all


def _keyword(field: Field) -> Add:
    whole = whole_field(field) if field.facet else None
    lower, searched = lower_field(field), field.searched
    repeats_title = field.name == "normalized_name"
    variants = _variants if field.facet else _make_variants  # what is counted repeats itself

    def add(built: tantivy.Document, value: Any, document: Document) -> None:
        if type(value) is not str:
            raise MisfitError("is not a text")
        kept, compared, found = variants(value)
        if whole is None:
            built.add_text(lower, compared)
        else:
            built.add_text(whole, kept)
            if compared != kept:
                built.add_text(lower, compared)
        if searched and (not repeats_title or value.lower() != str(document.get("name")).lower()):
            for form in found:
                built.add_text("_other", form)

    return add


def _name(field: Field) -> Add:
    whole = whole_field(field) if field.facet else None
    lower, words = lower_field(field), words_field(field)
    splits = field.kind is FieldKind.USERNAME

    def add(built: tantivy.Document, value: Any, _document: Document) -> None:
        if type(value) is not str:
            raise MisfitError("is not a text")
        kept, compared, found = _make_variants(value)
        if whole is not None:
            built.add_text(whole, kept)
        if whole is None or compared != kept:
            built.add_text(lower, compared)
        for form in found:
            built.add_text(words, form)
        built.add_text("_starts", beginnings(value))
        if splits and (apart := split_digits(value)) is not None:
            built.add_text(words, apart)
            built.add_text("_starts", beginnings(apart))

    return add


def _prose(field: Field) -> Add:
    words, prose = words_field(field), field.prose

    def add(built: tantivy.Document, value: Any, document: Document) -> None:
        for form in forms(_text(value)):
            built.add_text(words, form)
        language = language_of(value, document.get("language")) if prose else None
        if language is not None:
            built.add_text(stem_field(language), value)
            built.add_text("_lang", language)

    return add


def _integer(field: Field) -> Add:
    name, searched = field.name, field.searched

    def add(built: tantivy.Document, value: Any, _document: Document) -> None:
        if type(value) is not int or not -(1 << 63) <= value < 1 << 63:
            raise MisfitError("is not a whole number of 64 bits")
        built.add_integer(name, value)
        if searched:
            built.add_text("_other", str(value))

    return add


def _float(field: Field) -> Add:
    name = field.name

    def add(built: tantivy.Document, value: Any, _document: Document) -> None:
        if type(value) not in (int, float) or not math.isfinite(value):
            raise MisfitError("is not a finite number")
        built.add_float(name, float(value))

    return add


def _date(field: Field) -> Add:
    name = field.name

    def add(built: tantivy.Document, value: Any, _document: Document) -> None:
        if type(value) is not str:
            raise MisfitError("is not a text")
        built.add_integer(name, micros_of(value))

    return add


def _ip(field: Field) -> Add:
    name, searched = field.name, field.searched

    def add(built: tantivy.Document, value: Any, _document: Document) -> None:
        address = str(ip_address(_text(value).partition("%")[0]))
        built.add_ip_addr(name, address)
        if searched:
            built.add_text("_other", address)

    return add


def _geo(_field: Field) -> Add:
    def add(built: tantivy.Document, value: Any, _document: Document) -> None:
        if not isinstance(value, dict) or value.keys() != {"lat", "lon"}:
            raise MisfitError("is not an object of lat and lon")
        latitude, longitude = value["lat"], value["lon"]
        for degrees, most in ((latitude, 90), (longitude, 180)):
            if type(degrees) not in (int, float) or not -most <= degrees <= most:
                raise MisfitError(f"is not within ±{most} degrees")
        for cell in cells(latitude, longitude):
            built.add_unsigned("_cells", cell)
        built.add_text("_point", f"{float(latitude)!r},{float(longitude)!r}")
        built.add_float("_lat", float(latitude))
        built.add_float("_lon", float(longitude))

    return add


def _boolean(field: Field) -> Add:
    name = field.name

    def add(built: tantivy.Document, value: Any, _document: Document) -> None:
        if type(value) is not bool:
            raise MisfitError("is neither true nor false")
        built.add_boolean(name, value)

    return add


def _stored(_field: Field) -> Add:
    def add(_built: tantivy.Document, value: Any, _document: Document) -> None:
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


def _text(value: Any) -> str:
    if type(value) is not str:
        raise MisfitError("is not a text")
    return value


def _make_variants(value: str) -> tuple[str, str, list[str]]:
    """A whole value as it is counted and as it is compared, and the forms its words are found by."""
    kept = value if len(value) <= LONGEST_WHOLE else _shortened(value)
    return kept, comparable(value), forms(value)


_variants = lru_cache(maxsize=16_384)(_make_variants)


def _shortened(value: str) -> str:
    digest = hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{value[: LONGEST_WHOLE - 33]}…{digest}"
