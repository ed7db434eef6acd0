"""The header fields of resumable uploads (draft-ietf-httpbis-resumable-upload) and of digests (RFC 9530)."""

import re
from datetime import UTC, datetime
from email.message import Message
from typing import Final

from starlette.datastructures import Headers

from clew.api.errors import UnsupportedMediaError
from clew.domains.uploads.digests import parse_digests
from clew.domains.uploads.service import Upload
from clew.kernel.errors import InputError
from clew.kernel.settings import Settings

PARTIAL: Final = "application/partial-upload"
_BOOLEANS: Final = {"?1": True, "?0": False}
_NUMBER: Final = re.compile(r"[0-9]{1,15}")


def offset_of(headers: Headers) -> int:
    """Where the body begins. Raises InputError if the request does not say."""
    offset = _number(headers, "Upload-Offset")
    if offset is None:
        raise InputError("this request does not say where its bytes go", where="Upload-Offset", remedy="send the field")
    return offset


def length_of(headers: Headers) -> int | None:
    """Bytes of the whole file, if the request says so."""
    return _number(headers, "Upload-Length")


def body_length(headers: Headers) -> int | None:
    """Bytes of this body, if they are announced and not sent in chunks."""
    return None if "Transfer-Encoding" in headers else _number(headers, "Content-Length")


def completes(headers: Headers, *, default: bool) -> bool:
    """Whether the file ends with this body."""
    given = _single(headers, "Upload-Complete")
    if given is None:
        return default
    if given not in _BOOLEANS:
        raise InputError("this is neither ?1 nor ?0", where="Upload-Complete", remedy="write ?1 with the last part")
    return _BOOLEANS[given]


def content_digests(headers: Headers) -> dict[str, str]:
    """Digests of this body."""
    return parse_digests(_joined(headers, "Content-Digest"), "Content-Digest")


def repr_digests(headers: Headers) -> dict[str, str]:
    """Digests of the whole file."""
    return parse_digests(_joined(headers, "Repr-Digest"), "Repr-Digest")


def require_partial(headers: Headers) -> None:
    """Raises UnsupportedMediaError unless the body says that it is a part of an upload."""
    said = Message()
    said["content-type"] = headers.get("Content-Type", "")
    if said.get_content_type() != PARTIAL:
        raise UnsupportedMediaError(
            "the body must be a part of an upload", where="Content-Type", remedy=f"send Content-Type: {PARTIAL}"
        )


def upload_headers(upload: Upload, settings: Settings) -> dict[str, str]:
    """Where an upload stands, as header fields."""
    fields = {
        "Upload-Offset": str(upload.received_bytes),
        "Upload-Complete": "?1" if upload.status == "completed" else "?0",
        "Upload-Limit": limits(settings, upload),
    }
    if upload.size_bytes is not None:
        fields["Upload-Length"] = str(upload.size_bytes)
    return fields


def limits(settings: Settings, upload: Upload | None = None) -> str:
    """What is taken: Upload-Limit."""
    fields = {"max-size": int(settings.upload_maximum_bytes)}
    if upload is not None and upload.status == "receiving":
        seconds = int((upload.expires_at - datetime.now(UTC)).total_seconds())
        fields["max-age"] = max(seconds, 0)
    return ", ".join(f"{name}={value}" for name, value in fields.items())


def _number(headers: Headers, name: str) -> int | None:
    given = _single(headers, name)
    if given is None:
        return None
    if not _NUMBER.fullmatch(given):
        raise InputError("this is no number of bytes", where=name, remedy="write it in decimal digits")
    return int(given)


def _single(headers: Headers, name: str) -> str | None:
    given = headers.getlist(name)
    if len(given) > 1:
        raise InputError("this field came more than once", where=name, remedy="send it once")
    return given[0].strip() if given else None


def _joined(headers: Headers, name: str) -> str | None:
    given = headers.getlist(name)
    return ",".join(given) if given else None
