"""Every readable stream below a path: plain files, compressed ones, members of archives, whatever their names say.

Nothing is unpacked by name and no member is held in memory. Damage and exceeded limits end a stream early instead
of raising, so that what came before can be stored; they are in `InputFile.fault` once the stream was read, and
`open_inputs` yields them as well, right behind the file.
"""

import io
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from clew.ingest.archive_members import SkippedMember, StreamMember, is_tar, is_zip, tar_members, zip_members
from clew.ingest.decompression import (
    ArchiveLimitError,
    ArchiveLimits,
    Budget,
    DamagedInputError,
    GuardedStream,
    buffered,
    compression_of,
    decompressed,
    exceeded,
)
from clew.kernel.errors import InputError

__all__ = ["ArchiveLimitError", "ArchiveLimits", "DamagedInputError", "InputFile", "SkippedInput", "open_inputs"]

_SUFFIX: Final = re.compile(r"\.(gz|bz2|xz|zst|zstd|tgz|tbz2|txz)$", re.IGNORECASE)
_LABEL_CHARACTERS: Final = 1000


@dataclass(slots=True)
class InputFile:
    """One stream to be read. Inside archives it can be opened once, and only until the next one is asked for."""

    label: str  # the path, and behind each "!" the member: outer.tar.gz!inner/cowrie.json
    name: str  # file name without folders and without the suffix of a compression that was undone
    size: int | None  # bytes, where that is known without reading
    _opener: Callable[[], BinaryIO]
    _layers: list[GuardedStream] = field(default_factory=list)

    def open(self) -> BinaryIO:
        """The content. Raises InputError where it cannot be opened, or not again."""
        return self._opener()

    @property
    def fault(self) -> InputError | None:
        """Why the stream ended before its content did, as far as it was read."""
        return _cause(self._layers)


@dataclass(frozen=True, slots=True)
class SkippedInput:
    """Something that was not read, or not to its end."""

    label: str
    reason: str  # socket, fifo, device, dangling_link, link_loop, unreadable, encrypted, special_member,
    # overlapping_member, unsupported_compression, damaged_input, archive_limit
    detail: str
    error: InputError | None = None  # where something is wrong rather than merely of another kind


def open_inputs(path: Path, limits: ArchiveLimits, called: str | None = None) -> Iterator[InputFile | SkippedInput]:
    """Walk `path`: a file, or a directory and all below it in the order of names. InputError if it does not exist.

    `called` is what a single file is to be called, if not by its path: a text that is never used to find anything.
    """
    if not os.path.lexists(path):
        raise InputError("no such file or directory", where=called or _text(path), remedy="check the path")
    if called is not None:
        return _file(path, called[-_LABEL_CHARACTERS:], limits, called)
    return _walk(path, limits, set())


def _walk(path: Path, limits: ArchiveLimits, seen: set[tuple[int, int]]) -> Iterator[InputFile | SkippedInput]:
    label = _text(path)
    try:
        status = path.stat()
    except OSError as error:
        yield _unreachable(path, label, error)
        return
    if stat.S_ISDIR(status.st_mode):
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            yield SkippedInput(label, "link_loop", "this directory was walked already")
            return
        seen.add(identity)
        yield from _walk_directory(path, label, limits, seen)
    elif stat.S_ISREG(status.st_mode):
        yield from _file(path, label, limits)
    else:
        kind = _kind(status.st_mode)
        yield SkippedInput(label, kind, f"a {kind} is no file that can be loaded")


def _walk_directory(
    path: Path, label: str, limits: ArchiveLimits, seen: set[tuple[int, int]]
) -> Iterator[InputFile | SkippedInput]:
    try:
        names = sorted(os.listdir(path))  # noqa: PTH208 – paths are built one at a time below
    except OSError as error:
        yield SkippedInput(label, "unreadable", error.strerror or str(error))
        return
    for name in names:
        yield from _walk(path / name, limits, seen)


def _unreachable(path: Path, label: str, error: OSError) -> SkippedInput:
    if path.is_symlink() and isinstance(error, FileNotFoundError):
        return SkippedInput(label, "dangling_link", "the link points to nothing")
    if path.is_symlink() and "symbolic" in (error.strerror or ""):
        return SkippedInput(label, "link_loop", "the link leads back to itself")
    return SkippedInput(label, "unreadable", error.strerror or str(error))


def _file(path: Path, label: str, limits: ArchiveLimits, name: str | None = None) -> Iterator[InputFile | SkippedInput]:
    try:
        stream, size = _open_regular(path, label)
    except InputError as error:
        yield SkippedInput(label, "unreadable", error.message, error)
        return
    with stream:
        walker = _StreamWalker(Budget(limits), path)
        yield from walker.walk(StreamMember(label, name or path.name, size, stream, []), depth=0)


def _open_regular(path: Path, label: str) -> tuple[io.BufferedReader, int]:
    """Open without waiting for a writer, should the file have become a pipe since it was looked at."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise InputError(f"cannot be opened: {error.strerror}", where=label) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise InputError("is no regular file any more", where=label)
    return os.fdopen(descriptor, "rb"), status.st_size


@dataclass(frozen=True, slots=True)
class _StreamWalker:
    budget: Budget
    path: Path

    def walk(self, item: StreamMember, depth: int) -> Iterator[InputFile | SkippedInput]:
        """The stream itself, or what is inside it."""
        head = item.stream.peek(512)
        compression = compression_of(head)
        inner: Callable[[], Iterator[StreamMember | SkippedMember]] | None = None
        if compression:
            inner = lambda: iter([self._decompressed(item, compression)])  # noqa: E731
        elif is_tar(head):
            inner = lambda: tar_members(item, self.budget)  # noqa: E731
        elif is_zip(head):
            inner = lambda: zip_members(item, self.budget)  # noqa: E731
        if inner is None:
            yield from self._leaf(item, depth)
        elif depth >= self.budget.limits.max_depth:
            limit = self.budget.limits.max_depth
            error = exceeded(item.label, f"{depth} layers of archives inside each other", "max_depth", limit)
            yield SkippedInput(item.label, error.code, error.message, error)
        else:
            yield from self._inside(inner(), item, depth)

    def _inside(
        self, members: Iterator[StreamMember | SkippedMember], outer: StreamMember, depth: int
    ) -> Iterator[InputFile | SkippedInput]:
        for member in members:
            if isinstance(member, SkippedMember):
                if member.error is None or self._is_news(member.error):
                    yield SkippedInput(member.label, member.reason, member.detail, member.error)
            elif member.whole:
                yield from self._leaf(member, depth)
            else:
                yield from self.walk(member, depth + 1)
        yield from self._faults(outer)

    def _leaf(self, item: StreamMember, depth: int) -> Iterator[InputFile | SkippedInput]:
        if depth == 0:
            yield from self._plain(item)
            return
        opened = False

        def open_once() -> BinaryIO:
            nonlocal opened
            if opened:
                raise InputError("was read already, and cannot be read twice", where=item.label)
            opened = True
            return item.stream

        yield InputFile(item.label, item.name, item.size, open_once, item.layers)
        yield from self._faults(item)

    def _plain(self, item: StreamMember) -> Iterator[InputFile | SkippedInput]:
        layers: list[GuardedStream] = []

        def reopen() -> BinaryIO:
            raw = _open_regular(self.path, item.label)[0]
            layers[:] = [_ClosingStream(raw, item.label)]
            return buffered(layers[0])

        yield InputFile(item.label, item.name, item.size, reopen, layers)
        yield from self._faults(StreamMember(item.label, item.name, item.size, item.stream, layers))

    def _decompressed(self, item: StreamMember, compression: str) -> StreamMember:
        layer = decompressed(item.stream, compression, item.label, self.budget)
        name = _SUFFIX.sub("", item.name) or item.name
        return StreamMember(item.label, name, None, buffered(layer), [*item.layers, layer])

    def _faults(self, item: StreamMember) -> Iterator[SkippedInput]:
        fault = _cause(item.layers)
        if fault and self._is_news(fault):
            yield SkippedInput(item.label, fault.code, fault.message, fault)

    def _is_news(self, error: InputError) -> bool:
        """Whether the error was not told yet: outer layers meet what inner ones have told of."""
        if any(error is known for known in self.budget.reported):
            return False
        self.budget.reported.append(error)
        return True


class _ClosingStream(GuardedStream):
    """A file on disk that closes with its stream."""

    def __init__(self, source: BinaryIO, where: str) -> None:
        super().__init__(source.read, where)
        self._source = source

    def close(self) -> None:
        self._source.close()
        super().close()


def _cause(layers: list[GuardedStream]) -> InputError | None:
    """What ended the innermost layer: the fault of the outermost one, which may have read ahead and be at its end."""
    if not layers or not layers[-1].fault:
        return None
    return next(layer.fault for layer in layers if layer.fault)


def _text(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")[-_LABEL_CHARACTERS:]


def _kind(mode: int) -> str:
    if stat.S_ISSOCK(mode):
        return "socket"
    return "fifo" if stat.S_ISFIFO(mode) else "device"
