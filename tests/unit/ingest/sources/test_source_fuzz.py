"""Damaged reports: whatever happens to the bytes, no reader raises and every record is kept or rejected, once.

The fixtures of every source are mutated (a source joins by having a folder in tests/fixtures) and read the way the
loader does: recognised, cut by the real framing, read batch by batch.
"""

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from clew.ingest.facts import Facts
from clew.ingest.framing import FramingLimits, frame
from clew.ingest.sources.base import Framing, ItemKind, ReadContext, RecordBatch, Source
from clew.ingest.sources.mapped import MAPPING, recognise_mapped
from clew.ingest.sources.mapping_file import mapping_of
from clew.ingest.sources.registry import SOURCES
from tests.support.tool_reports import FIXTURES, sample

SEED = 20260401
LIMITS = FramingLimits(batch_bytes=1 << 16, max_record_bytes=1 << 20, max_document_bytes=1 << 22)
TOKENS = (
    b'"', b"'", b"{", b"}", b"[", b"]", b"<", b">", b"&", b"&#0;", b"&x;", b"</", b"/>", b"<!--", b"]]>", b"<![CDATA[",
    b"\n", b"\r", b"\n\n", b"\t", b",", b";", b":", b"\\", b"\\u0000", b"\\ud800", b"\0", b"\xff\xfe", b"\xef\xbb\xbf",
    b"\xc3", b"\xed\xa0\x80", b"null", b"true", b"NaN", b"-1", b"1e400", b"9" * 400, b"0" * 5000, b"[" * 300,
    b'{"a":' * 300, b"<a>" * 80, b"\x1b[31m", b" --> ", b"0000-00-00T00:00:00", b"99999-12-31 24:60:61", b"::ffff:0:0",
    b'<!ENTITY a "b">', b'<!DOCTYPE x [<!ENTITY a "&a;">]>', b"[]", b"{}", b'""', b"\xe2\x80\xae", b"a" * 3000,
)  # fmt: skip

HEADER = (b"timestamp", b"\xef\xbb\xbftimestamp")  # Heralding's CSV is cut by line, and its header is no record


def fixtures_of(source: Source) -> list[Path]:
    folder = FIXTURES / source.name
    return sorted(path for path in folder.glob("*") if path.is_file() and path.suffix not in {".md", ".toml"})


FUZZED = [source for source in SOURCES if fixtures_of(source)]


def test_every_reader_of_tool_results_has_fixtures() -> None:
    assert [source.name for source in SOURCES if source.kind is ItemKind.RESULTS and not fixtures_of(source)] == []


@pytest.mark.parametrize("source", FUZZED, ids=lambda source: source.name)
def test_whole_fixtures_account_for_every_record(source: Source) -> None:
    for path in fixtures_of(source):
        check(source, path, path.read_bytes(), path.read_bytes())


@pytest.mark.parametrize("source", FUZZED, ids=lambda source: source.name)
def test_300_damaged_reports_never_crash_and_always_account(source: Source) -> None:
    fuzz(source, 300)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("source", FUZZED, ids=lambda source: source.name)
def test_10000_damaged_reports_never_crash_and_always_account(source: Source) -> None:
    fuzz(source, 10_000)


def fuzz(source: Source, count: int) -> None:
    chance = random.Random(f"{SEED}:{source.name}")
    paths = fixtures_of(source)
    contents = [path.read_bytes() for path in paths]
    for number in range(count):
        path, original = paths[number % len(paths)], contents[number % len(paths)]
        data = mutate(chance, original, contents)
        try:
            check(source, path, data, original)
        except Exception as error:  # noqa: BLE001 – whatever it is, the bytes that did it must be shown
            pytest.fail(f"mutation {number} of {path.name} ({data[:2000]!r}…): {error!r}")


def mutate(chance: random.Random, original: bytes, others: list[bytes]) -> bytes:
    data = bytearray(original)
    for _ in range(chance.choice((1, 1, 2, 3, 6, 12))):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 1, 1, 4, 20, 200)))
        match chance.randrange(8):
            case 0:
                data[start:end] = bytes(chance.randrange(256) for _ in range(end - start))
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = data[start:end] * chance.choice((1, 2, 20))
            case 3 | 4:
                data[start:end] = chance.choice(TOKENS)
            case 5:
                del data[start:]
            case 6:
                other = chance.choice(others)
                at = chance.randrange(len(other) + 1)
                data[start:end] = other[at : at + chance.choice((10, 200, 4000))]
            case _:
                replace_value(chance, data)
    return bytes(data)


def replace_value(chance: random.Random, data: bytearray) -> None:
    """Put something else where a quoted text stands, so that the shape stays whole and the meaning breaks."""
    quotes = [index for index, byte in enumerate(data) if byte == 0x22]
    if len(quotes) > 1:
        at = chance.randrange(len(quotes) - 1)
        with_quotes = chance.random() < 0.5
        token = chance.choice(TOKENS)
        data[quotes[at] : quotes[at + 1] + 1] = b'"%b"' % token if with_quotes else token


def check(source: Source, path: Path, data: bytes, original: bytes) -> None:
    options = options_of(path)
    claim = source.recognise(sample(path.name, data)) or source.recognise(sample(path.name, original))
    if claim is None and MAPPING in options:
        claim = recognise_mapped(mapping_of(options[MAPPING]), sample(path.name, original))[0]
    assert claim is not None, f"{source.name} does not recognise {path.name}"
    for batch in batches(data, claim.framing):
        account(source.read(batch, ReadContext(path.name, claim.variant, options=options)), batch, claim.framing)
    whole = RecordBatch([data], [1], 0)
    account(source.read(whole, ReadContext(path.name, "", options=options)), whole, None)


def options_of(path: Path) -> dict[str, str]:
    """A mapping stands beside the fixture that is read by it."""
    mapping = path.with_suffix(".toml")
    return {MAPPING: mapping.read_text(encoding="utf-8")} if mapping.is_file() else {}


def batches(data: bytes, framing: Framing) -> Iterator[RecordBatch]:
    for framed in frame(io.BytesIO(data), framing, LIMITS):
        if framed.batch.records:
            yield framed.batch


def account(facts: Facts, batch: RecordBatch, framing: Framing | None) -> None:
    """Each record once, as kept or as rejected; facts only of kept ones; nothing that a table could not hold."""
    kept, refused = list(facts.records["record"]), list(facts.rejects["record"])
    seen = sorted(kept + refused)
    if framing in {Framing.LINES, Framing.JSON_VALUES}:
        numbered = enumerate(batch.records, start=batch.first_record)
        assert seen == [number for number, content in numbered if number in seen or not content.startswith(HEADER)]
    else:
        assert seen == list(range(len(seen)))
    for frame_ in (facts.mentions, facts.links, facts.events):
        assert set(frame_["record"]) <= set(kept)
    assert all(reason for reason in facts.rejects["reason"])
    assert all(0 <= confidence <= 1 for confidence in facts.mentions["confidence"])
    mentioned = set(rows_of(facts.mentions, "record", "entity_type", "value", "qualifier"))
    for end in ("source", "target"):
        assert mentioned.issuperset(rows_of(facts.links, "record", f"{end}_type", f"{end}_value", f"{end}_qualifier"))
    storable([text for text in facts.records["content"] if text is not None])
    storable([text for frame_ in (facts.mentions, facts.links) for text in frame_["properties"] if text is not None])


def rows_of(frame_: pl.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Without a query for each, which costs more than what it tells of so few rows."""
    return zip(*(frame_[column].to_list() for column in columns), strict=True)


def storable(texts: list[str]) -> None:
    for text in texts:
        assert isinstance(json.loads(text), dict)
        assert "\0" not in text
        assert "\\u0000" not in text.replace("\\\\", "")
