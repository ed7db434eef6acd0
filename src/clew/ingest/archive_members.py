"""Members of tar and zip archives as streams, without unpacking anything by name."""

import io
import itertools
import re
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast

from clew.ingest.decompression import Budget, DamagedInputError, GuardedStream, buffered, exceeded
from clew.kernel.errors import InputError

_TAR_HEADER_BYTES: Final = 1 << 20
_ZIP_ENTRY_BYTES: Final = 1 << 10  # generous for one entry of the table of contents
_OFFICE_MARK: Final = "[Content_Types].xml"
_END_RECORD: Final = struct.Struct("<4s4H2LH")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_TAR_KINDS: Final = (
    ("isdir", None),
    ("issym", "a symbolic link"),
    ("islnk", "a hard link to another member"),
    ("isfifo", "a pipe"),
    ("isdev", "a device"),
)


@dataclass(slots=True)
class StreamMember:
    """A stream, its label, and the guarded layers it is read through, outermost first."""

    label: str
    name: str
    size: int | None
    stream: io.BufferedReader
    layers: list[GuardedStream] = field(default_factory=list)
    whole: bool = False  # to be handed over as one file although it looks like an archive


@dataclass(frozen=True, slots=True)
class SkippedMember:
    """A member that is not read, or the place from which on nothing can be."""

    label: str
    reason: str
    detail: str
    error: InputError | None = None


def is_tar(head: bytes) -> bool:
    """Whether a file begins with a tar header, by the header's own checksum."""
    try:
        return len(head) >= 512 and bool(tarfile.TarInfo.frombuf(head[:512], "utf-8", "surrogateescape").name)
    except tarfile.HeaderError:
        return False


def is_zip(head: bytes) -> bool:
    """Whether a file begins as a zip archive does."""
    return head[:4] in {b"PK\x03\x04", b"PK\x05\x06"}


def tar_members(outer: StreamMember, budget: Budget) -> Iterator[StreamMember | SkippedMember]:
    """Members of a tar archive in one pass. Each must be read, if at all, before the next is asked for."""
    feed = _Feed(outer.stream, outer.label)
    try:
        with tarfile.open(fileobj=cast("BinaryIO", feed), mode="r|", errors="surrogateescape") as archive:
            while (info := _next_header(archive, feed)) is not None:
                label, name = _label(outer.label, info.name)
                budget.charge_member(label)
                kind = next((kind for test, kind in _TAR_KINDS if getattr(info, test)()), "")
                if info.isreg():
                    member = StreamMember(label, name, info.size, outer.stream, outer.layers)
                    yield from _tar_file(archive, info, member)
                elif kind is not None:
                    yield SkippedMember(label, "special_member", f"it is {kind or 'of an unknown kind'}")
                archive.members.clear()  # type: ignore[attr-defined] # it would remember every header otherwise
    except InputError as error:
        yield SkippedMember(outer.label, error.code, error.message, error)
    except (tarfile.TarError, EOFError, OSError, ValueError) as problem:
        damage = next((layer.fault for layer in outer.layers if layer.fault), None) or DamagedInputError(
            f"the tar archive cannot be read further: {problem}", where=outer.label
        )
        yield SkippedMember(outer.label, damage.code, damage.message, damage)


def zip_members(outer: StreamMember, budget: Budget) -> Iterator[StreamMember | SkippedMember]:
    """Members of a zip archive, or the archive itself where it is an office document such as a workbook."""
    try:
        with _seekable(outer, budget) as file, _opened_zip(file, outer, budget) as archive:
            if _OFFICE_MARK in archive.NameToInfo:
                file.seek(0)
                yield StreamMember(outer.label, outer.name, outer.size, file, outer.layers, whole=True)
                return
            overlapping = _overlapping(archive)
            for info in archive.infolist():
                label, name = _label(outer.label, info.filename)
                budget.charge_member(label)
                skipped = _zip_obstacle(info, label, overlapping)
                if skipped:
                    yield skipped
                elif not info.is_dir():
                    yield from _zip_file(archive, info, StreamMember(label, name, info.file_size, file), budget)
    except InputError as error:
        yield SkippedMember(outer.label, error.code, error.message, error)
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError) as problem:
        damage = next((layer.fault for layer in outer.layers if layer.fault), None) or DamagedInputError(
            f"the zip archive cannot be read: {problem}", where=outer.label
        )
        yield SkippedMember(outer.label, damage.code, damage.message, damage)


def _tar_file(archive: tarfile.TarFile, info: tarfile.TarInfo, member: StreamMember) -> Iterator[StreamMember]:
    content = archive.extractfile(info)
    if content is None:
        return
    read = cast("io.BufferedReader", content).read1  # where `read` would lose what precedes the damage
    layer = GuardedStream(read, member.label)
    member.layers = [*member.layers, layer]
    member.stream = buffered(layer)
    yield member
    while layer.read(1 << 20):
        pass  # what nobody read must be passed all the same, within the limits


def _zip_file(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, member: StreamMember, budget: Budget
) -> Iterator[StreamMember | SkippedMember]:
    try:
        content = archive.open(info)
    except (zipfile.BadZipFile, RuntimeError, OSError) as problem:  # NotImplementedError is a RuntimeError
        reason = "unsupported_compression" if isinstance(problem, NotImplementedError) else "damaged_input"
        error = DamagedInputError(f"the member cannot be read: {problem}", where=member.label)
        yield SkippedMember(member.label, reason, error.message, error)
        return
    with content:
        layer = GuardedStream(
            cast("zipfile.ZipExtFile", content).read1, member.label, budget, lambda: info.compress_size
        )
        member.layers = [layer]
        member.stream = buffered(layer)
        yield member


class _Feed:
    """What tarfile reads from. Between members it may read only as much as headers need."""

    def __init__(self, stream: BinaryIO, where: str) -> None:
        self._stream = stream
        self._where = where
        self.allowance: int | None = _TAR_HEADER_BYTES  # opening reads the first header

    def read(self, size: int) -> bytes:
        if self.allowance is not None:
            self.allowance -= size
            if self.allowance < 0:
                raise DamagedInputError(f"a tar header is longer than {_TAR_HEADER_BYTES} bytes", where=self._where)
        return self._stream.read(size)


def _next_header(archive: tarfile.TarFile, feed: _Feed) -> tarfile.TarInfo | None:
    feed.allowance = _TAR_HEADER_BYTES
    info = archive.next()
    feed.allowance = None
    return info


def _seekable(outer: StreamMember, budget: Budget) -> io.BufferedReader:
    """The archive itself if it is a file on disk, else a copy in a nameless temporary file."""
    if outer.stream.seekable():
        return io.open(outer.stream.fileno(), "rb", closefd=False)  # noqa: UP020 – says which open
    copy = tempfile.TemporaryFile(dir=budget.limits.temporary_directory)  # noqa: SIM115 – closed by the caller
    try:
        shutil.copyfileobj(outer.stream, copy, 1 << 20)
        copy.seek(0)
    except OSError as error:
        copy.close()
        raise InputError(
            f"an archive inside an archive cannot be unpacked for reading: {error.strerror}",
            where=outer.label,
            remedy="free space in the temporary directory",
        ) from error
    return cast("io.BufferedReader", copy)


def _opened_zip(file: BinaryIO, outer: StreamMember, budget: Budget) -> zipfile.ZipFile:
    """The archive, after its table of contents was seen to be of a size that can be held."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - (1 << 16) - _END_RECORD.size))
    tail = file.read()
    start = tail.rfind(b"PK\x05\x06")
    if start >= 0 and len(tail) - start >= _END_RECORD.size:
        table_bytes = _END_RECORD.unpack_from(tail, start)[5]
        if table_bytes == 0xFFFFFFFF:
            table_bytes = size  # the 64-bit form: at most everything
        limit = budget.limits.max_members * _ZIP_ENTRY_BYTES
        if min(table_bytes, size) > limit and table_bytes > limit:
            reached = f"a table of contents of {table_bytes} bytes"
            raise exceeded(outer.label, reached, "max_members", budget.limits.max_members)
    file.seek(0)
    return zipfile.ZipFile(file)


def _zip_obstacle(info: zipfile.ZipInfo, label: str, overlapping: frozenset[int]) -> SkippedMember | None:
    if info.flag_bits & 0x1:
        return SkippedMember(label, "encrypted", "it is encrypted; unpack it with its password and load the result")
    kind = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return SkippedMember(label, "special_member", "it is a link, pipe or device")
    if info.header_offset in overlapping:
        error = DamagedInputError("its data overlap those of another member", where=label)
        return SkippedMember(label, "overlapping_member", error.message, error)
    return None


def _overlapping(archive: zipfile.ZipFile) -> frozenset[int]:
    """Starts of members that reach into the next one: honest archives have none, bombs are made of them."""
    starts = sorted((info.header_offset, info.compress_size) for info in archive.infolist())
    found = set()
    for (start, size), (following, _) in itertools.pairwise(starts):
        if start + 30 + size > following:
            found |= {start, following}
    return frozenset(found)


def _label(outer: str, member: str) -> tuple[str, str]:
    """Label and file name of a member: no absolute path, no `..`, nothing that could steer a terminal."""
    text = member.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\\", "/")
    parts = [part for part in text.split("/") if part not in {"", ".", ".."}]
    safe = [_CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", part)[:255] for part in parts] or ["unnamed"]
    return f"{outer}!{'/'.join(safe)[-1000:]}", safe[-1]
