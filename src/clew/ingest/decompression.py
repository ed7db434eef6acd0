"""Compressed streams read as plain ones, within limits, keeping what could be read before any damage."""

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tarfile import TarError
from typing import BinaryIO, ClassVar, Final, Protocol, cast

import zstandard

from clew.kernel.errors import InputError

_INPUT_BYTES: Final = 64 << 10
_ZSTD_INPUT_BYTES: Final = 2 << 10  # its decoder takes no bound on output, and 4 bytes may become 128 KiB
_BUFFER_BYTES: Final = 256 << 10
_DAMAGE: Final = (
    zlib.error,
    lzma.LZMAError,
    zstandard.ZstdError,
    zipfile.BadZipFile,
    TarError,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,  # what zipfile raises for passwords
)


class ArchiveLimitError(InputError):
    """A compressed file holds more than the limits allow; what came before that point is still good."""

    code: ClassVar[str] = "archive_limit"


class DamagedInputError(InputError):
    """A file is truncated, corrupt or cannot be read further; what came before that point is still good."""

    code: ClassVar[str] = "damaged_input"


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What compressed files and archives may unfold to, per file on disk. The names are those of the settings."""

    max_ratio: int = 250  # bytes out per byte in, judged once more than ratio_floor_bytes came out
    ratio_floor_bytes: int = 64 << 20
    max_total_bytes: int = 100 << 30  # everything that is unpacked, every layer counted
    max_members: int = 100_000
    max_depth: int = 6  # layers of compression and archives inside each other
    temporary_directory: Path | None = None  # where archives inside archives are unpacked for reading


@dataclass(slots=True)
class Budget:
    """What has been spent of the limits by one file on disk."""

    limits: ArchiveLimits
    total_bytes: int = 0
    members: int = 0
    reported: list[InputError] = field(default_factory=list)

    def charge(self, size: int, where: str) -> None:
        """Count unpacked bytes; ArchiveLimitError beyond the limit."""
        self.total_bytes += size
        if self.total_bytes > self.limits.max_total_bytes:
            raise exceeded(where, f"{self.total_bytes} bytes unpacked", "max_total_bytes", self.limits.max_total_bytes)

    def charge_member(self, where: str) -> None:
        """Count a member of an archive; ArchiveLimitError beyond the limit."""
        self.members += 1
        if self.members > self.limits.max_members:
            raise exceeded(where, f"more than {self.members - 1} members", "max_members", self.limits.max_members)


def exceeded(where: str, reached: str, setting: str, limit: int) -> ArchiveLimitError:
    """The error for a limit, naming what was reached and the setting that raises it."""
    return ArchiveLimitError(
        f"stopped after {reached}: the limit is {limit}",
        where=where,
        remedy=f"if the file is trusted, raise the ingest setting {setting}",
    )


class GuardedStream(io.RawIOBase):
    """A stream that ends at the first damage or exceeded limit and keeps the reason in `fault`.

    `pull(size)` gives the next bytes, about `size` of them and none at the end. With `budget`, the bytes count as
    unpacked, and their number is compared with `compressed()`, the bytes they came from.
    """

    def __init__(
        self,
        pull: Callable[[int], bytes],
        where: str,
        budget: Budget | None = None,
        compressed: Callable[[], int] | None = None,
    ) -> None:
        super().__init__()
        self._pull = pull
        self._where = where
        self._budget = budget
        self._compressed = compressed
        self._pending = memoryview(b"")
        self.produced = 0
        self.fault: InputError | None = None

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer, less only at the end, which damage and limits are too."""
        view = memoryview(cast("bytearray", buffer)).cast("B")
        filled = 0
        while filled < len(view):
            if not self._pending and not self._next(len(view) - filled):
                break
            piece = self._pending[: len(view) - filled]
            view[filled : filled + len(piece)] = piece
            self._pending = self._pending[len(piece) :]
            filled += len(piece)
        return filled

    def _next(self, size: int) -> bool:
        if self.fault:
            return False
        try:
            piece = self._pull(size)
            self.produced += len(piece)
            self._check(len(piece))
        except InputError as error:
            self.fault = error
            return False
        except _DAMAGE as error:
            self.fault = DamagedInputError(
                f"cannot be read beyond byte {self.produced} of its content: {str(error) or type(error).__name__}",
                where=self._where,
                remedy="what came before is loaded; fetch the file again for the rest",
            )
            return False
        self._pending = memoryview(piece)
        return bool(piece)

    def _check(self, size: int) -> None:
        if self._budget is None:
            return
        self._budget.charge(size, self._where)
        limits = self._budget.limits
        if self._compressed and self.produced > limits.ratio_floor_bytes:
            used = max(self._compressed(), 1)
            if self.produced > used * limits.max_ratio:
                reached = f"{self.produced} bytes came out of {used}, {self.produced // used} to 1"
                raise exceeded(self._where, reached, "max_ratio", limits.max_ratio)


def buffered(raw: io.RawIOBase) -> io.BufferedReader:
    """A stream with read-ahead, so that its start can be looked at."""
    return io.BufferedReader(raw, _BUFFER_BYTES)


def compression_of(head: bytes) -> str | None:
    """gz, bz2, xz or zst, told by the first bytes of a file; None: not compressed."""
    if head[:3] == b"\x1f\x8b\x08":
        return "gz"
    if head[:3] == b"BZh" and head[4:10] in {b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"}:
        return "bz2"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and head[:1] in _SKIPPABLE):
        return "zst"
    return None


def decompressed(source: BinaryIO, compression: str, where: str, budget: Budget) -> GuardedStream:
    """The content of a compressed stream, all its members in a row."""
    unpacker = _Unpacker(source, _DECODERS[compression])
    return GuardedStream(unpacker.pull, where, budget, unpacker.consumed)


_SKIPPABLE: Final = frozenset(bytes([byte]) for byte in range(0x50, 0x60))


class _Decoder(Protocol):
    """What bz2 and lzma offer for one member, and the adapters below for the others."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _GzipDecoder:
    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _ZstdDecoder:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(data) if data else b""


def _xz_decoder() -> _Decoder:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=1 << 28)


_DECODERS: Final[dict[str, Callable[[], _Decoder]]] = {
    "gz": _GzipDecoder,
    "bz2": bz2.BZ2Decompressor,
    "xz": _xz_decoder,
    "zst": _ZstdDecoder,
}


class _Unpacker:
    def __init__(self, source: BinaryIO, decoder: Callable[[], _Decoder]) -> None:
        self._source = source
        self._new_decoder = decoder
        self._step = _ZSTD_INPUT_BYTES if decoder is _ZstdDecoder else _INPUT_BYTES
        self._decoder: _Decoder | None = decoder()
        self._input = b""
        self._read = 0

    def consumed(self) -> int:
        return self._read

    def pull(self, size: int) -> bytes:
        while True:
            if self._decoder is None and not self._next_member():
                return b""
            decoder = cast("_Decoder", self._decoder)
            data, self._input = self._input, b""
            piece = decoder.decompress(data, max(size, 1))
            if decoder.eof:
                self._input = decoder.unused_data
                self._decoder = None
            elif not piece and not self._more():
                raise EOFError("the compressed data is cut off")
            if piece:
                return piece

    def _next_member(self) -> bool:
        """Go on behind a member: padding of zeros is passed over, what is neither that nor a member is damage."""
        while not self._input.lstrip(b"\0"):
            self._input = b""
            if not self._more():
                return False
        if self._input[:1] != b"\0":
            while len(self._input) < 10 and self._more():
                pass
            if compression_of(self._input) is None:
                raise EOFError("what follows the compressed data is no more of it")
            self._decoder = self._new_decoder()
            return True
        self._input = self._input.lstrip(b"\0")
        return self._next_member()

    def _more(self) -> bool:
        piece = self._source.read(self._step)
        self._input += piece
        self._read += len(piece)
        return bool(piece)
