"""Cursors: where a page ended, and of which request it was."""

import base64
import hashlib
import operator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import orjson

from clew.projections.documents.errors import DocumentQueryError
from clew.projections.documents.port import Document, DocumentCollection, DocumentRequest

_LONGEST: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands among all: microseconds since 1970, and its id."""

    microseconds: int
    id: UUID

    @property
    def moment(self) -> datetime:
        """The time."""
        return _EPOCH + self.microseconds * _MICROSECOND


def microseconds_of(moment: datetime) -> int:
    """Since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def place_of(document: Document) -> Place:
    """A document's place."""
    return Place(microseconds_of(datetime.fromisoformat(document["created_at"])), UUID(document["id"]))


def encode(place: Place, collection: DocumentCollection, request: DocumentRequest) -> str:
    """The cursor of the page that begins after this place."""
    told = [place.microseconds, place.id.hex, _fingerprint(collection, request)]
    return base64.urlsafe_b64encode(orjson.dumps(told)).rstrip(b"=").decode()


def decode(collection: DocumentCollection, request: DocumentRequest) -> Place | None:
    """The place that the request's cursor names; None without one. Raises DocumentQueryError."""
    cursor = request.cursor
    if cursor is None:
        return None
    try:
        place, fingerprint = _read(cursor)
    except (ValueError, TypeError, AttributeError, OverflowError):
        raise _foreign() from None
    if fingerprint != _fingerprint(collection, request):
        raise _foreign()
    return place


def _read(cursor: str) -> tuple[Place, str]:
    """What a cursor says. Raises ValueError, TypeError, OverflowError for what is none."""
    padded = cursor[:_LONGEST].encode("ascii") + b"=" * (-len(cursor) % 4)
    microseconds, identifier, fingerprint = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    place = Place(operator.index(microseconds), UUID(identifier))
    _ = place.moment  # overflows for a time that is none
    return place, str(fingerprint)


def _foreign() -> DocumentQueryError:
    return DocumentQueryError(
        "this cursor belongs to no page of this request",
        where="cursor",
        remedy="begin again without one, with the same conditions",
    )


def _fingerprint(collection: DocumentCollection, request: DocumentRequest) -> str:
    asked: Any = [collection.value, sorted(map(repr, request.conditions))]
    return hashlib.sha256(orjson.dumps(asked)).hexdigest()[:16]
