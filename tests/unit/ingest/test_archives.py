import bz2
import gzip
import io
import lzma
import os
import socket
import struct
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
import zstandard

from clew.ingest.archives import ArchiveLimits, InputFile, SkippedInput, open_inputs
from clew.kernel.errors import InputError

TEXT = b'{"a": 1}\n' * 1000


def read_all(path: Path, limits: ArchiveLimits | None = None) -> tuple[dict[str, bytes], list[SkippedInput]]:
    """Content of every stream below path, by its label relative to the path, and what was skipped."""
    contents: dict[str, bytes] = {}
    skipped = []
    for item in open_inputs(path, limits or ArchiveLimits()):
        if isinstance(item, SkippedInput):
            skipped.append(item)
        else:
            with item.open() as stream:
                contents[item.label.removeprefix(f"{path}")] = stream.read()
    return contents, skipped


def tar_of(members: Iterable[tuple[str, bytes]], mode: str = "w") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target.getvalue()


def zip_of(members: Iterable[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return target.getvalue()


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(TEXT),
        gzip.compress(TEXT[:900]) + gzip.compress(TEXT[900:]),
        gzip.compress(TEXT) + b"\0" * 512,
        bz2.compress(TEXT),
        lzma.compress(TEXT),
        zstandard.compress(TEXT),
        zstandard.compress(TEXT[:90]) + zstandard.compress(TEXT[90:]),
        gzip.compress(bz2.compress(TEXT)),
    ],
    ids=["gz", "gz-members", "gz-padded", "bz2", "xz", "zst", "zst-frames", "bz2-in-gz"],
)
def test_compression_is_told_by_content_and_not_by_name(tmp_path: Path, packed: bytes) -> None:
    path = tmp_path / "cowrie.json.2025-01-01"
    path.write_bytes(packed)
    contents, skipped = read_all(path)
    assert contents == {"": TEXT}
    assert skipped == []


def test_the_name_is_without_the_suffix_that_was_undone(tmp_path: Path) -> None:
    (tmp_path / "cowrie.json.2025-01-01.gz").write_bytes(gzip.compress(TEXT))
    (tmp_path / "misnamed.gz").write_bytes(TEXT)
    names = [item.name for item in open_inputs(tmp_path, ArchiveLimits()) if isinstance(item, InputFile)]
    assert names == ["cowrie.json.2025-01-01", "misnamed.gz"]


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_members_of_a_tar_archive_are_streams_with_a_label(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "outer.tar"
    path.write_bytes(tar_of([("inner/cowrie.json", TEXT), ("b.gz", gzip.compress(b"b"))], mode))
    contents, skipped = read_all(path)
    assert contents == {"!inner/cowrie.json": TEXT, "!b.gz": b"b"}
    assert skipped == []


def test_archives_inside_archives_are_walked_to_the_allowed_depth(tmp_path: Path) -> None:
    path = tmp_path / "nest.zip"
    path.write_bytes(zip_of([("a.tar", tar_of([("b.zip", zip_of([("c.json", TEXT)]))]))]))
    assert read_all(path)[0] == {"!a.tar!b.zip!c.json": TEXT}
    contents, skipped = read_all(path, ArchiveLimits(max_depth=2))
    assert contents == {}
    assert [item.reason for item in skipped] == ["archive_limit"]
    assert "max_depth" in str(skipped[0].error)


def test_members_that_nobody_reads_do_not_disturb_the_next(tmp_path: Path) -> None:
    path = tmp_path / "x.tgz"
    path.write_bytes(tar_of([("a", b"a" * 3_000_000), ("b", b"b")], "w:gz"))
    found = [item for item in open_inputs(path, ArchiveLimits()) if isinstance(item, InputFile)]
    assert [item.name for item in found] == ["a", "b"]


def test_a_workbook_is_one_file(tmp_path: Path) -> None:
    book = zip_of([("[Content_Types].xml", b"<Types/>"), ("xl/workbook.xml", b"<workbook/>")])
    (tmp_path / "found.xlsx").write_bytes(book)
    (tmp_path / "packed.zip").write_bytes(zip_of([("found.xlsx", book)]))
    contents, _ = read_all(tmp_path)
    assert contents == {"/found.xlsx": book, "/packed.zip!found.xlsx": book}


def test_what_is_no_file_is_skipped_and_said_and_the_rest_is_read_in_order(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a_pipe")
    (tmp_path / "b.json").write_bytes(TEXT)
    (tmp_path / "c_dangling").symlink_to("nowhere")
    (tmp_path / "d_loop").symlink_to("d_loop")
    (tmp_path / "e_dir").mkdir()
    (tmp_path / "e_dir" / "f.json").write_bytes(b"f")
    (tmp_path / "e_dir" / "up").symlink_to(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        directory = os.open(tmp_path, os.O_RDONLY)
        try:
            server.bind(f"/proc/self/fd/{directory}/g_socket")  # the path itself may be too long for a socket
        finally:
            os.close(directory)
        contents, skipped = read_all(tmp_path)
    assert list(contents) == ["/b.json", "/e_dir/f.json"]
    assert [item.reason for item in skipped] == ["fifo", "dangling_link", "link_loop", "link_loop", "socket"]


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_inputs(tmp_path / "missing", ArchiveLimits())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_of_a_truncated_file_the_sound_beginning_is_read(tmp_path: Path, pack: object) -> None:
    noise = b"".join(struct.pack("<Q", number * 0x9E3779B97F4A7C15 % 2**64) for number in range(300_000))
    packed = pack(noise)  # type: ignore[operator]
    path = tmp_path / "cut"
    path.write_bytes(packed[: len(packed) * 2 // 3])
    item, told = open_and_read(path)
    assert noise.startswith(item[0])
    assert len(item[0]) > 300_000
    assert told[0].reason == "damaged_input"
    assert f"byte {len(item[0])}" in str(told[0].error)


def open_and_read(path: Path) -> tuple[list[bytes], list[SkippedInput]]:
    contents, skipped = read_all(path)
    return list(contents.values()), skipped


def test_a_truncated_tar_gz_keeps_its_sound_members_and_is_told_once(tmp_path: Path) -> None:
    noise = os.urandom(400_000)
    packed = tar_of([("a", TEXT), ("b", noise)], "w:gz")
    path = tmp_path / "cut.tgz"
    path.write_bytes(packed[: len(packed) // 2])
    contents, skipped = read_all(path)
    assert contents["!a"] == TEXT
    assert noise.startswith(contents["!b"])
    assert [item.reason for item in skipped] == ["damaged_input"]


def test_rubbish_behind_compressed_data_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.gz").write_bytes(gzip.compress(TEXT) + b"rubbish that is no gzip member")
    contents, skipped = read_all(tmp_path)
    assert contents == {"/x.gz": TEXT}
    assert [item.reason for item in skipped] == ["damaged_input"]


@pytest.mark.parametrize("kind", ["gz", "zip"])
def test_a_bomb_stops_at_the_ratio_and_names_the_setting(tmp_path: Path, kind: str) -> None:
    limits = ArchiveLimits(max_ratio=50, ratio_floor_bytes=1 << 20)
    zeros = bytes(30_000_000)
    (tmp_path / "bomb").write_bytes(gzip.compress(zeros) if kind == "gz" else zip_of([("zeros", zeros)]))
    contents, skipped = read_all(tmp_path, limits)
    assert 0 < len(next(iter(contents.values()))) < 4_000_000
    assert skipped[0].reason == "archive_limit"
    assert "max_ratio" in str(skipped[0].error)


def test_the_total_and_the_number_of_members_are_limited(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    path.write_bytes(zip_of([(f"{number}", TEXT) for number in range(10)]))
    contents, skipped = read_all(path, ArchiveLimits(max_members=4))
    assert len(contents) == 4
    assert "max_members" in str(skipped[-1].error)
    contents, skipped = read_all(path, ArchiveLimits(max_total_bytes=len(TEXT) * 3))
    assert list(contents.values())[:3] == [TEXT] * 3
    assert "max_total_bytes" in str(skipped[-1].error)


def test_a_tar_header_that_claims_gigabytes_is_not_read_into_memory(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type = tarfile.GNUTYPE_LONGNAME
    info.size = 1 << 31
    path = tmp_path / "evil.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"a" * 4_000_000)
    contents, skipped = read_all(path)
    assert contents == {}
    assert "header is longer" in skipped[0].detail


def test_encrypted_special_and_overlapping_members_are_skipped_and_the_rest_read(tmp_path: Path) -> None:
    raw = bytearray(zip_of([("plain.json", TEXT), ("locked.json", TEXT)]))
    second = raw.rindex(b"PK\x01\x02")
    struct.pack_into("<H", raw, second + 8, 0x1)
    (tmp_path / "locked.zip").write_bytes(raw)
    overlapping = bytearray(zip_of([("a.json", TEXT), ("b.json", TEXT)]))
    struct.pack_into("<I", overlapping, overlapping.rindex(b"PK\x01\x02") + 42, 0)
    (tmp_path / "overlap.zip").write_bytes(overlapping)
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    (tmp_path / "special.tar").write_bytes(target.getvalue())
    contents, skipped = read_all(tmp_path)
    assert contents == {"/locked.zip!plain.json": TEXT}
    reasons = [item.reason for item in skipped]
    assert reasons == ["encrypted", "overlapping_member", "overlapping_member", "special_member"]


def test_member_names_cannot_leave_the_label_or_steer_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "names.tar"
    path.write_bytes(tar_of([("../../etc/passwd", b"1"), ("/abs\x1b[2J.json", b"2"), ("\u202egpj.exe", b"3")]))
    assert list(read_all(path)[0]) == ["!etc/passwd", "!abs\\x1b[2J.json", "!\\x202egpj.exe"]


def test_a_member_is_read_once_and_a_file_on_disk_as_often_as_wanted(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"a"))
    (tmp_path / "b").write_bytes(b"b")
    for item in open_inputs(tmp_path, ArchiveLimits()):
        assert isinstance(item, InputFile)
        with item.open() as stream:
            stream.read()
        if item.name == "a":
            with pytest.raises(InputError, match="twice"):
                item.open()
        else:
            with item.open() as stream:
                assert stream.read() == b"b"
