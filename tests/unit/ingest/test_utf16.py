"""What a shell wrote as UTF-16 is read as what the tool wrote, whichever tool it was."""

import codecs
import io
from pathlib import Path

import pytest

from clew.ingest.facts import Facts
from clew.ingest.framing import FramingLimits, frame, sample, sample_of
from clew.ingest.recognition import recognise
from clew.ingest.sources.base import ReadContext
from tests.support.tool_reports import FIXTURES

MARKS = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}


def text_of(path: Path) -> str | None:
    """What is in a fixture; None where it is no plain text, or its own reader does not know it by itself."""
    data = path.read_bytes()
    if b"encoding='" in data[:100] or recognise(sample_of(path.name, data)) is None:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None


TEXTS = {
    f"{path.parent.name}/{path.name}": text
    for path in sorted(FIXTURES.glob("*/*"))
    if path.is_file() and path.suffix != ".md" and (text := text_of(path)) is not None
}


def read(name: str, data: bytes) -> tuple[str, str, list[Facts]]:
    """Who reads it, in which variant, and what was read."""
    found = recognise(sample_of(name, sample(io.BytesIO(data))))
    assert found is not None
    source, claim = found
    context = ReadContext(name, claim.variant)
    batches = [each.batch for each in frame(io.BytesIO(data), claim.framing, FramingLimits())]
    return source.name, claim.variant, [source.read(batch, context) for batch in batches if batch.records]


@pytest.mark.parametrize("fixture", TEXTS)
@pytest.mark.parametrize("encoding", MARKS)
def test_the_same_is_read(fixture: str, encoding: str) -> None:
    name, text = fixture.rpartition("/")[2], TEXTS[fixture]
    plain = read(name, text.encode())
    wide = read(name, MARKS[encoding] + text.encode(encoding))
    assert wide[:2] == plain[:2]
    assert [facts.mentions.rows() for facts in wide[2]] == [facts.mentions.rows() for facts in plain[2]]
    assert [facts.events.rows() for facts in wide[2]] == [facts.events.rows() for facts in plain[2]]
    assert [facts.rejects.rows() for facts in wide[2]] == [facts.rejects.rows() for facts in plain[2]]


def test_there_are_files_of_most_tools() -> None:
    assert len({fixture.partition("/")[0] for fixture in TEXTS}) >= 15
