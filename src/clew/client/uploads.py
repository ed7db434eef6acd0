"""Sends files, however large, over connections and to servers that break off: what was acknowledged is not sent again.

The protocol is that of the HTTP working group's resumable uploads, as the API's operations on uploads describe it.
"""

import hashlib
import os
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

import msgspec
import tenacity

from clew.client.answers import decoded
from clew.client.client import Client
from clew.client.errors import UnknownAnswerError
from clew.client.generated import models
from clew.client.transport import Outgoing, path_of
from clew.kernel.errors import ClewError, ConflictError, InputError

PIECE_BYTES: Final = 256 << 10
_FIELDS: Final = "application/partial-upload"
_RECEIVING: Final = "receiving"
_DIGEST_CODES: Final = frozenset({"mismatching_digest", "digest"})


class StoppedError(Exception):
    """The caller wanted no more to be sent; the same call goes on from there."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How to send. `observe` is told how many bytes are sent of how many; `stopped` is asked between pieces.

    `give_up_seconds`: so long without a byte acknowledged, whatever is tried, and the error is raised.
    """

    observe: Callable[[int, int], None] = lambda _done, _size: None
    stopped: Callable[[], bool] = lambda: False
    give_up_seconds: float = 300.0
    longest_pause: float = 10.0
    sleep: Callable[[float], None] = time.sleep


@dataclass(slots=True)
class _File:
    """The file being sent, and how far the server has it."""

    stream: BinaryIO
    size: int
    sha256: str
    acknowledged: int = 0
    since: float = field(default_factory=time.monotonic)

    def reached(self, offset: int) -> None:
        if offset > self.acknowledged:
            self.acknowledged, self.since = offset, time.monotonic()


def send_file(
    client: Client, path: Path, name: str, options: models.UploadOptions, sending: Sending | None = None
) -> models.Upload:
    """Send a file, or the rest of it if its beginning came with an earlier, interrupted call; the completed upload.

    Raises StoppedError, ClewError, OSError.
    """
    how = sending or Sending()
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        file = _File(stream, size, hashlib.file_digest(stream, "sha256").hexdigest())
        begun = _begun_before(client, name, size, options)
        if begun is not None:
            try:
                return _sent(client, begun.id, file, how)
            except InputError as error:
                # Another file of that name and size, or one that was given up meanwhile: it is sent from the start.
                if not _is_another(error):
                    raise
        asked = models.UploadRequest(file_name=name, size_bytes=size, sha256=file.sha256, options=options)
        return _sent(client, client.create_upload(asked).id, file, how)


def _begun_before(client: Client, name: str, size: int, options: models.UploadOptions) -> models.Upload | None:
    wanted = _given(options)
    for each in client.iterate_uploads(status=_RECEIVING):
        if (each.file_name, each.size_bytes) == (name, size) and each.received_bytes and _given(each.options) == wanted:
            return each
    return None


def _given(options: models.UploadOptions) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(options)
    return {name: value for name, value in found.items() if value is not None}


def _is_another(error: ClewError) -> bool:
    return "digest" in error.code or error.code == "completed_upload"


def _sent(client: Client, upload_id: UUID, file: _File, how: Sending) -> models.Upload:
    """The upload, completed; goes on as often as something got through not long ago."""
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_worth_it),
        stop=lambda _: time.monotonic() - file.since > how.give_up_seconds,
        wait=tenacity.wait_exponential_jitter(multiplier=0.2, max=how.longest_pause, jitter=0.2),
        sleep=how.sleep,
        reraise=True,
    )
    return retrying(_send_rest, client, upload_id, file, how)


def _worth_it(error: BaseException) -> bool:
    moved = isinstance(error, ConflictError) and error.code == "mismatching_upload_offset"
    return isinstance(error, ClewError) and (error.transient or moved)


def _send_rest(client: Client, upload_id: UUID, file: _File, how: Sending) -> models.Upload:
    transport, path = client.transport, path_of("/api/v1/uploads/{id}", id=upload_id)
    present = transport.send(Outgoing("HEAD", path, repeatable=True))
    offset = _offset(present.headers.get("Upload-Offset"), file.size)
    file.reached(offset)
    if present.headers.get("Upload-Complete") == "?1":
        return client.get_upload(upload_id)  # the answer to the last part was lost on its way
    headers = {
        "Content-Type": _FIELDS,
        "Content-Length": str(file.size - offset),
        "Upload-Offset": str(offset),
        "Upload-Complete": "?1",
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(file.sha256)).decode()}:",
    }
    answer = transport.send(Outgoing("PATCH", path, headers=headers, content=lambda: _pieces(file, offset, how)))
    return decoded(answer, models.Upload)


def _pieces(file: _File, offset: int, how: Sending) -> Iterator[bytes]:
    file.stream.seek(offset)
    done = offset
    while done < file.size:
        if how.stopped():
            raise StoppedError
        piece = file.stream.read(min(PIECE_BYTES, file.size - done))
        if not piece:
            raise InputError("the file became shorter while it was sent", remedy="send it when nothing writes to it")
        yield piece
        done += len(piece)
        how.observe(done, file.size)


def _offset(text: str | None, size: int) -> int:
    if text is None or not text.isdigit() or int(text) > size:
        raise UnknownAnswerError("the server does not say where to go on", remedy="use the same release here and there")
    return int(text)
