import html
from typing import Any

import pytest

from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import SearchRequest
from tests.contract.search.adapters import Adapter
from tests.contract.search.conftest import ORGANIZATION, entity, fill, post


def _marked(adapter: Adapter, document: dict[str, Any], text: str, **rest: object) -> dict[str, list[str]]:
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [document]})
    with adapter.view().reader() as reader:
        (hit,) = reader.search(ORGANIZATION, SearchRequest(text=text, highlight=True, **rest)).hits  # type: ignore[arg-type]
    for field, pieces in hit.highlights.items():
        value = document[field]
        for piece in pieces:
            assert any(piece.text in each for each in (value if isinstance(value, list) else [value]))  # verbatim
            assert list(piece.marks) == sorted(piece.marks)
            assert all(0 <= start < end <= len(piece.text) for start, end in piece.marks)
            assert all(a[1] <= b[0] for a, b in zip(piece.marks, piece.marks[1:], strict=False))
    return {field: [piece.marked("«", "»") for piece in pieces] for field, pieces in hit.highlights.items()}


@pytest.mark.parametrize(
    ("text", "content", "expected"),
    [
        ("alice", "So Alice said: alice!", "So «Alice» said: «alice»!"),
        ("run", "He was running and ran", "He was «running» and ran"),
        ("cafe", "Le Café, cafés", "Le «Café», «cafés»"),
        ("harb*", "The harbour, harbinger", "The «harbour», «harbinger»"),
        ("alcie~", "It was Alice", "It was «Alice»"),
        ("alcie@exmaple.org~", "It was alice@example.org", "It was «alice»@«example».«org»"),
        ("example.org", "see www.example.org/x", "see www.«example».«org»/x"),
        ('"red team"', "the red team", "the «red» «team»"),
        ("alice -bob", "alice alone", "«alice» alone"),
        ("alice OR carol", "carol and alice", "«carol» and «alice»"),
        ("content:alice", "alice name", "«alice» name"),
        ("ﬁle", "a file", "a «file»"),
        ("strasse", "die Straße", "die «Straße»"),
    ],
)
def test_found_words_are_marked(adapter: Adapter, text: str, content: str, expected: str) -> None:
    assert _marked(adapter, {**post(content), "language": "en"}, text)["content"] == [expected]


def test_markup_in_documents_stays_text(adapter: Adapter) -> None:
    content = "<script>alert('alice')</script> <b>alice</b> &amp; \ue000alice\ue001 {{alice}} </mark>"
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [post(content)]})
    with adapter.view().reader() as reader:
        (hit,) = reader.search(ORGANIZATION, SearchRequest(text="alice", highlight=True)).hits
    (highlight,) = hit.highlights["content"]
    assert highlight.text == content
    shown = highlight.marked("<mark>", "</mark>", html.escape)
    assert "<script" not in shown
    assert "<b>" not in shown
    assert shown.count("<mark>") == shown.count("</mark>") == 4
    assert html.unescape(shown.replace("<mark>", "").replace("</mark>", "")) == content


def test_only_what_was_asked_is_marked(adapter: Adapter) -> None:
    document = entity("Alice Example", tags=["alice", "other"], platform="alice", content="nothing here")
    marked = _marked(adapter, document, "alice")
    assert marked == {"name": ["«Alice» Example"], "normalized_name": ["«alice» example"], "tags": ["«alice»"]}


def test_fields_are_marked_by_their_own_words(adapter: Adapter) -> None:
    document = entity("Alice", content="alice here")
    assert set(_marked(adapter, document, "name:alice")) == {"name"}


def test_long_texts_give_the_pieces_around_the_words(adapter: Adapter) -> None:
    content = " ".join(["filler"] * 400 + ["needle"] + ["filler"] * 400 + ["needle needle"] + ["filler"] * 5000)
    pieces = _marked(adapter, post(content), "needle")["content"]
    assert len(pieces) == 2
    assert "«needle»" in pieces[0]
    assert "«needle» «needle»" in pieces[1]
    assert all(len(piece) < 300 for piece in pieces)


def test_nothing_is_marked_unless_asked(adapter: Adapter) -> None:
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [entity("Alice")]})
    with adapter.view().reader() as reader:
        assert reader.search(ORGANIZATION, SearchRequest(text="alice")).hits[0].highlights == {}
        assert reader.search(ORGANIZATION, SearchRequest(highlight=True)).hits[0].highlights == {}
