"""From the product's documents to what the engine keeps, and back to the very text that was put."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import orjson

from clew.projections.search.elastic.mappings import INNER, ORGANIZATION
from clew.projections.search.fields import DocumentSet
from clew.projections.search.physical.names import LANGUAGES
from clew.projections.search.physical.rows import RowBuilder, key_of
from clew.projections.search.physical.values import Layout
from clew.projections.search.port import Document

_IN_ADDRESSES: Final = str.maketrans("+/", "-_")
_ADDED: Final = (INNER, ORGANIZATION)


class SourceBuilder:
    """Builds what the engine keeps of the documents of one set."""

    def __init__(self, document_set: DocumentSet) -> None:
        self._rows = RowBuilder(document_set, Layout.BESIDE)

    def build(self, organization_id: UUID, documents: Sequence[Document]) -> list[tuple[str, bytes]]:
        """Keys (within the organization) and sources of the first documents, one at least. Raises MisfitError."""
        rows = self._rows.build(documents)
        end = f',"{ORGANIZATION}":"{organization_id}","{INNER}":{{'.encode()
        inner = map("".join, zip(*rows.pieces, strict=False)) if rows.pieces else [""] * len(rows.texts)
        sources = [
            b"".join((text[:-1], end, each[1:].encode(), b"}}")) for text, each in zip(rows.texts, inner, strict=True)
        ]
        return list(zip(rows.identities.keys, sources, strict=True))


def key_in(organization_id: UUID, key: str) -> str:
    """The engine's own id of a document: organizations may have documents of the same id."""
    return f"{key_of(organization_id.int)}{key}".translate(_IN_ADDRESSES)


def ids_of(key: str) -> tuple[str, str]:
    """The organization and the document that an engine's id stands for."""
    middle = len(key) // 2
    organization, document = (UUID(bytes=urlsafe_b64decode(f"{half}==")) for half in (key[:middle], key[middle:]))
    return str(organization), str(document)


def document_of(source: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it was put."""
    return {name: value for name, value in source.items() if name not in _ADDED}


def language_of_source(source: Mapping[str, Any]) -> str | None:
    """The language by whose stems its text is found, if any."""
    added = source.get(INNER)
    language = added.get(LANGUAGES) if isinstance(added, dict) else None
    return language if isinstance(language, str) else None


def untouched(
    builder: SourceBuilder, organization_id: UUID, found: Sequence[tuple[str, Mapping[str, Any]]]
) -> Iterator[bool]:
    """Whether what stands beside the document is what its own text makes of it, of each key and source."""
    while found:
        try:
            built = builder.build(organization_id, [document_of(source) for _, source in found])
        except ValueError:
            if len(found) == 1:
                yield False
                return
            middle = len(found) // 2
            yield from untouched(builder, organization_id, found[:middle])
            found = found[middle:]
        else:
            for (key, source), (own_key, own) in zip(found, built, strict=False):
                yield key == key_in(organization_id, own_key) and orjson.loads(own) == dict(source)
            found = found[len(built) :]
