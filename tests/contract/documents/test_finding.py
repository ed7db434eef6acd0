"""What is found by which condition, and in which order."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest
import sqlalchemy as sa

from clew.projections.documents import walking
from clew.projections.documents.errors import DocumentQueryError
from clew.projections.documents.port import DocumentCollection, DocumentRequest, Is, Within
from clew.projections.documents.wording import conditions_of
from tests.contract.documents.conftest import ANALYSES, ENRICHED, RAW, SAME, Adapter, digest, item_id, moment
from tests.support.record import NOON


def ids(documents: Any) -> list[str]:
    return [document["id"] for document in documents]


def found(adapter: Adapter, collection: DocumentCollection, *conditions: Any) -> list[str]:
    return ids(adapter.every(collection, DocumentRequest(conditions)))


def test_a_file_is_a_document_without_its_bytes(adapter: Adapter) -> None:
    file = item_id(adapter.ours, 0)
    document = adapter.reader.get(adapter.ours.id, RAW, [file])[str(file)]
    assert document == {
        "id": str(file),
        "collection_id": document["collection_id"],
        "document_type": "file",
        "content": None,
        "metadata": {"source": "whois", "file_name": "whois.json"},
        "hash": digest("file"),
        "file_info": {
            "filename": "whois.json",
            "size": 4096,
            "mime_type": "application/json",
            "storage_path": f"{digest('file')[:2]}/{digest('file')}",
        },
        "created_at": "2025-03-09T12:00:00.000000+00:00",
    }
    row = item_id(adapter.ours, 1)
    shown = adapter.reader.get(adapter.ours.id, RAW, [row])[str(row)]
    assert shown["content"] == {"domain": "row-1.example", "a.b": {"$gt": 1}}
    assert shown["metadata"] == {"source": "whois", "file_id": str(file), "line": 2}
    assert shown["file_info"] is None


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [
        ("document_type=result", [2, 1]),
        ("metadata.source=whois", [2, 1, 0]),
        ("metadata.source=nobody", []),
        ("metadata.file_name=whois.json", [0]),
        ("file_info.size>=4096", [0]),
        ("file_info.size<4096", []),
        ("content.title=A page", [3]),
        (r"content.a\.b.$gt=2", [2]),
        ("content.links=x", []),
        ("created_at>=2025-03-09T12:00:02.000002Z", [3, 2]),
        ("created_at<2025-03-09T12:00:02.000002Z", [1, 0]),
        ("created_at=2025-03-09T12:00:02.000002Z", [2]),
        (f"hash={digest('page')}", [3]),
    ],
)
def test_raw_documents_are_found_by(adapter: Adapter, condition: str, numbers: list[int]) -> None:
    expected = [str(item_id(adapter.ours, number)) for number in numbers]
    assert found(adapter, RAW, *conditions_of(RAW, [condition])) == expected


def test_raw_documents_are_found_by_ids(adapter: Adapter) -> None:
    file, row = item_id(adapter.ours, 0), item_id(adapter.ours, 1)
    assert found(adapter, RAW, Is(("id",), str(row))) == [str(row)]
    assert found(adapter, RAW, Is(("metadata", "file_id"), str(file))) == [str(item_id(adapter.ours, 2)), str(row)]
    (shown,) = adapter.every(RAW, DocumentRequest((Is(("id",), str(row)),)))
    assert len(found(adapter, RAW, Is(("collection_id",), shown["collection_id"]))) == 4
    both = (Is(("document_type",), "result"), Is(("metadata", "source"), "whois"), Is(("hash",), digest("row 1")))
    assert found(adapter, RAW, *both) == [str(row)]


def test_analyses_are_found_by(adapter: Adapter) -> None:
    first, second = (str(uuid5(SAME, f"{adapter.ours.id}/analysis/{number}")) for number in (1, 2))
    assert found(adapter, ANALYSES) == [second, first]
    assert found(adapter, ANALYSES, Is(("analysis_id",), str(uuid5(SAME, "session/1")))) == [first]
    assert found(adapter, ANALYSES, Is(("analysis_type",), "risk")) == [second]
    assert found(adapter, ANALYSES, Is(("input_entities",), str(SAME))) == [first]
    assert found(adapter, ANALYSES, Is(("metrics", "sources"), 2)) == [second]
    assert found(adapter, ANALYSES, Is(("created_by",), str(adapter.ours.operator))) == [second, first]
    (shown,) = adapter.reader.get(adapter.ours.id, ANALYSES, [UUID(first)]).values()
    assert shown["insights"] == [{"evidence": ["they keep the same hours"]}]
    assert shown["created_at"] == moment(1).isoformat(timespec="microseconds")


def test_kinds_of_values_are_told_apart(adapter: Adapter) -> None:
    values: list[Any] = [1, 1.0, True, "1", "true", None, [1], {"v": 1}, 2**63, 2.5]
    for number, value in enumerate(values):
        adapter.enrich({"v": value}, 100 + number, enrichment_type="kinds")
    adapter.enrich({}, 200, enrichment_type="kinds")
    adapter.follow()

    def matching(value: Any) -> list[int]:
        of_a_kind = (Is(("enrichment_type",), "kinds"), Is(("data", "v"), value))
        documents = adapter.every(ENRICHED, DocumentRequest(of_a_kind))
        return sorted(int(document["created_at"][20:26]) - 100 for document in documents)

    assert matching(1) == matching(1.0) == [0, 1]
    assert matching(True) == [2]
    assert matching("1") == [3]
    assert matching("true") == [4]
    assert matching(None) == [5]
    assert matching(2**63) == [8]
    assert matching(2.5) == [9]


@pytest.mark.parametrize("indexed", [True, False])
def test_pages_hold_each_document_once_newest_first(
    adapter: Adapter, monkeypatch: pytest.MonkeyPatch, *, indexed: bool
) -> None:
    name = f"paged-{indexed}"
    shift = 1000 if indexed else 2000
    for number in range(25):
        # Five of each moment, so that the order needs the id as well.
        adapter.enrich(
            {"odd": number % 2 == 1},
            shift + number,
            enrichment_type=name,
            created_at=NOON + timedelta(microseconds=number // 5),
        )
    adapter.follow()
    monkeypatch.setattr(walking, "_AT_ONCE", 3)
    of_all = Is(("enrichment_type",), name) if indexed else Is(("data", "odd"), True)
    request = DocumentRequest((of_all, Is(("enrichment_type",), name)), limit=4)
    documents = adapter.every(ENRICHED, request)
    assert len(documents) == (25 if indexed else 12)
    places = [(document["created_at"], document["id"]) for document in documents]
    assert places == sorted(set(places), reverse=True)
    page = adapter.reader.find(adapter.ours.id, ENRICHED, request)
    adapter.enrich({"odd": True}, shift + 500, enrichment_type=name)  # newer than all: moves nothing
    adapter.follow()
    following = DocumentRequest(request.conditions, 4, page.next_cursor)
    assert ids(adapter.reader.find(adapter.ours.id, ENRICHED, following).documents) == ids(documents[4:8])


def test_what_is_changed_or_deleted_is_found_as_it_is_now(adapter: Adapter) -> None:
    identifier = adapter.enrich({"state": "old"}, 7000)
    adapter.follow()
    with adapter.database.transaction(adapter.ours.context) as connection:
        connection.execute(
            sa.text('UPDATE enriched_data SET data = \'{"state": "new"}\' WHERE id = :id'), {"id": identifier}
        )
    adapter.follow()
    assert adapter.reader.get(adapter.ours.id, ENRICHED, [identifier])[str(identifier)]["data"] == {"state": "new"}
    assert found(adapter, ENRICHED, Is(("data", "state"), "old")) == []
    with adapter.database.transaction(adapter.ours.context) as connection:
        connection.execute(sa.text("DELETE FROM enriched_data WHERE id = :id"), {"id": identifier})
    adapter.follow()
    assert adapter.reader.get(adapter.ours.id, ENRICHED, [identifier]) == {}


def test_stored_and_counted_is_everything(adapter: Adapter) -> None:
    for collection in DocumentCollection:
        stored = ids(adapter.reader.stored(adapter.ours.id, collection))
        assert len(set(stored)) == len(stored) == adapter.reader.count(adapter.ours.id, collection)
        assert sorted(stored) == sorted(found(adapter, collection))


@pytest.mark.parametrize(
    "request_",
    [
        DocumentRequest(limit=0),
        DocumentRequest(limit=201),
        DocumentRequest(cursor="nonsense"),
        DocumentRequest(cursor="WzEsMiwzXQ"),
        DocumentRequest((Is(("nothing",), 1),)),
        DocumentRequest((Is(("content",), 1),)),
        DocumentRequest((Is(("content", "x"), "nul\0"),)),
        DocumentRequest((Is(("content", "nul\0"), 1),)),
        DocumentRequest((Is(("content", *"x" * 40), 1),)),
        DocumentRequest((Is(("collection_id",), "no id"),)),
        DocumentRequest((Is(("document_type",), 5),)),
        DocumentRequest((Within(("document_type",), least=1),)),
        DocumentRequest((Within(("created_at",), least=1),)),
        DocumentRequest((Within(("created_at",), least=NOON.replace(tzinfo=None)),)),
        DocumentRequest((Within(("file_info", "size")),)),
        DocumentRequest((Is(("content", "x"), 1),) * 21),
    ],
)
def test_what_cannot_be_asked_is_refused(adapter: Adapter, request_: DocumentRequest) -> None:
    with pytest.raises(DocumentQueryError):
        adapter.reader.find(adapter.ours.id, RAW, request_)


def test_a_cursor_serves_its_own_request_only(adapter: Adapter) -> None:
    page = adapter.reader.find(adapter.ours.id, RAW, DocumentRequest(limit=1))
    assert page.next_cursor is not None
    for collection, conditions in ((ANALYSES, ()), (RAW, (Is(("document_type",), "result"),))):
        with pytest.raises(DocumentQueryError, match="cursor"):
            adapter.reader.find(adapter.ours.id, collection, DocumentRequest(conditions, 1, page.next_cursor))
