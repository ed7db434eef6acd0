"""Documents as MongoDB holds them, and back: nothing in a key or value is an operator, and nothing is lost.

Keys: a leading dollar, dots and percent signs are written as percent codes, the empty key as one percent sign. What
BSON cannot hold is an object with one key that no encoded key equals: integers beyond 64 bits as digits (`%int`), JSON
that is nested deeper than the server allows as text (`%json`), and JSON that would not fit into a document compressed
(`%zstd`). Times are microseconds since 1970 in `at` and a date, which has milliseconds, in `created_at`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import bson
import orjson
import zstandard
from bson.raw_bson import RawBSONDocument

from clew.projections.documents.cursors import microseconds_of
from clew.projections.documents.port import Document, DocumentCollection, Path
from clew.projections.documents.rows import KEPT_BY_COLLECTION, nesting
from clew.projections.documents.wording import rfc3339

MAXIMUM_BYTES: Final = 16 * 1024 * 1024 - 64 * 1024
"""Of a document: the server's limit with room for what the update around it takes."""

_DEEPEST: Final = 80  # of the 100 levels that the server allows
_INTEGERS: Final = range(-(2**63), 2**63)
_INT, _JSON, _ZSTD, _SIZE = "%int", "%json", "%zstd", "%size"
_OWN: Final = frozenset({"_id", "organization_id", "at", "created_at"})
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_UNPACKED: Final = 2 << 30


class TooLargeForMongoError(ValueError):
    """A document that exceeds the server's limit even compressed."""


def key_of(organization_id: UUID, identifier: str) -> str:
    """A document's `_id`: no two organizations' documents ever share one."""
    return f"{organization_id}/{identifier}"


def encode(organization_id: UUID, collection: DocumentCollection, document: Document) -> RawBSONDocument:
    """The document as BSON. Raises TooLargeForMongoError."""
    kept = KEPT_BY_COLLECTION[collection]
    moment = datetime.fromisoformat(document["created_at"])
    microseconds = microseconds_of(moment)
    own = {
        "_id": key_of(organization_id, document["id"]),
        "organization_id": str(organization_id),
        "at": bson.Int64(microseconds),
        "created_at": _date(microseconds),
    }
    plain = {name: value for name, value in document.items() if name not in kept.json and name != "created_at"}
    packed = {name: _encode_whole(document[name]) for name in kept.json}
    encoded = bson.encode(own | plain | packed)
    if len(encoded) > MAXIMUM_BYTES:
        encoded = bson.encode(own | plain | {name: _compressed(document[name]) for name in kept.json})
    if len(encoded) > MAXIMUM_BYTES:
        raise TooLargeForMongoError(f"{len(encoded):,} bytes even compressed; MongoDB holds {MAXIMUM_BYTES:,}")
    return RawBSONDocument(encoded)


def decode(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The document as it was put. What somebody changed by hand shows: unknown fields stay, false ones are marked."""
    document = {name: _decode(value) for name, value in stored.items() if name not in _OWN}
    at = stored.get("at")
    if isinstance(at, int):
        document["created_at"] = rfc3339(_EPOCH + timedelta(microseconds=at))
    whole = stored.get("_id") == f"{stored.get('organization_id')}/{document.get('id')}"
    if not whole or not isinstance(at, int) or stored.get("created_at") != _date(at):
        document["%changed"] = True
    return document


def path_in(path: Path) -> str:
    """A path as the server's queries write it."""
    return ".".join(map(encoded_key, path))


def encoded_key(key: str) -> str:
    """A key as it is stored."""
    if not key:
        return "%"
    if "%" in key or "." in key or key[0] == "$":
        key = key.replace("%", "%25").replace(".", "%2E")
        return f"%24{key[1:]}" if key[0] == "$" else key
    return key


def is_stored_as_integer(value: int) -> bool:
    """Whether BSON has it as a number."""
    return value in _INTEGERS


def _date(microseconds: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=microseconds // 1000)


def _encode_whole(value: Any) -> Any:
    return _encode(value) if nesting(value) <= _DEEPEST else {_JSON: orjson.dumps(value).decode()}


def _encode(value: Any) -> Any:
    if isinstance(value, dict):
        return {encoded_key(key): _encode(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_encode(inner) for inner in value]
    if type(value) is int and value not in _INTEGERS:
        return {_INT: str(value)}
    return value


def _compressed(value: Any) -> Any:
    if value is None:
        return None
    text = orjson.dumps(value)
    return {_ZSTD: zstandard.ZstdCompressor(level=3).compress(text), _SIZE: bson.Int64(len(text))}


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        if len(value) <= 2 and any(mark in value for mark in (_INT, _JSON, _ZSTD)):
            return _unpacked(value)
        return {_decoded_key(key): _decode(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_decode(inner) for inner in value]
    if isinstance(value, bool) or value is None or isinstance(value, str | float):
        return value
    if isinstance(value, int):
        return int(value)
    return {"%foreign": type(value).__name__}  # nothing that was put by encode


def _unpacked(value: dict[str, Any]) -> Any:
    try:
        if _INT in value:
            return int(value[_INT])
        if _JSON in value:
            return orjson.loads(value[_JSON])
        size = min(int(value[_SIZE]), _MOST_UNPACKED)
        return orjson.loads(zstandard.ZstdDecompressor().decompress(bytes(value[_ZSTD]), max_output_size=size))
    except (ValueError, TypeError, KeyError, zstandard.ZstdError) as error:
        return {"%foreign": type(error).__name__}


def _decoded_key(key: str) -> str:
    if "%" not in key:
        return key
    if key == "%":
        return ""
    return key.replace("%24", "$").replace("%2E", ".").replace("%25", "%")
