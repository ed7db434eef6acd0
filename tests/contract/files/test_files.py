"""What is put in comes out, from any byte, or it is said that it is damaged."""

import hashlib
import io
import random
import threading
from typing import Any

import pytest

from clew.ingest.filestore import FRAME_BYTES, FileStoreError
from clew.ingest.filestore.sealing import HEADER_BYTES
from clew.kernel.errors import ConfigurationError, NotFoundError
from tests.contract.files.conftest import FIRST, SECOND, Adapter

THREE_FRAMES = random.Random(7).randbytes(1 << 20) * 9 + b"the end"
SECRET = b"the heron flies at dawn " * 50


def put(files: Adapter, content: bytes) -> Any:
    return files.store.put(io.BytesIO(content))


@pytest.mark.parametrize("content", [b"", b"x", SECRET, THREE_FRAMES, THREE_FRAMES[: 2 * FRAME_BYTES]], ids=len)
def test_what_is_put_in_comes_out(files: Adapter, content: bytes) -> None:
    stored = put(files, content)
    assert (stored.digest, stored.size) == (hashlib.sha256(content).hexdigest(), len(content))
    with files.store.open(stored.digest) as reader:
        assert reader.read() == content
    assert files.store.size(stored.digest) == len(content)
    assert files.store.verify(stored.digest)
    for offset in (0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, len(content) - 1, len(content), 10**12):
        if offset >= 0:
            with files.store.open(stored.digest, offset) as reader:
                assert reader.read(100) == content[offset : offset + 100]
    (kept,) = files.store.kept()
    assert (kept.digest, kept.is_trash) == (stored.digest, False)
    assert kept.is_sealed is (files.store.keys is not None)
    assert [path.name for path in files.store.root.rglob(".incoming*")] == []


def test_what_is_not_there_is_not_found(files: Adapter) -> None:
    for digest in ("0" * 64, "F" * 64, "../../etc/passwd", ""):
        with pytest.raises(NotFoundError):
            files.store.open(digest)


def test_the_same_twice_is_there_once_and_heals_what_was_damaged(files: Adapter) -> None:
    stored = put(files, SECRET)
    files.put_in_place(stored.path, files.raw(stored.path)[:-20])
    assert not files.store.verify(stored.digest)
    assert put(files, SECRET) == stored
    assert files.store.verify(stored.digest)
    assert len(list(files.store.kept())) == 1


def test_a_stream_that_breaks_leaves_nothing(files: Adapter) -> None:
    class Broken(io.RawIOBase):
        def read(self, _size: int = -1) -> bytes:
            raise RuntimeError("cut")

    with pytest.raises(RuntimeError, match="cut"):
        files.store.put(Broken())  # type: ignore[arg-type]
    assert list(files.store.kept()) == []
    assert list(files.store.root.iterdir()) == []


def test_every_bit_counts(files: Adapter) -> None:
    stored = put(files, SECRET)
    original = files.raw(stored.path)
    places = {0, len(original) - 1, *random.Random(3).sample(range(len(original)), 40)}
    if files.store.keys is not None:  # what fills the header up to its length says nothing
        places -= set(range(9, 16)) | set(range(108, HEADER_BYTES))
    for place in sorted(places):
        changed = original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :]
        files.put_in_place(stored.path, changed)
        try:
            sound = files.store.verify(stored.digest)
        except ConfigurationError:  # the key is another one then
            assert 16 <= place < 32
            continue
        # In the clear, a few bits are only for other programs that read the file: the content is right all the same.
        assert not sound or (files.store.keys is None and files.store.open(stored.digest).read() == SECRET), place
    files.put_in_place(stored.path, original)
    assert files.store.verify(stored.digest)


def test_what_is_cut_off_anywhere_is_damaged(files: Adapter) -> None:
    stored = put(files, SECRET)
    original = files.raw(stored.path)
    for length in (1, len(original) // 4, len(original) // 2, len(original) - 1):
        files.put_in_place(stored.path, original[:length])
        with pytest.raises(FileStoreError, match="damaged"):
            files.store.open(stored.digest).read()


def test_many_at_once_store_the_same(files: Adapter) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                stored = put(files, THREE_FRAMES)
                with files.store.open(stored.digest, FRAME_BYTES) as reader:
                    assert reader.read(10) == THREE_FRAMES[FRAME_BYTES : FRAME_BYTES + 10]
        except BaseException as error:  # noqa: BLE001  told below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    (kept,) = files.store.kept()
    assert files.store.verify(kept.digest)


def test_what_is_in_the_trash_is_still_found(files: Adapter) -> None:
    stored = put(files, SECRET)
    (kept,) = files.store.kept()
    files.store.discard(kept)
    (thrown,) = files.store.kept()
    assert thrown.is_trash
    assert files.store.open(stored.digest).read() == SECRET
    files.store.restore(thrown)
    (restored,) = files.store.kept()
    assert not restored.is_trash
    files.store.discard(restored)
    put(files, SECRET)
    (again,) = [each for each in files.store.kept() if each.is_trash]
    files.store.restore(again)
    assert [each.is_trash for each in files.store.kept()] == [False]
    assert files.store.verify(stored.digest)


def test_nothing_of_the_content_is_seen_in_what_is_encrypted(sealed: Adapter) -> None:
    content = random.Random(1).randbytes(300_000)  # is not compressed: it would be seen as it is
    stored = put(sealed, content)
    raw = sealed.raw(stored.path)
    assert not any(content[place : place + 16] in raw for place in range(0, len(content) - 16, 16))
    assert put(sealed, content) == stored
    assert sealed.raw(stored.path) != raw  # another key, other nonces


def test_without_its_key_nothing_is_read(sealed: Adapter) -> None:
    stored = put(sealed, SECRET)
    for store in (sealed.with_keys(), sealed.with_keys(SECOND)):
        with pytest.raises(ConfigurationError, match="key that is not there"):
            store.open(stored.digest)
    assert sealed.with_keys(SECOND, FIRST).open(stored.digest).read() == SECRET


def test_one_file_cannot_pass_for_another(sealed: Adapter) -> None:
    one, other = put(sealed, SECRET), put(sealed, SECRET + b"!")
    sealed.put_in_place(one.path, sealed.raw(other.path))
    with pytest.raises(FileStoreError, match="another file"):
        sealed.store.open(one.digest)


def test_frames_cannot_be_exchanged(sealed: Adapter) -> None:
    stored = put(sealed, bytes(FRAME_BYTES) + bytes(FRAME_BYTES) + b"end")
    raw = sealed.raw(stored.path)
    size = (len(raw) - HEADER_BYTES) // 3
    first = raw[HEADER_BYTES:]
    length = next(n for n in range(20, size * 2) if first[:n] and len(first) > 2 * n and _is_frame_length(raw, n))
    exchanged = raw[:HEADER_BYTES] + first[length : 2 * length] + first[:length] + first[2 * length :]
    sealed.put_in_place(stored.path, exchanged)
    with pytest.raises(FileStoreError, match="not what was encrypted"):
        sealed.store.open(stored.digest).read()


def _is_frame_length(raw: bytes, length: int) -> bool:
    """Two frames of zeros have one length: compressed zeros, with nonce and tag."""
    import zstandard

    compressed = zstandard.ZstdCompressor(level=3, write_checksum=True).compress(bytes(FRAME_BYTES))
    return length == len(compressed) + 28 and len(raw) > HEADER_BYTES + 2 * length


def test_keys_are_changed_by_wrapping_and_plain_files_are_encrypted(plain: Adapter) -> None:
    contents = [SECRET, THREE_FRAMES, b""]
    digests = [put(plain, content).digest for content in contents]
    first = plain.with_keys(FIRST)
    assert [first.rewrap(kept) for kept in list(first.kept())] == [True] * 3
    assert all(kept.is_sealed for kept in first.kept())
    before = {kept.digest: plain.raw(kept.blob.name) for kept in first.kept()}
    second = plain.with_keys(SECOND, FIRST)
    assert [second.rewrap(kept) for kept in list(second.kept())] == [True] * 3
    assert [second.rewrap(kept) for kept in list(second.kept())] == [False] * 3
    for kept in second.kept():  # what was encrypted was not encrypted anew
        assert plain.raw(kept.blob.name)[HEADER_BYTES:] == before[kept.digest][HEADER_BYTES:]
    alone = plain.with_keys(SECOND)
    for digest, content in zip(digests, contents, strict=True):
        assert alone.open(digest).read() == content
    with pytest.raises(ConfigurationError):
        first.open(digests[0])


def test_what_is_stored_in_the_clear_and_stored_again_with_a_key_is_not_left_in_the_clear(plain: Adapter) -> None:
    put(plain, SECRET)
    plain.with_keys(FIRST).put(io.BytesIO(SECRET))
    assert [kept.is_sealed for kept in plain.store.kept()] == [True]
