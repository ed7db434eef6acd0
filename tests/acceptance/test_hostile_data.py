"""What an attacker wrote into a log cannot steer the terminal of who reads it."""

import json
import os

import pytest

from tests.support.program import Program

pytestmark = pytest.mark.same_everywhere

CLEAR_SCREEN = "\x1b[2J"
WINDOW_TITLE = "\x1b]0;owned\x07"
C1_SEQUENCE = "\x9b31m"
RIGHT_TO_LEFT = "\u202e"
MARKUP = "[red]not red[/red] [link=http://192.0.2.1]here[/link] :skull:"
COMMAND = f"echo {CLEAR_SCREEN}{WINDOW_TITLE}{C1_SEQUENCE}{RIGHT_TO_LEFT}{MARKUP}"
FORBIDDEN = (CLEAR_SCREEN, WINDOW_TITLE, C1_SEQUENCE, RIGHT_TO_LEFT)


def load_hostile_log(program: Program) -> None:
    common = {
        "session": "cc",
        "timestamp": "2025-03-10T01:02:03.000000Z",
        "src_ip": "192.0.2.66",
        "protocol": "ssh",
        "sensor": "[bold]s[/bold]",
    }
    events = [
        common | {"eventid": "cowrie.session.connect", "src_port": 4242, "dst_ip": "10.77.0.1", "dst_port": 2222},
        common | {"eventid": "cowrie.command.input", "input": COMMAND},
        common | {"eventid": f"cowrie.{CLEAR_SCREEN}", "timestamp": WINDOW_TITLE},
    ]
    log = program.base / f"cowrie {CLEAR_SCREEN}[red].json"
    log.write_text("".join(json.dumps(event) + "\n" for event in events))
    program.run("org", "new", "hostile")
    loaded = program.run("ingest", log, "--org", "hostile")
    assert "2 new" in loaded.output
    assert_harmless(loaded.output + loaded.errors)


def assert_harmless(text: str) -> None:
    for sequence in FORBIDDEN:
        assert sequence not in text


def on_a_terminal(program: Program, *arguments: str) -> str:
    """What the command writes where both outputs are a terminal, colours and all."""
    terminal, other_end = os.openpty()
    process = program.start(*arguments, stdout=other_end, stderr=other_end, TERM="xterm-256color", COLUMNS="200")
    os.close(other_end)
    written = bytearray()
    with open(terminal, "rb", buffering=0) as screen:  # noqa: PTH123  a descriptor, not a path
        while piece := read_terminal(screen.fileno()):
            written += piece
    assert process.wait() == 0
    return written.decode()


def read_terminal(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # how Linux says that nobody has the other end open any more
        return b""


def test_output_is_escaped(loaded: Program) -> None:
    load_hostile_log(loaded)
    card = on_a_terminal(loaded, "show", "192.0.2.66", "--org", "hostile")
    assert_harmless(card)
    assert "\x1b[" in card, "the terminal was not taken for one, so this shows nothing"
    assert r"\x1b[2J\x1b]0;owned\x07\x9b31m\u202e" in card
    assert "[red]not red[/red]" in card
    assert ":skull:" in card
    assert_harmless(on_a_terminal(loaded, "quarantine", "list", "--org", "hostile"))
    result = loaded.run("show", "192.0.2.66", "--org", "hostile", "--json")
    assert_harmless(result.output)
    assert "\x1b" not in result.output
    assert result.document["timeline"][0]["commands"] == [COMMAND]
