"""What an engine is given for documents, many at a time: field by field, to be put together row by row."""

import re
from binascii import b2a_base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from struct import unpack
from typing import Any, Final

from clew.projections.search.fields import SETS, DocumentSet
from clew.projections.search.physical.columns import column_of
from clew.projections.search.physical.values import INEXACT, MEMBERS, Layout, MisfitError
from clew.projections.search.port import Document, document_text

MAXIMUM_DOCUMENT: Final = 16 << 20
_BYTES_AT_ONCE: Final = 16 << 20
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HYPHENS: Final = (8, 13, 18, 23)
_UUID_LENGTH: Final = 36
_KEY_LENGTH: Final = 22
_GAP: Final = "0000"
_PADDED: Final = 18  # bytes of a uuid with the gap behind it
_NO_UUID: Final = "id: is not a uuid in its usual form (lower case, with hyphens)"


def key_of(number: int) -> str:
    """The key of a document: base 64 of its uuid, given as a number."""
    return b2a_base64(number.to_bytes(16, "big"), newline=False)[:_KEY_LENGTH].decode("ascii")


def number_of(document: Document) -> int:
    """The document's uuid as a number. Raises MisfitError."""
    text = document.get("id")
    if type(text) is not str or _UUID.fullmatch(text) is None:
        raise MisfitError(_NO_UUID)
    return int(text.replace("-", ""), 16)


def number_or_none(identifier: object) -> int | None:
    """A uuid as a number; None for what is none."""
    try:
        return number_of({"id": identifier})
    except MisfitError:
        return None


class Identities:
    """The uuids of documents. Raises MisfitError if one is not written in the usual form."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._count = len(documents)
        ids: list[Any] = [document.get("id") for document in documents]
        try:
            # Base 64 stands for three bytes at a time: with two more each, every uuid begins a letter of its own.
            joined = f"{_GAP.join(ids)}{_GAP}"
            digits = joined.replace("-", "")
            self._raw = bytes.fromhex(digits)
        except (TypeError, ValueError):
            raise MisfitError(_NO_UUID) from None
        step = _UUID_LENGTH + len(_GAP)
        hyphens = all(joined[at::step].strip("-") == "" for at in _HYPHENS)
        lengths = len(self._raw) == _PADDED * self._count and set(map(len, ids)) == {_UUID_LENGTH}
        if not (lengths and hyphens and self._raw.hex() == digits):
            raise MisfitError(_NO_UUID)

    @cached_property
    def halves(self) -> tuple[int, ...]:
        """High and low half of each in turn."""
        return unpack(">" + "QQxx" * self._count, self._raw)

    @cached_property
    def tails(self) -> tuple[int, ...]:
        """The last 32 bits of each."""
        return unpack(">" + "12xI2x" * self._count, self._raw)

    @cached_property
    def keys(self) -> list[str]:
        """Like `key_of`, of each."""
        text = b2a_base64(self._raw, newline=False).decode("ascii")
        return [text[start : start + _KEY_LENGTH] for start in range(0, len(text), _PADDED * 4 // 3)]


@dataclass(frozen=True, slots=True)
class Rows:
    """The first documents of a batch.

    texts: each as it was put. pieces: columns whose pieces, one after the other, are the members of a JSON object,
    each after a comma. inexact: by the place of the document, those with numbers that not every reader reads exactly.
    """

    identities: Identities
    texts: list[bytes]
    pieces: list[Sequence[str]]
    inexact: frozenset[int]


class RowBuilder:
    """Builds the rows of one set."""

    def __init__(self, document_set: DocumentSet, layout: Layout) -> None:
        self._columns = {
            field.name: column_of(field, layout) for field in SETS[document_set].fields if field.name != "id"
        }

    def build(self, documents: Sequence[Document]) -> Rows:
        """Rows of at least one of the documents, and of as many as have 16 MiB of text together.

        Raises MisfitError if one of them does not fit, with what does not if it is the only one.
        """
        identities = Identities(documents)
        texts = list(_texts(documents))
        if len(texts) < len(documents):
            documents = documents[: len(texts)]
            identities = Identities(documents)
        places = self._places(documents)
        inexact = places.pop(INEXACT, [])
        shared = [_shared(name, columns) for name, columns in places.items() if name != MEMBERS]
        odd = frozenset(index for column in inexact for index, text in enumerate(column) if text)
        return Rows(identities, texts, [*places[MEMBERS], *shared], odd)

    def _places(self, documents: Sequence[Document]) -> dict[str, list[Sequence[str]]]:
        """All fields' pieces, by the places where they belong."""
        names = set().union(*documents)
        for name in names - self._columns.keys() - {"id"}:
            if any(document.get(name) is not None for document in documents):
                raise MisfitError(f"{name[:60]!r} is not a field of its set")
        places: dict[str, list[Sequence[str]]] = {MEMBERS: []}

        def values_of(name: str) -> list[Any]:
            try:
                return list(map(itemgetter(name), documents))  # faster, where all have it
            except KeyError:
                return [document.get(name) for document in documents]

        for name, column in self._columns.items():
            if name in names:
                try:
                    made = column.pieces(values_of(name), values_of)
                except ValueError as error:
                    raise MisfitError(f"{name}: {error}") from error
                for place, pieces in zip(column.places, made, strict=False):
                    places.setdefault(place, []).append(pieces)
        return places


def _texts(documents: Sequence[Document]) -> Iterator[bytes]:
    size = 0
    for document in documents:
        try:
            text = document_text(document)
        except (TypeError, RecursionError) as error:
            raise MisfitError(f"it is not JSON: {error}") from error
        if len(text) > MAXIMUM_DOCUMENT:
            raise MisfitError(f"it has {len(text):,} bytes, more than {MAXIMUM_DOCUMENT:,}")
        size += len(text)
        yield text
        if size > _BYTES_AT_ONCE:
            return


def _shared(name: str, columns: Sequence[Sequence[str]]) -> list[str]:
    """A list that several fields add to, as a member of each row."""
    lists = columns[0] if len(columns) == 1 else map("".join, zip(*columns, strict=True))
    return [f',"{name}":[{elements[1:]}]' if elements else "" for elements in lists]
