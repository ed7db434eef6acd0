"""The JSON report is one document, written piece by piece, that steers no terminal."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.reporting.json_document import encoded, write_document


def written(members: dict[str, Any], lists: dict[str, Any]) -> str:
    pieces: list[str] = []
    write_document(members, lists, pieces.append)
    return "".join(pieces)


def test_members_and_lists_in_their_order() -> None:
    text = written({"a": 1, "b": None}, {"none": [], "some": iter([{"x": 1}, {"x": 2}])})
    assert json.loads(text) == {"a": 1, "b": None, "none": [], "some": [{"x": 1}, {"x": 2}]}
    assert list(json.loads(text)) == ["a", "b", "none", "some"]


def test_entries_are_written_as_they_come() -> None:
    pieces: list[str] = []

    def entries() -> Any:
        for number in range(3):
            assert sum(piece.count('"n"') for piece in pieces) == number
            yield {"n": number}

    write_document({}, {"entries": entries()}, pieces.append)
    assert [each["n"] for each in json.loads("".join(pieces))["entries"]] == [0, 1, 2]


def test_values_of_the_record() -> None:
    at = datetime(2025, 3, 9, 13, tzinfo=timezone(timedelta(hours=1)))
    values = json.loads(encoded({"id": UUID(int=1), "at": at, "confidence": Decimal("0.50"), "flags": ("a",)}))
    assert values == {"id": str(UUID(int=1)), "at": "2025-03-09T12:00:00Z", "confidence": 0.5, "flags": ["a"]}
    assert datetime.fromisoformat(values["at"]) == at.astimezone(UTC)


def test_what_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encoded(float("nan"))
    with pytest.raises(TypeError):
        encoded(object())


@given(st.text())
def test_any_text_is_kept_and_written_in_printable_ascii(text: str) -> None:
    line = encoded({"text": text})
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == {"text": text}
