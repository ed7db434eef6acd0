import errno
import fcntl
import hashlib
import io
import os
import resource
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clew.ingest.filestore import FRAME_BYTES, FileStore, FileStoreError
from clew.kernel.errors import InputError, NotFoundError

THREE_FRAMES = b"0123456789abcdef" * (2 * FRAME_BYTES // 16) + b"the end"


@pytest.mark.parametrize("content", [b"", b"x", b"y" * FRAME_BYTES, THREE_FRAMES])
def test_what_was_put_comes_back_under_its_digest(tmp_path: Path, content: bytes) -> None:
    store = FileStore(tmp_path / "files")
    stored = store.put(io.BytesIO(content))
    assert stored.digest == hashlib.sha256(content).hexdigest()
    assert stored.size == len(content) == store.size(stored.digest)
    with store.open(stored.digest) as stream:
        assert stream.read() == content
    assert store.verify(stored.digest)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offset=st.integers(0, len(THREE_FRAMES) + 10), length=st.integers(0, 1000))
def test_reading_can_start_at_any_byte(tmp_path: Path, offset: int, length: int) -> None:
    store = FileStore(tmp_path / "files")
    digest = store.put(io.BytesIO(THREE_FRAMES)).digest
    with store.open(digest, offset) as stream:
        assert stream.read(length) == THREE_FRAMES[offset : offset + length]


def test_a_stored_file_is_an_ordinary_zstandard_file(tmp_path: Path) -> None:
    stored = FileStore(tmp_path).put(io.BytesIO(THREE_FRAMES))
    with (tmp_path / stored.path).open("rb") as raw:
        plain = zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True).read()
    assert plain == THREE_FRAMES


def test_only_the_owner_can_read_the_evidence(tmp_path: Path) -> None:
    root = tmp_path / "files"
    stored = FileStore(root).put(io.BytesIO(b"secret"))
    assert stat.S_IMODE((root / stored.path).stat().st_mode) == 0o600
    assert stat.S_IMODE((root / stored.path).parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_the_same_content_put_by_many_at_once_is_one_file(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "files")
    with ThreadPoolExecutor(4) as pool:
        digests = {stored.digest for stored in pool.map(lambda _: store.put(io.BytesIO(THREE_FRAMES)), range(8))}
    assert len(digests) == 1
    assert [path.is_file() for path in (tmp_path / "files").rglob("*") if not path.is_dir()] == [True]
    assert store.verify(digests.pop())


@pytest.mark.parametrize("damage", ["flip", "cut"])
def test_damage_is_noticed_and_healed_by_storing_again(tmp_path: Path, damage: str) -> None:
    store = FileStore(tmp_path)
    stored = store.put(io.BytesIO(THREE_FRAMES))
    path = tmp_path / stored.path
    raw = bytearray(path.read_bytes())
    raw[40] ^= 0xFF
    path.write_bytes(bytes(raw) if damage == "flip" else bytes(raw[:-30]))
    assert not store.verify(stored.digest)
    with pytest.raises(FileStoreError, match="damaged"):
        store.open(stored.digest).read()
    store.put(io.BytesIO(THREE_FRAMES))
    assert store.verify(stored.digest)


def test_what_is_not_stored_is_not_found(tmp_path: Path) -> None:
    for digest in ("0" * 64, "../../etc/passwd", ""):
        with pytest.raises(NotFoundError):
            FileStore(tmp_path).open(digest)


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    content = io.BytesIO(os.urandom(1 << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, before[1]))  # what a full quota looks like to a process
    try:
        with pytest.raises(FileStoreError, match="disk is full"):
            FileStore(tmp_path / "files").put(content)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


def test_an_input_that_breaks_off_is_not_taken_for_a_full_disk(tmp_path: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with pytest.raises(InputError, match="cannot be read further"):
        FileStore(tmp_path).put(Broken())
    assert list(tmp_path.iterdir()) == []


def test_sweeping_removes_what_crashed_writers_left_and_spares_living_ones(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    kept = store.put(io.BytesIO(b"kept"))
    (tmp_path / ".incoming-dead").write_bytes(b"half")
    with (tmp_path / ".incoming-alive").open("wb") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        assert store.sweep() == 0, "both are younger than a minute"
        assert store.sweep(minimum_age_seconds=0) == 1
    assert not (tmp_path / ".incoming-dead").exists()
    assert (tmp_path / ".incoming-alive").exists()
    assert store.verify(kept.digest)
