import random
import string
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import DocumentSet, SearchIndex
from clew.projections.search.port import (
    AnyOf,
    Between,
    DateHistogram,
    GeoBox,
    GeoRadius,
    Interval,
    SearchReader,
    SearchRequest,
    Sort,
)
from tests.contract.search.adapters import Adapter
from tests.contract.search.conftest import ORGANIZATION, entity, fill, post

ZONELESS = datetime(2024, 1, 1)  # noqa: DTZ001 - on purpose
BOUND_SECONDS = 10.0  # not a measurement: what hangs or grows with the text takes minutes


@pytest.fixture(scope="module")
def reader(shared_adapter: Adapter) -> Iterator[SearchReader]:
    chance = random.Random(1)
    documents = [entity("".join(chance.choices(string.ascii_lowercase, k=12))) for _ in range(2000)]
    documents += [post(" ".join("".join(chance.choices("ab", k=9)) for _ in range(30))) for _ in range(200)]
    fill(shared_adapter.view(), {DocumentSet.OSINT_ENTITIES: documents})
    with shared_adapter.view().reader() as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a" * 1_000_000, "1,000,000 characters"),
        ("a " * 500_000, "characters"),
        ("(" * 1_000_000, "characters"),
        ("(" * 1_900 + "a" + ")" * 50, "levels"),
        ("-" * 1_900 + "a", "levels"),
        ("NOT " * 400 + "a", "levels"),
        ("a " * 900, "more than 64 words"),
        ("a OR " * 300 + "b", "more than 64 words"),
        ("alice~3", "at most 2 letters"),
        ("alice~99999999999999999999999999", "at most 2 letters"),
        ("ab~", "too short"),
        ('"open', "not closed"),
        ("(open", "not closed"),
        ("close)", "without an opening"),
        ("name:", None),
        ("name:(a)", "needs a value"),
        ("risk_score:many", "whole number"),
        ("risk_score:99999999999999999999", "whole number|integer"),
        ("confidence:x", "float"),
        ("first_seen:yesterday", "no day"),
        ("first_seen:2024-13", "no day"),
        ("location:x", "cannot be looked for"),
        ("properties:x", "cannot be looked for"),
        ("!!! ... ~~~ ***", "no word"),
        ("*", "no word"),
        ("()", "no word"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_texts_that_cannot_be_asked_say_what_and_where(reader: SearchReader, text: str, says: str | None) -> None:
    began = time.monotonic()
    if says is None:
        reader.search(ORGANIZATION, SearchRequest(text=text))
    else:
        with pytest.raises(SearchQueryError, match=says) as caught:
            reader.search(ORGANIZATION, SearchRequest(text=text))
        assert str(caught.value.where).startswith("text")
        assert caught.value.remedy
    assert time.monotonic() - began < BOUND_SECONDS


@pytest.mark.parametrize(
    "text",
    [
        "(a+)+$",
        "/(a|a)*b/",
        ".*.*.*.*.*.*x",
        "a{1000000}",
        "[a-z]*[a-z]*[a-z]*!",
        "a" * 1_999,
        "ab" * 900 + "*",
        "a" * 64 + "~2",
        "a* b* c* d* e* f*",
        "ababababa~2 " * 30,
        '"' + "ab " * 600 + '"',
        "\u0301" * 1_900,
        "e" + "\u0301" * 1_900,
        "\u202e\u200b\ufeffalice",
        "\ud800\udfff",
        "a\x00b",
        "ﷺ" * 1_900,
        "𒐪" * 900,
        "東" * 1_900,
        "xn--" + "a" * 1_900,
        "xn--\x80",
        "xn--a-ecp.ru xn--0",
        "::ffff:0.0.0.0",
        "1.2.3.4.5.6.7.8" * 100,
        "~",
        "~~2",
        "-",
        "- -",
        "OR",
        "AND",
        "NOT",
        "OR OR OR",
        "AND AND x",
        "x OR",
        "NOT NOT x",
        '""',
        '"" x',
        "x:y:z",
        "name:name:x",
        "https://x.example/a?b=c&d=e#f",
        "C:\\Users\\x",
        "a AND",
        "(a) OR (b)",
        "x~0",
        "name:*x",
        "tags:*",
        " \t\r\n\v\f\u2028 x",
        "id:x",
        "id:*",
        "source_entity_id:\x00*",
    ],
    ids=lambda value: ascii(value)[:24],
)
@pytest.mark.parametrize("fuzzy", [0, 2])
def test_strange_texts_are_answered_or_refused_in_bounded_time(reader: SearchReader, text: str, fuzzy: int) -> None:
    began = time.monotonic()
    request = SearchRequest(text=text, fuzzy=fuzzy, highlight=True, facets=("entity_type",))
    with suppress(SearchQueryError):
        reader.search(ORGANIZATION, request)
    reader.suggest(ORGANIZATION, text)
    assert time.monotonic() - began < BOUND_SECONDS


@given(text=st.text(max_size=60) | st.text(alphabet='ab():"*~-OR AND NOT:._@/\\\x00é東', max_size=60))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered_or_refused(reader: SearchReader, text: str) -> None:
    for fuzzy in (0, 1):
        with suppress(SearchQueryError):
            reader.search(ORGANIZATION, SearchRequest(text=text, fuzzy=fuzzy, highlight=True))
    reader.suggest(ORGANIZATION, text)


@pytest.mark.parametrize(
    "fields",
    [
        {"limit": -1},
        {"limit": 1001},
        {"fuzzy": 3},
        {"fuzzy": -1},
        {"facets": ("content",)},
        {"facets": ("nothing",)},
        {"facets": ("_doc",)},
        {"facets": ("tags",) * 17},
        {"facets": ("tags",), "facet_size": 0},
        {"facets": ("tags",), "facet_size": 10_000_000},
        {"stats": ("tags",)},
        {"stats": ("_lo",)},
        {"sort": (Sort("tags"),)},
        {"sort": (Sort("_tie"),)},
        {"histogram": DateHistogram(Interval.DAY, "risk_score")},
        {"histogram": DateHistogram(Interval.DAY, "_hi")},
        {"filters": (AnyOf("content", ("x",)),)},
        {"filters": (AnyOf("_id", ("x",)),)},
        {"filters": (AnyOf("risk_score", ("x",)),)},
        {"filters": (AnyOf("risk_score", (2**70,)),)},
        {"filters": (AnyOf("tags", ("x",) * 10_001),)},
        {"filters": (Between("tags", "a", "b"),)},
        {"filters": (Between("risk_score"),)},
        {"filters": (Between("risk_score", float("nan")),)},
        {"filters": (Between("confidence", float("inf")),)},
        {"filters": (Between("first_seen", "soon"),)},
        {"filters": (Between("first_seen", ZONELESS),)},
        {"since": ZONELESS},
        {"until": ZONELESS},
        {"within": GeoRadius(91, 0, 1)},
        {"within": GeoRadius(0, 181, 1)},
        {"within": GeoRadius(0, 0, -1)},
        {"within": GeoRadius(float("nan"), 0, 1)},
        {"within": GeoRadius(0, 0, float("inf"))},
        {"within": GeoBox(10, 0, -10, 1)},
        {"within": GeoBox(-91, 0, 0, 0)},
        {"within": GeoRadius(0, 0, 1), "index": SearchIndex.ATTACKS},
        {"index": SearchIndex.ATTACKS, "filters": (AnyOf("source_ip", ("nowhere",)),)},
        {"index": SearchIndex.ATTACKS, "filters": (Between("source_ip", "nowhere"),)},
    ],
    ids=str,
)
def test_requests_that_cannot_be_asked_say_so(reader: SearchReader, fields: dict[str, Any]) -> None:
    with pytest.raises(SearchQueryError) as caught:
        reader.search(ORGANIZATION, SearchRequest(**fields))
    assert caught.value.where
    assert caught.value.remedy
