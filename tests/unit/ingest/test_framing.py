import io
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.ingest.archives import ArchiveLimits, InputFile, open_inputs
from clew.ingest.framing import FramedBatch, FramingFault, FramingLimits, Position, frame, sample
from clew.ingest.sources.base import Framing
from clew.kernel.errors import InputError

SMALL = FramingLimits(batch_bytes=64, max_record_bytes=200)


def framed(
    content: bytes, framing: Framing, limits: FramingLimits | None = None, start: Position | None = None
) -> tuple[list[tuple[int, bytes]], list[FramingFault], Position]:
    """(line, record) of every record, the faults, and the last position."""
    return collect(list(frame(io.BytesIO(content), framing, limits or FramingLimits(), start=start or Position())))


def collect(batches: list[FramedBatch]) -> tuple[list[tuple[int, bytes]], list[FramingFault], Position]:
    records = [pair for one in batches for pair in zip(one.batch.lines, one.batch.records, strict=True)]
    expected = 0
    for one in batches:
        assert one.batch.first_record == expected or not one.batch.records
        expected = one.end.record
    return records, [fault for one in batches for fault in one.faults], batches[-1].end


@pytest.mark.parametrize(
    ("content", "records"),
    [
        (b"a\nb\n", [(1, b"a"), (2, b"b")]),
        (b"a\r\nb", [(1, b"a"), (2, b"b")]),
        (b"a\r\n\r\n b\r\n", [(1, b"a"), (3, b" b")]),
        (b"\n\n  \n\t\na", [(5, b"a")]),
        (b"\xef\xbb\xbfa\nb", [(1, b"a"), (2, b"b")]),
        ("\ufeffä\r\n€\n".encode("utf-16-le"), [(1, "ä".encode()), (2, "€".encode())]),
        ("\ufeffä\n😀".encode("utf-16-be"), [(1, "ä".encode()), (2, "😀".encode())]),
        (b"", []),
        (b"\xef\xbb\xbf", []),
        (b"\n", []),
    ],
)
def test_lines_keep_their_number_and_lose_their_end(content: bytes, records: list[tuple[int, bytes]]) -> None:
    for limits in (FramingLimits(), SMALL):
        found, faults, end = framed(content, Framing.LINES, limits)
        assert found == records
        assert faults == []
        assert end.offset == len(content)


@given(st.binary(max_size=300).map(lambda noise: noise.replace(b"\xff", b"\n").replace(b"\xfe", b"\r\n")))
def test_lines_are_the_same_however_they_are_divided(content: bytes) -> None:
    content = b"x" + content  # no byte order mark
    expected = [
        (number, line.removesuffix(b"\r")) for number, line in enumerate(content.split(b"\n"), 1) if line.strip()
    ]
    for batch_bytes in (1, 7, 64, 1 << 20):
        found, faults, end = framed(content, Framing.LINES, FramingLimits(batch_bytes=batch_bytes))
        assert [(line, record.rstrip(b"\r")) for line, record in found] == [
            (line, record.rstrip(b"\r")) for line, record in expected
        ]
        assert not faults
        assert end.offset == len(content)


def test_a_line_that_is_too_long_is_passed_over_and_said() -> None:
    content = b"before\n" + b"x" * 500 + b"\nafter\n" + b"y" * 201 + b"\nlast"
    for batch_bytes in (10, 64, 10_000):
        found, faults, _ = framed(content, Framing.LINES, FramingLimits(batch_bytes=batch_bytes, max_record_bytes=200))
        assert found == [(1, b"before"), (3, b"after"), (5, b"last")]
        assert [(fault.line, fault.offset, fault.reason, fault.is_record) for fault in faults] == [
            (2, 7, "record_too_long", True),
            (4, 514, "record_too_long", True),
        ]


class Endless(io.RawIOBase):
    """So many bytes of one pattern, made as they are read."""

    def __init__(self, size: int, pattern: bytes) -> None:
        super().__init__()
        self._left = size
        self._piece = pattern * ((1 << 20) // len(pattern))

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        size = min(len(view), self._left, len(self._piece))
        view[:size] = self._piece[:size]
        self._left -= size
        return size


@pytest.mark.parametrize("framing", [Framing.LINES, Framing.JSON_VALUES])
@pytest.mark.parametrize(
    ("pattern", "size"), [(b"x", 64 << 20), (b"[", 64 << 20), (b",", 64 << 20), (b'{"a": "', 6 << 20)]
)
def test_one_endless_line_needs_bounded_memory(framing: Framing, pattern: bytes, size: int) -> None:
    limits = FramingLimits(batch_bytes=1 << 20, max_record_bytes=1 << 20)
    stream = io.BufferedReader(Endless(size, pattern))
    tracemalloc.start()
    try:
        faults = [fault for one in frame(stream, framing, limits) for fault in one.faults]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 24 << 20
    assert faults
    assert max(len(fault.content) for fault in faults) <= 64 << 10


def test_an_error_of_the_stream_comes_after_what_was_read() -> None:
    class Breaking(io.BytesIO):
        def read1(self, size: int | None = -1) -> bytes:
            piece = super().read1(size)
            if not piece:
                raise InputError("cut off")
            return piece

    for framing, content in ((Framing.LINES, b"a\nb\nc"), (Framing.JSON_VALUES, b'{"a":1}\n{"b":2}\n{"c":')):
        seen: list[FramedBatch] = []
        with pytest.raises(InputError, match="cut off"):
            seen.extend(frame(Breaking(content), framing, FramingLimits()))
        assert seen == [] or len(seen[0].batch.records) == 3 - (framing is Framing.JSON_VALUES)
        batches = frame(Breaking(content), framing, FramingLimits())
        first = next(batches)
        assert len(first.batch.records) + len(first.faults) == 3
        with pytest.raises(InputError, match="cut off"):
            next(batches)


RECORDS = [{"a": 1, "b": [1, 2]}, {"c": {"d": '}{ \\" ]['}}, {"list": [{"x": 1}, {"y": []}]}, {}]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(map(json.dumps, RECORDS)),
        "".join(map(json.dumps, RECORDS)),
        json.dumps(RECORDS),
        json.dumps(RECORDS, indent=2),
        "\n".join(json.dumps(record, indent=1) for record in RECORDS),
        "[" + ",\n".join(map(json.dumps, RECORDS)) + "]",
        "[\n" + "\n,".join(map(json.dumps, RECORDS)) + "\n]\n",
        "[" + json.dumps(RECORDS) + "]",
        '{"attacks":[\n' + ",\n".join(map(json.dumps, RECORDS)) + "\n]}\n",
        json.dumps({"attacks": RECORDS}),
        json.dumps({"unheard_of": RECORDS}, indent=4),
        json.dumps({"version": 1, "name": "x", "data": RECORDS, "total": 4}),
        json.dumps({"version": 1, "hits": {"total": 4, "hits": RECORDS}}),
        json.dumps({"version": 1, "records": RECORDS, "done": True}, indent=2),
    ],
)
def test_objects_are_found_however_they_are_wrapped(content: str) -> None:
    for encoded in (content.encode(), content.replace("\n", "\r\n").encode(), ("\ufeff" + content).encode("utf-16-le")):
        found, faults, end = framed(encoded, Framing.JSON_VALUES)
        assert [json.loads(record) for _, record in found] == RECORDS
        assert faults == []
        assert end.offset == len(encoded)


def test_a_record_that_holds_a_list_of_objects_is_no_envelope() -> None:
    records = [{"id": 1, "attempts": [{"a": 1}, {"a": 2}]}, {"attempts": [{"a": 3}], "id": 2}]
    content = "\n".join(map(json.dumps, records)).encode()
    found, faults, _ = framed(content, Framing.JSON_VALUES)
    assert [json.loads(record) for _, record in found] == records
    assert faults == []


def test_a_second_list_in_an_envelope_is_not_dropped_silently() -> None:
    found, faults, _ = framed(b'{"data": [{"a": 1}], "errors": [{"b": 2}]}', Framing.JSON_VALUES)
    assert [record for _, record in found] == [b'{"a": 1}']
    assert [(fault.reason, fault.is_record) for fault in faults] == [("ignored_content", False)]


@pytest.mark.parametrize(
    ("content", "lines", "faults"),
    [
        ('[{"a":1},\n,\n{"b":2}\n]', [1, 3], [(2, "broken_separator", False)]),
        ('[{"a":1},\n,\n,\n,{"b":2}\n]', [1, 4], [(2, "broken_separator", False)]),
        ('[{"a":1}\n{"b":2}\n]', [1, 2], [(2, "broken_separator", False)]),
        ('[{"a":1},\n{"b":2},\n]', [1, 2], [(3, "broken_separator", False)]),
        ('{"a":1}\n]\n{"b":2}\n', [1, 3], [(2, "broken_separator", False)]),
        ('[{"a":1},\n{"b":2}', [1, 2], [(2, "unclosed_array", False)]),
        ('{"attacks":[\n{"a":1}\n]\n{"attacks":[\n{"b":2}\n]}', [2, 5], [(4, "broken_separator", False)]),
        ('[{"a":1}]\n[{"b":2}]', [1, 2], []),
        ('{"a":1}\n{"cut": "of\n{"b":2}\n', [1, 3], [(2, "truncated_json", True)]),
        ('{"a":1}\n{"cut": {"x":1}\n{"b":2}\n', [1, 3], [(2, "truncated_json", True)]),
        ('{"a":1}\n{"cut":\n{"b":2}\n', [1, 3], [(2, "truncated_json", True)]),
        ('{"a":1}\n{"b":2}\n{"cut": [1, 2', [1, 2], [(3, "truncated_json", True)]),
        ('{"a":1}\nrubbish here\nand here\n{"b":2}\n', [1, 4], [(2, "invalid_json", True)]),
        ('{"a":1}rubbish{"b":2}\nmore', [1, 1], [(1, "invalid_json", True), (2, "invalid_json", True)]),
        ('[{"a":[1}, {"b":2}]', [1], [(1, "invalid_json", True)]),
        ('{\n "a": 1,\n "b": {\n\n{"c": 1}\n{"d": 2}\n', [5, 6], [(1, "truncated_json", True)]),
        ('\x00\x01\x02\n{"b":2}\n', [2], [(1, "invalid_json", True)]),
    ],
)
def test_every_broken_place_is_told_once_and_every_sound_record_found(
    content: str, lines: list[int], faults: list[tuple[int, str, bool]]
) -> None:
    found, told, end = framed(content.encode(), Framing.JSON_VALUES)
    assert [line for line, _ in found] == lines
    assert all(isinstance(json.loads(record), dict) for _, record in found)
    assert [(fault.line, fault.reason, fault.is_record) for fault in told] == faults
    for fault in told:
        assert content.encode()[fault.offset : fault.offset + 20].startswith(fault.content[:20])
    assert end.offset == len(content.encode())


def test_too_long_and_too_deep_objects_are_passed_over() -> None:
    deep = '{"a":' * 300 + "1" + "}" * 300
    long = json.dumps({"x": "}" * 5000 + '"'})
    content = f'{{"a":1}}\n{deep}\n{{"b":2}}\n{long}\n[{long}, {{"c":3}}]'.encode()
    found, faults, _ = framed(content, Framing.JSON_VALUES, FramingLimits(batch_bytes=10, max_record_bytes=4000))
    assert [record for _, record in found] == [b'{"a":1}', b'{"b":2}', b'{"c":3}']
    assert [(fault.line, fault.reason, fault.length) for fault in faults] == [
        (2, "too_deep", len(deep)),
        (4, "record_too_long", len(long)),
        (5, "record_too_long", len(long)),
    ]
    bottomless = b"[" * 1_000_000
    assert len(framed(bottomless, Framing.JSON_VALUES)[1]) == 2


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(st.dictionaries(st.text(max_size=5), json_values, max_size=3), max_size=6),
    st.sampled_from([None, 1]),
    st.sampled_from(["\n", " ", ",\n"]),
    st.booleans(),
)
def test_whatever_is_written_is_found_again(
    records: list[dict[str, object]], indent: int | None, separator: str, ascii_only: bool
) -> None:
    content = separator.join(json.dumps(one, indent=indent, ensure_ascii=ascii_only) for one in records).encode()
    found, faults, _ = framed(content, Framing.JSON_VALUES)
    rebuilt = [json.loads(record) for _, record in found]
    if rebuilt != records:  # a list of objects as first member makes an envelope of a first record on many lines
        assert indent
        assert _starts_with_objects(records[0])
    else:
        assert faults == []


def _starts_with_objects(record: dict[str, object]) -> bool:
    first = next(iter(record.values()), None)
    if isinstance(first, dict):
        return _starts_with_objects(first)
    return isinstance(first, list) and bool(first) and isinstance(first[0], dict)


@given(st.binary(max_size=400))
def test_no_bytes_break_the_framing(content: bytes) -> None:
    for noise in (content, b'[{"a":' + content + b'}\n{"b":1}\n'):
        _, _, end = framed(noise, Framing.JSON_VALUES, SMALL)
        assert end.offset == len(noise)


@pytest.mark.parametrize("framing", [Framing.LINES, Framing.JSON_VALUES])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_reading_can_go_on_behind_any_batch(framing: Framing, encoding: str) -> None:
    lines = [json.dumps({"number": number, "text": "ä€😀"}, ensure_ascii=False) for number in range(40_000)]
    text = "[\n" + ",\n".join(lines) + "\n]\n" if framing is Framing.JSON_VALUES else "\n".join(lines)
    content = text.encode(encoding)
    limits = FramingLimits(batch_bytes=100_000)
    whole = framed(content, framing, limits)
    batches = list(frame(io.BytesIO(content), framing, limits))
    assert len(batches) > 1
    for stop in range(1, len(batches)):
        end = batches[stop - 1].end
        before = collect(batches[:stop])[0]
        rest = list(frame(io.BytesIO(content[end.offset :]), framing, limits, start=end))
        assert rest[0].batch.first_record == len(before)
        records = [pair for one in rest for pair in zip(one.batch.lines, one.batch.records, strict=True)]
        assert before + records == whole[0]
        assert rest[-1].end == whole[2]
        assert not any(one.faults for one in rest)


def test_a_document_is_one_record_or_one_fault() -> None:
    found, faults, end = framed(b"a\nb", Framing.DOCUMENT)
    assert (found, faults, end.offset) == ([(1, b"a\nb")], [], 3)
    found, faults, _ = framed(b"x" * 11, Framing.DOCUMENT, FramingLimits(max_document_bytes=10))
    assert found == []
    assert [(fault.reason, fault.is_record) for fault in faults] == [("document_too_large", True)]
    assert list(frame(io.BytesIO(b""), Framing.DOCUMENT, FramingLimits(), start=end)) == []


def test_a_sample_holds_the_first_line_unless_that_is_longer_than_a_mebibyte() -> None:
    long = b"x" * 100_000 + b"\n" + b"y" * 200_000
    head = sample(io.BytesIO(long))
    assert long.startswith(head)
    assert b"\n" in head
    assert len(head) <= 131_072
    assert len(sample(io.BytesIO(b"x" * (3 << 20)))) == 1 << 20
    assert sample(io.BytesIO(b"x" * 100_000)) == b"x" * 100_000


def test_a_sample_is_the_first_64_kibibytes() -> None:
    assert sample(io.BytesIO(b"x\n" * 100_000)) == b"x\n" * 32_768
    assert sample(io.BytesIO(b"short")) == b"short"


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "records", "broken"),
    [("dioneae_20k", 20_799, 29), ("honeytrap_5k", 4_999, 0), ("heralding_82k_raw", 82_393, 0)],
)
def test_real_files_are_framed_to_the_last_record(realdata: Path, name: str, records: int, broken: int) -> None:
    (item,) = (
        (list(frame(one.open(), Framing.JSON_VALUES, FramingLimits(batch_bytes=1 << 20))))
        for one in open_inputs(realdata / "honeypot" / f"{name}.json.tar.gz", ArchiveLimits())
        if isinstance(one, InputFile)
    )
    assert item[-1].end.record == sum(len(one.batch.records) for one in item) == records
    faults = [fault for one in item for fault in one.faults]
    assert [fault.reason for fault in faults] == ["broken_separator"] * broken
    assert not any(fault.is_record for fault in faults)
    assert len({fault.line for fault in faults}) == broken
