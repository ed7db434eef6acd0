"""Whatever JSON is in a document comes back as it was."""

import random
import string
from typing import Any

import pytest

from clew.projections.documents.port import DocumentRequest, Is
from tests.contract.documents.conftest import ENRICHED, Adapter


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = {"in": [value]}
    return value


@pytest.mark.parametrize(
    "data",
    [
        {"$where": "sleep(1000)", "$set": {"$gt": 1}, "a.b.c": {".": {"..": 1}}, "%": "%25", "%24": 1, "%int": "5"},
        {"%json": "{}", "%zstd": "x", "%size": 1, "_id": "x", "organization_id": "y", "at": 5},
        {"": {"": ""}, " ": "\t\n", "é": "é", "🦉": "🦉" * 1000, "ключ": "значение", "\u202e": "right to left"},
        {"integers": [0, -1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 2**64 - 1]},
        {"numbers": [0.0, -0.0, 1.0, 1e-300, 1.7976931348623157e308, 0.1, 1e16]},
        {"empty": [{}, [], "", None, False, True]},
        {"$oid": "507f1f77bcf86cd799439011", "$date": "2025-03-09T12:00:00Z", "$uuid": "x", "$binary": {"base64": ""}},
        {"deep": nested(45)},
        {"deeper": nested(95)},
        {f"key {number}": number for number in range(2000)},
        {"long": "x" * 2_000_000},
        [],
        [{"a": 1}],
        "text",
        5,
        None,
    ],
    ids=lambda data: str(data)[:24],
)
def test_comes_back_as_it_was(adapter: Adapter, data: Any) -> None:
    assert adapter.stored(data) == data


def test_what_is_larger_than_an_engine_takes_comes_back_all_the_same(adapter: Adapter) -> None:
    words = ["".join(random.choices(string.ascii_lowercase, k=8)) for _ in range(1000)]
    data = {"words": [random.choice(words) for _ in range(2_200_000)]}  # some 24 MB of JSON
    assert adapter.stored(data) == data


def test_odd_keys_can_be_asked_for(adapter: Adapter) -> None:
    adapter.stored({"a.b": {"$c": "here"}, "%": {"": 5}, "$d": 2**64 - 1})
    for path, value in ((("a.b", "$c"), "here"), (("%", ""), 5), (("$d",), 2**64 - 1)):
        assert len(adapter.every(ENRICHED, DocumentRequest((Is(("data", *path), value),)))) == 1
    assert adapter.every(ENRICHED, DocumentRequest((Is(("data", "a", "b", "$c"), "here"),))) == []
