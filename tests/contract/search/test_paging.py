import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from clew.projections.search.errors import SearchCursorError
from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import SearchReader, SearchRequest, Sort
from tests.contract.search.adapters import Adapter
from tests.contract.search.conftest import ORGANIZATION, OTHER, entity, fill, ids

_CHANCE = random.Random(4)
DOCUMENTS = [
    entity(
        f"Twin number{number % 5}",
        f"kind{number}",
        risk_score=_CHANCE.choice([None, 0, 1, 2]),
        confidence=_CHANCE.choice([None, 0.5, 0.25]),
        last_seen=f"2024-01-0{number % 3 + 1}T00:00:00.00000{number % 2}Z",
    )
    for number in range(1500)
]
for _document in DOCUMENTS:
    _document["entity_type"] = "person"


@pytest.fixture(scope="module")
def reader(shared_adapter: Adapter) -> Iterator[SearchReader]:
    fill(shared_adapter.view(), {DocumentSet.OSINT_ENTITIES: DOCUMENTS[:700]})
    fill(shared_adapter.view(), {DocumentSet.OSINT_ENTITIES: DOCUMENTS[700:]})
    with shared_adapter.view().reader() as opened:
        yield opened


def _pages(reader: SearchReader, request: SearchRequest) -> list[list[str]]:
    pages = []
    while True:
        result = reader.search(ORGANIZATION, request)
        assert len(result.hits) <= request.limit
        pages.append(ids(result))
        if result.next_cursor is None:
            return pages
        request = replace(request, cursor=result.next_cursor)


def _expected(sort: tuple[Sort, ...]) -> list[str]:
    documents = sorted(DOCUMENTS, key=lambda d: str(d["id"]))
    for each in reversed(sort):
        if each.field == "id":
            documents.sort(key=lambda d: str(d["id"]), reverse=each.descending)
            continue

        def key(document: dict[str, Any], name: str = each.field) -> Any:
            return document[name]

        have = [d for d in documents if d[each.field] is not None]
        documents = sorted(have, key=key, reverse=False) if not each.descending else _descending(have, key)
        documents += [d for d in sorted(DOCUMENTS, key=lambda d: str(d["id"])) if d[each.field] is None]
    return [str(document["id"]) for document in documents]


def _descending(documents: list[dict[str, Any]], key: Any) -> list[dict[str, Any]]:
    return sorted(documents, key=key, reverse=True)  # keeps ids ascending among equals


@pytest.mark.parametrize(
    "sort",
    [
        (Sort("risk_score"),),
        (Sort("risk_score", descending=False),),
        (Sort("confidence", descending=False),),
        (Sort("last_seen"),),
        (Sort("id"),),
        (Sort("id", descending=False),),
    ],
    ids=str,
)
@pytest.mark.parametrize("limit", [7, 400])
def test_pages_by_field_hold_everything_once_in_order(reader: SearchReader, sort: tuple[Sort, ...], limit: int) -> None:
    pages = _pages(reader, SearchRequest(sort=sort, limit=limit))
    assert [identifier for page in pages for identifier in page] == _expected(sort)
    assert all(len(page) == limit for page in pages[:-1])


def test_several_fields_order_one_after_the_other(reader: SearchReader) -> None:
    sort = (Sort("risk_score"), Sort("last_seen", descending=False), Sort("confidence"))

    def key(document: dict[str, Any]) -> tuple[Any, ...]:
        risk, confidence = document["risk_score"], document["confidence"]
        return (
            risk is None,
            -(risk or 0),
            document["last_seen"],
            confidence is None,
            -(confidence or 0),
            document["id"],
        )

    expected = [document["id"] for document in sorted(DOCUMENTS, key=key)]
    assert [one for page in _pages(reader, SearchRequest(sort=sort, limit=13)) for one in page] == expected


@pytest.mark.parametrize("text", ["twin", "number3", "twin -number1", "twin OR number2"])
@pytest.mark.parametrize("limit", [9, 250])
def test_pages_by_rank_hold_everything_once_in_order(reader: SearchReader, text: str, limit: int) -> None:
    request = SearchRequest(text=text, limit=limit)
    whole = reader.search(ORGANIZATION, replace(request, limit=1000))
    seen = [identifier for page in _pages(reader, request) for identifier in page]
    assert len(seen) == len(set(seen)) == whole.total
    assert _pages(reader, request) == _pages(reader, request)


def test_an_empty_request_gives_the_newest_first(reader: SearchReader) -> None:
    hits = reader.search(ORGANIZATION, SearchRequest(limit=1000)).hits
    times = [hit.document["last_seen"] for hit in hits]
    assert times == sorted(times, reverse=True)
    assert {hit.score for hit in hits} == {0.0}


def test_a_page_of_nothing_counts(reader: SearchReader) -> None:
    result = reader.search(ORGANIZATION, SearchRequest(text="twin", limit=0))
    assert (result.total, result.hits, result.next_cursor) == (1500, (), None)


def test_a_cursor_serves_its_own_request_only(reader: SearchReader) -> None:
    request = SearchRequest(text="twin", limit=5)
    cursor = reader.search(ORGANIZATION, request).next_cursor
    assert cursor is not None
    assert len(reader.search(ORGANIZATION, replace(request, cursor=cursor, limit=50, highlight=True)).hits) == 50
    flipped = ("B" if cursor[40] == "A" else "A").join([cursor[:40], cursor[41:]])
    for bad in (
        replace(request, text="number3", cursor=cursor),
        replace(request, sort=(Sort("id"),), cursor=cursor),
        replace(request, entity_types=("person",), cursor=cursor),
        *(replace(request, cursor=text) for text in (flipped, cursor[:-2], "", "x", "é", "A" * 10_000, "\x00")),
    ):
        with pytest.raises(SearchCursorError, match="without it"):
            reader.search(ORGANIZATION, bad)
    with pytest.raises(SearchCursorError):
        reader.search(OTHER, replace(request, cursor=cursor))


@pytest.mark.parametrize(
    "request_",
    [SearchRequest(sort=(Sort("risk_score"),), limit=50), SearchRequest(text="twin", limit=50)],
    ids=["by field", "by rank"],
)
def test_what_stays_is_neither_missed_nor_repeated_while_data_changes(
    adapter: Adapter, request_: SearchRequest
) -> None:
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: DOCUMENTS[:600]})
    chance = random.Random(8)
    with adapter.view().reader() as reader, adapter.view().writer() as writer:
        stay, seen, cursor = {str(d["id"]) for d in DOCUMENTS[:300]}, [], None
        for turn in range(100):
            result = reader.search(ORGANIZATION, replace(request_, cursor=cursor))
            seen += ids(result)
            cursor = result.next_cursor
            if cursor is None:
                break
            changed = chance.sample(DOCUMENTS[300:600], 20)
            writer.remove(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [str(d["id"]) for d in changed[:10]])
            new = [{**document, "risk_score": 1} for document in changed[10:]]
            writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [*new, DOCUMENTS[700 + turn]])
            writer.commit(str(turn))
        assert cursor is None
        kept = [identifier for identifier in seen if identifier in stay]
        assert len(kept) == len(set(kept)) == 300


def test_a_cursor_ends_with_its_generation(adapter: Adapter) -> None:
    view = adapter.view()
    fill(view, {DocumentSet.OSINT_ENTITIES: DOCUMENTS[:20]})
    request = SearchRequest(sort=(Sort("id"),), limit=5)
    with view.reader() as reader:
        cursor = reader.search(ORGANIZATION, request).next_cursor
    writer = view.writer(fresh=True)
    writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, DOCUMENTS[:20])
    writer.commit("again")
    view.publish(writer)
    with view.reader() as reader, pytest.raises(SearchCursorError, match="rebuilt"):
        reader.search(ORGANIZATION, replace(request, cursor=cursor))


@pytest.mark.parametrize("descending", [True, False])
def test_the_first_of_everything_are_the_same_however_often_and_by_whatever_pages_they_are_asked_for(
    reader: SearchReader, descending: bool
) -> None:
    for name in ("risk_score", "confidence", "last_seen"):
        sort = (Sort(name, descending=descending),)
        expected = _expected(sort)
        for limit in (3, 1, 50, 3, 400, 50):
            result = reader.search(ORGANIZATION, SearchRequest(sort=sort, limit=limit))
            assert ids(result) == expected[:limit]
            assert result.total == len(expected)


def test_the_first_of_everything_are_others_once_something_changes_before_them(adapter: Adapter) -> None:
    request = SearchRequest(sort=(Sort("risk_score"),), limit=2)
    documents = [entity(f"No {number}", risk_score=number) for number in range(20)]
    view, entities = adapter.view(), DocumentSet.OSINT_ENTITIES
    fill(view, {entities: documents})
    with view.reader() as reader:

        def first(organization_id: UUID = ORGANIZATION) -> tuple[list[int], int]:
            result = reader.search(organization_id, request)
            return [hit.document["risk_score"] for hit in result.hits], result.total

        assert first() == ([19, 18], 20)
        fill(view, {entities: [entity("Another", risk_score=50)]})
        assert first() == ([50, 19], 21)
        writer = view.writer()
        writer.remove(ORGANIZATION, entities, [str(each["id"]) for each in documents[3:]])
        writer.commit("removed")
        writer.close()
        assert first() == ([50, 2], 4)
        fill(view, {entities: [documents[0] | {"risk_score": 70}]})
        assert first() == ([70, 50], 4)
        fill(view, {entities: [entity("Theirs", risk_score=99)]}, OTHER)
        assert first() == ([70, 50], 4)
        assert first(OTHER) == ([99], 1)
