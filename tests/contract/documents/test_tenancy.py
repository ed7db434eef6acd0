"""No organization is ever given another's documents, whatever it asks."""

from typing import Any
from uuid import UUID

import pytest

from clew.projections.documents.errors import DocumentQueryError
from clew.projections.documents.port import DocumentCollection, DocumentRequest, Is
from tests.contract.documents.conftest import ENRICHED, RAW, SAME, Adapter, digest, item_id

NOWHERE = UUID("01960000-0000-7000-8000-00000000ffff")


def test_who_holds_the_same_sees_their_own(adapter: Adapter) -> None:
    for tenant, other in ((adapter.ours, adapter.theirs), (adapter.theirs, adapter.ours)):
        mine = {document["id"] for document in adapter.every(RAW, DocumentRequest(), tenant)}
        assert mine == {str(item_id(tenant, number)) for number in range(4)}
        assert not adapter.reader.get(tenant.id, RAW, [item_id(other, number) for number in range(4)])
        assert not adapter.every(RAW, DocumentRequest((Is(("id",), str(item_id(other, 0))),)), tenant)
        (one,) = adapter.every(RAW, DocumentRequest((Is(("hash",), digest("page")),)), tenant)
        assert one["id"] == str(item_id(tenant, 3))
        for document in adapter.reader.stored(tenant.id, RAW):
            assert document["id"] in mine


def test_an_unknown_organization_has_none(adapter: Adapter) -> None:
    for collection in DocumentCollection:
        assert adapter.reader.find(NOWHERE, collection, DocumentRequest()).documents == ()
        assert adapter.reader.count(NOWHERE, collection) == 0
        assert list(adapter.reader.stored(NOWHERE, collection)) == []
    assert adapter.reader.get(NOWHERE, RAW, [item_id(adapter.ours, 0)]) == {}


def test_a_row_of_the_same_id_is_another_document(adapter: Adapter) -> None:
    adapter.enrich({"whose": "ours"}, 1, id=SAME)
    adapter.enrich({"whose": "theirs"}, 1, adapter.theirs, id=SAME)
    adapter.follow()
    for tenant, whose in ((adapter.ours, "ours"), (adapter.theirs, "theirs")):
        assert adapter.reader.get(tenant.id, ENRICHED, [SAME])[str(SAME)]["data"] == {"whose": whose}
        found = adapter.every(ENRICHED, DocumentRequest((Is(("id",), str(SAME)),)), tenant)
        assert [document["data"]["whose"] for document in found] == [whose]


def test_the_organization_is_no_field_and_a_cursor_of_theirs_opens_nothing(adapter: Adapter) -> None:
    for path in (("organization_id",), ("_id",), ("content", "organization_id")):
        with_them = DocumentRequest((Is(path, str(adapter.theirs.id)),))
        if path[0] == "content":
            assert adapter.reader.find(adapter.ours.id, RAW, with_them).documents == ()
        else:
            with pytest.raises(DocumentQueryError, match="no such field"):
                adapter.reader.find(adapter.ours.id, RAW, with_them)
    theirs = adapter.reader.find(adapter.theirs.id, RAW, DocumentRequest(limit=1))
    page = adapter.reader.find(adapter.ours.id, RAW, DocumentRequest((), 200, theirs.next_cursor))
    own = {str(item_id(adapter.ours, number)) for number in range(4)}
    assert {document["id"] for document in page.documents} <= own


@pytest.mark.parametrize(
    "value",
    [
        {"$ne": None},
        {"$gt": ""},
        {"$where": "true"},
        ["$or"],
        {"$regex": ".*"},
        b"bytes",
    ],
)
def test_a_value_is_never_an_operator(adapter: Adapter, value: Any) -> None:
    for path in (("document_type",), ("content", "title"), ("metadata", "source")):
        with pytest.raises(DocumentQueryError):
            adapter.reader.find(adapter.ours.id, RAW, DocumentRequest((Is(path, value),)))


@pytest.mark.parametrize(
    "path",
    [
        ("content", "$where"),
        ("content", "title", "$ne"),
        ("content", "$or"),
        ("content", "title.$ne"),
        ("content", "x'] || ['"),
        ("content", "title}', true) --"),
        ("content", "0"),
        ("content", "%24where"),
        ("content", ""),
    ],
)
def test_a_key_is_never_an_operator(adapter: Adapter, path: tuple[str, ...]) -> None:
    for value in ("1", "function() { return true }", 1, None, "A page"):
        assert adapter.reader.find(adapter.ours.id, RAW, DocumentRequest((Is(path, value),))).documents == ()


@pytest.mark.parametrize("text", ["' OR true --", "'; DROP TABLE entities; --", "%(organization)s", "$1", "{0}"])
def test_a_text_is_never_a_statement(adapter: Adapter, text: str) -> None:
    for path in (("document_type",), ("metadata", "source"), ("hash",), ("content", text)):
        assert adapter.reader.find(adapter.ours.id, RAW, DocumentRequest((Is(path, text),))).documents == ()
