"""A Cowrie log that `jq`, or an export, wrote anew as an array or indented is read as its lines are."""

import io
import json

import pytest

from clew.ingest.facts import Facts
from clew.ingest.framing import FramingLimits, frame, sample_of
from clew.ingest.recognition import recognise
from clew.ingest.sources.base import ReadContext

EVENTS = [
    {
        "eventid": f"cowrie.{kind}",
        "src_ip": "203.0.113.5",
        "session": f"ab{number:06x}",
        "timestamp": f"2026-10-01T00:{number:02d}:00.000000Z",
        "message": "two\nlines, [a bracket and a \u2028 separator",
        "sensor": "hp1",
        "input": "echo '}\r\n'",
    }
    for number, kind in enumerate(["session.connect", "login.failed", "command.input", "session.closed"])
]
LINES = "".join(f"{json.dumps(event)}\n" for event in EVENTS)


def read(text: str) -> Facts:
    found = recognise(sample_of("cowrie.json", text.encode()))
    assert found is not None
    source, claim = found
    assert source.name == "cowrie"
    (framed,) = frame(io.BytesIO(text.encode()), claim.framing, FramingLimits())
    assert not framed.faults
    return source.read(framed.batch, ReadContext("cowrie.json", claim.variant))


@pytest.mark.parametrize(
    "copy",
    [
        json.dumps(EVENTS),
        json.dumps(EVENTS, indent=2),
        json.dumps(EVENTS, indent="\t", ensure_ascii=False).replace("\n", "\r\n"),
        "\ufeff\n" + json.dumps(EVENTS, indent=0),
        "[\n" + LINES.strip().replace("\n", "\n,\n") + "\n]\n",
        "\n".join(json.dumps(event, indent=2) for event in EVENTS),
        LINES.replace("}\n", "},\n"),
    ],
)
def test_a_copy_says_what_its_lines_say(copy: str) -> None:
    lines, facts = read(LINES), read(copy)
    assert facts.rejects.is_empty()
    assert facts.events.rows() == lines.events.rows()
    assert facts.mentions.rows() == lines.mentions.rows()


def test_an_array_of_something_else_is_not_cowries() -> None:
    mixed = json.dumps([*EVENTS, {"eventid": "other"}])
    found = recognise(sample_of("x.json", mixed.encode()))
    assert found is None or found[0].name != "cowrie"
