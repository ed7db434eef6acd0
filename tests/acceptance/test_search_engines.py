"""The sample case searched through the program: in an engine of the user's own as in the data directory."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.engines.marks import ON_SEARCH_ENGINES
from tests.engines.running import running_node
from tests.support.program import Program, set_up_program

pytestmark = [pytest.mark.same_everywhere, pytest.mark.timeout(600)]

QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("lanternk", "--facet", "doc_type", "--highlight"),
    ("lantern", "--type", "domain"),
    ("",),
    ("harbour OR lantern -mail",),
    ('"lantern harbour"', "--facet", "entity_type", "--facet", "platform"),
    ("lantren~", "--facet", "entity_type"),
    ("lant*",),
    ("source_ip:198.51.100.0/24", "--index", "attacks", "--stats", "event_count", "--facet", "attack_type"),
    ("", "--index", "attacks", "--from", "2025-03-10", "--histogram", "hour", "--facet", "port"),
    ("", "--index", "documents", "--facet", "document_type"),
    ("example", "--index", "entities", "--near", "52.5,13.4,5000"),
)


@pytest.fixture(params=ON_SEARCH_ENGINES)
def on_engine(request: pytest.FixtureRequest) -> Iterator[Program]:
    """The sample case in the record of a program whose search view is in an engine."""
    node = running_node(request.param)
    with set_up_program() as program:
        program.environment["CLEW_SEARCH_URL"] = f"{node.url}/sample"
        program.run("demo")
        yield program


def test_the_same_questions_find_the_same(loaded: Program, on_engine: Program) -> None:
    for question in QUESTIONS:
        embedded, engine = (_answer(program, question) for program in (loaded, on_engine))
        assert engine == embedded, question
    suggested = on_engine.json("suggest", "dl.lant")["suggestions"]
    assert suggested[0]["text"] == "dl.lantern-harbour.example"


def test_it_is_told_verified_rebuilt_and_drilled(on_engine: Program) -> None:
    told = {each["name"]: each for each in on_engine.json("doctor")["findings"]}
    assert " ms; " in told["search engine"]["detail"]
    assert told["search view"]["detail"].startswith("elastic, ready, ")
    (verified,) = json.loads(on_engine.run("projection", "verify", "search", "--json").output)
    assert verified["equal"]
    assert on_engine.json("projection", "drill", "search")["equal"]
    rows = on_engine.json("search", "")["total"]
    on_engine.run("projection", "rebuild", "search")
    assert on_engine.json("search", "")["total"] == rows
    on_engine.run("projection", "verify", "search", "--repair")
    off = on_engine.json("search", "lantern", CLEW_SEARCH_URL="")  # back in the data directory, built anew
    assert off["total"] == on_engine.json("search", "lantern")["total"]


def test_what_answers_must_be_an_engine(prepared: Program) -> None:
    unreachable = prepared.error("search", "x", expect=7, CLEW_SEARCH_URL="http://127.0.0.1:9")
    assert unreachable["code"] == "search_engine_unavailable"
    assert "does not answer" in unreachable["message"]
    for url in ("ftp://x", "http://user@host:99999", "http://127.0.0.1:9/a?b=c", "http://127.0.0.1:9/Ümlaut"):
        assert "search_url" in prepared.error("search", "x", expect=3, CLEW_SEARCH_URL=url)["where"].lower()


def _answer(program: Program, question: tuple[str, ...]) -> dict[str, Any]:
    """What does not depend on the record's ids: how many, which, how they are counted."""
    found = program.json("search", *question, "--limit", "1000")
    return {
        "total": found["total"],
        "hits": Counter((hit["type"], hit["name"], str(hit["highlights"])) for hit in found["hits"]),
        **{kind: found[kind] for kind in ("facets", "histogram", "stats")},
    }
