"""Nothing that comes from outside can steer a terminal, and what is shown still can be read."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.cli import output
from clew.kernel.errors import NotFoundError

STEERING = {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(st.characters()))
def test_no_steering_character_is_shown(text: str) -> None:
    left = {unicodedata.category(character) for character in output.shown(text) if character not in "\u200c\u200d"}
    assert left.isdisjoint(STEERING)


@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])))
def test_ordinary_text_is_shown_as_it_is(text: str) -> None:
    assert output.shown(text) == text


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_json_means_what_it_meant_and_steers_nothing(document: object) -> None:
    text = output.json_text({"key": document})
    assert json.loads(text) == {"key": document}
    assert all(unicodedata.category(each) not in STEERING or each in "\n\u200c\u200d" for each in text)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x1b]8;;http://192.0.2.1\x07link", r"\x1b]8;;http://192.0.2.1\x07link"),
        ("\x9b2J", r"\x9b2J"),
        ("over\rwritten", r"over\rwritten"),
        ("two\nlines", r"two\nlines"),
        ("exe\u202egpj.", r"exe\u202egpj."),
        ("\U000e0041", r"\U000e0041"),
        ("\udc9b", r"\udc9b"),
        ("می\u200cخواهم 👩\u200d💻", "می\u200cخواهم 👩\u200d💻"),
    ],
)
def test_escapes_say_what_was_there(written: str, expected: str) -> None:
    assert output.shown(written) == expected


def test_markup_and_emoji_codes_are_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "[red]a[/red] [/] [link=http://192.0.2.1]b[/link] :skull: \\[c]"
    output.line(hostile)
    output.heading(hostile)
    output.pairs({hostile: hostile})
    output.table(("Name",), [(hostile,)])
    written = capsys.readouterr().out
    assert written.count(hostile) == 5
    assert "\x1b" not in written


def test_values_are_written_as_people_write_them() -> None:
    moment = datetime(2025, 3, 10, 2, 0, tzinfo=timezone(timedelta(hours=1)))
    assert output.shown(moment) == "2025-03-10 01:00:00 UTC"
    assert output.shown(None) == "–"
    assert output.shown(["a", True, {"b": None}]) == "a, yes, b=–"


def test_json_has_types_of_the_record() -> None:
    document = {
        "id": UUID(int=1),
        "at": datetime(2025, 3, 10, tzinfo=UTC),
        "confidence": Decimal("0.50"),
        "flags": frozenset({"b", "a"}),
    }
    assert json.loads(output.json_text(document)) == {
        "id": "00000000-0000-0000-0000-000000000001",
        "at": "2025-03-10T00:00:00Z",
        "confidence": 0.5,
        "flags": ["a", "b"],
    }
    with pytest.raises(TypeError, match="no JSON for object"):
        output.json_text(object())


def test_long_cells_are_cut_and_never_folded_away_from_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("Name", "Line"), [("x" * 1000, 7), ("short", 12345)], right=(1,))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].split() == ["x" * (output.LONGEST_CELL - 1) + "…", "7"]


def test_an_error_says_what_where_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    error = NotFoundError("no such thing \x1b[2J", where="here", remedy="first this\nthen that")
    output.print_error(error, as_json=False)
    assert capsys.readouterr().err.splitlines() == [
        r"error: no such thing \x1b[2J",
        "  where: here",
        "  do: first this",
        "      then that",
    ]
    output.print_error(error, as_json=True)
    written = capsys.readouterr()
    assert written.out == ""
    assert json.loads(written.err)["error"] == {
        "code": "not_found",
        "message": "no such thing \x1b[2J",
        "where": "here",
        "remedy": "first this\nthen that",
    }
