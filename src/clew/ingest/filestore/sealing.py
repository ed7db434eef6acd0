"""Encryption of stored files (AES-256-GCM, NIST SP 800-38D), frame by frame, so that any byte can be read.

    header   128 bytes: magic, version, id of the wrapping key, id of the file, nonce, the file's own key wrapped
    frames   each: nonce, ciphertext, tag; bound to the file's id and the frame's number
    table    nonce, ciphertext, tag; bound to the file's id: lengths of all frames, and the SHA-256 of the clear content
    trailer  12 bytes: length of the table, magic

Nonces are random; a file's key encrypts no more than its own frames. Frames cannot be exchanged, left out or taken from
another file, nor can one file pass for another: the table says how many there are and what they are the content of.
"""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from clew.ingest.filestore.blobs import Source
from clew.ingest.filestore.errors import damaged
from clew.ingest.filestore.keys import ID_BYTES, KEY_BYTES, KeyRing
from clew.kernel.errors import ConfigurationError

HEADER_BYTES: Final = 128
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
_MAGIC: Final = b"CLEWSEAL"
_VERSION: Final = 1
_HEADER: Final = struct.Struct(f"<8sB7x{ID_BYTES}s{ID_BYTES}s{NONCE_BYTES}s{KEY_BYTES + TAG_BYTES}s")
_TRAILER: Final = struct.Struct("<I8s")
_END: Final = b"SEALEND1"
_SIZES: Final = struct.Struct("<II")  # sealed, clear bytes of a frame
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True, repr=False)
class Sealing:
    """How one file is encrypted."""

    file_id: bytes
    key: bytes
    header: bytes

    @classmethod
    def new(cls, ring: KeyRing) -> Self:
        """With a key of its own, wrapped by the ring's current one."""
        file_id, key = os.urandom(ID_BYTES), AESGCM.generate_key(KEY_BYTES * 8)
        return cls(file_id, key, _header(ring, file_id, key))

    @classmethod
    def of(cls, header: bytes, ring: KeyRing | None, where: str) -> Self:
        """That of a stored file. Raises ConfigurationError without its key, FileStoreError if it is damaged."""
        if len(header) != HEADER_BYTES:
            raise damaged(where, "it is cut off")
        magic, version, key_id, file_id, nonce, wrapped = _HEADER.unpack(header[: _HEADER.size])
        if magic != _MAGIC or version != _VERSION:
            raise damaged(where, "its header is not that of an encrypted file")
        key = ring.by_id(key_id) if ring is not None else None
        if key is None:
            raise ConfigurationError(
                "this file is encrypted with a key that is not there",
                where=where,
                remedy="add that key to the file that CLEW_FILES_KEY_FILE names, behind the one in use",
            )
        try:
            return cls(file_id, AESGCM(key.content).decrypt(nonce, wrapped, _MAGIC + file_id), header)
        except InvalidTag as error:
            raise damaged(where, "its key cannot be unwrapped") from error

    def rewrapped(self, ring: KeyRing) -> bytes:
        """Its header with its key wrapped by the ring's current one."""
        return _header(ring, self.file_id, self.key)

    def seal(self, number: int, frame: bytes) -> bytes:
        """A frame, encrypted."""
        return self._seal(frame, self._place(number))

    def open(self, number: int, sealed: bytes, where: str) -> bytes:
        """A frame. Raises FileStoreError if it is not that one."""
        return self._open(sealed, self._place(number), where, f"frame {number}")

    def table(self, sizes: Sequence[tuple[int, int]], digest: bytes) -> bytes:
        """What follows the frames: table and trailer."""
        sealed = self._seal(b"".join(_SIZES.pack(*each) for each in sizes) + digest, self.file_id + b"T")
        return sealed + _TRAILER.pack(len(sealed), _END)

    def read_table(self, source: Source) -> tuple[list[tuple[int, int]], bytes]:
        """Sealed and clear bytes of each frame, and the SHA-256 of the clear content. Raises FileStoreError."""
        where = source.where
        trailer = source.read(max(0, source.size - _TRAILER.size), _TRAILER.size)
        if source.size < HEADER_BYTES + _TRAILER.size or len(trailer) != _TRAILER.size:
            raise damaged(where, "it is cut off")
        length, end = _TRAILER.unpack(trailer)
        start = source.size - _TRAILER.size - length
        if end != _END or start < HEADER_BYTES:
            raise damaged(where, "its table is missing")
        table = self._open(source.read(start, length), self.file_id + b"T", where, "its table")
        sizes = list(_SIZES.iter_unpack(table[:-_DIGEST_BYTES]))
        if HEADER_BYTES + sum(sealed for sealed, _ in sizes) != start:
            raise damaged(where, "its table does not fit its length")
        return [(int(sealed), int(clear)) for sealed, clear in sizes], table[-_DIGEST_BYTES:]

    def _place(self, number: int) -> bytes:
        return self.file_id + b"F" + number.to_bytes(8, "little")

    def _seal(self, content: bytes, place: bytes) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        return nonce + AESGCM(self.key).encrypt(nonce, content, place)

    def _open(self, sealed: bytes, place: bytes, where: str, what: str) -> bytes:
        try:
            return AESGCM(self.key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
        except (InvalidTag, ValueError) as error:
            raise damaged(where, f"{what} is not what was encrypted") from error


def sealing_of(source: Source, ring: KeyRing | None) -> Sealing:
    """How an open file is encrypted; closes it if that cannot be said. Raises as `Sealing.of` does."""
    try:
        return Sealing.of(source.read(0, HEADER_BYTES), ring, source.where)
    except BaseException:
        source.close()
        raise


def _header(ring: KeyRing, file_id: bytes, key: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    wrapped = AESGCM(ring.current.content).encrypt(nonce, key, _MAGIC + file_id)
    packed = _HEADER.pack(_MAGIC, _VERSION, ring.current.id, file_id, nonce, wrapped)
    return packed.ljust(HEADER_BYTES, b"\0")


def key_id_of(header: bytes) -> bytes:
    """The id of the key that wraps this file's."""
    return bytes(_HEADER.unpack(header[: _HEADER.size])[2])
