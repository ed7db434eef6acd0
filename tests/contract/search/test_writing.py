from typing import Any

import pytest

from clew.projections.search.errors import SearchViewBusyError
from clew.projections.search.fields import SETS, DocumentSet, FieldKind, SearchIndex
from clew.projections.search.port import SearchRequest
from tests.contract.search.adapters import Adapter
from tests.contract.search.conftest import (
    ORGANIZATION,
    entity,
    everything,
    fill,
    found,
    identifier,
    kill,
    post,
)

FULL: dict[str, Any] = {
    **entity("Full Entity"),
    "username": "full",
    "content": "a text",
    "language": "en",
    "platform": "p",
    "country": "DE",
    "status": "s",
    "tags": ["a", "a", ""],
    "flags": ["f"],
    "hashtags": [],
    "mentions": ["@x"],
    "sources": ["s1", "s2"],
    "relationship_type": "WORKS_FOR",
    "source_entity_id": identifier("a"),
    "target_entity_id": identifier("b"),
    "risk_score": -5,
    "confidence": 1,
    "created_at": "2024-02-29T23:59:59.999999+05:30",
    "updated_at": None,
    "location": {"lat": -90, "lon": 180.0},
    "location_name": "Südpol",
    "properties": {"x": [1, None, {"é": 1.5}], "": ""},
}


def test_a_document_replaces_the_one_of_its_id(adapter: Adapter) -> None:
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [entity("Old Name"), entity("Other")]})
    changed = {**entity("Old Name"), "name": "New Name", "normalized_name": "new name"}
    with adapter.view().reader() as reader:
        fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [changed]})
        assert found(reader, "old") == []
        assert found(reader, "new") == ["New Name"]
        assert reader.count(ORGANIZATION, DocumentSet.OSINT_ENTITIES) == 2


def test_the_last_of_several_changes_to_one_document_counts(adapter: Adapter) -> None:
    view = adapter.view()
    writer = view.writer()
    first, last = {**entity("X"), "name": "First"}, {**entity("X"), "name": "Last"}
    for documents in ([first, last, first, last], [first], [last, last]):
        writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, documents)
    writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [entity("Gone"), entity("Back")])
    writer.remove(
        ORGANIZATION, DocumentSet.OSINT_ENTITIES, [entity("Gone")["id"], entity("Back")["id"], "x", identifier("?")]
    )
    writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [entity("Back")])
    writer.commit("1")
    view.publish(writer)
    with view.reader() as reader:
        assert everything(reader) == {last["id"]: last, entity("Back")["id"]: entity("Back")}
    with view.writer() as writer:
        writer.remove(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [last["id"]])
        writer.commit("2")
    with view.reader() as reader:
        assert list(everything(reader)) == [entity("Back")["id"]]


def test_every_field_is_kept_and_given_back(adapter: Adapter) -> None:
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [FULL, {"id": identifier("bare")}]})
    with adapter.view().reader() as reader:
        assert everything(reader) == {FULL["id"]: FULL, identifier("bare"): {"id": identifier("bare")}}


MISFITS: list[tuple[str, Any]] = [
    ("id", None),
    ("id", 7),
    ("id", "no uuid"),
    ("id", identifier("x").upper()),
    ("id", "{" + identifier("x") + "}"),
    ("unknown_field", "x"),
    ("name", 7),
    ("name", ["x"]),
    ("name", {"x": 1}),
    ("name", "\ud800"),
    ("content", b"x"),
    ("tags", "x"),
    ("tags", [1]),
    ("tags", [None]),
    ("tags", ["x"] * 10_001),
    ("risk_score", "5"),
    ("risk_score", 5.5),
    ("risk_score", True),
    ("risk_score", 2**63),
    ("confidence", "x"),
    ("confidence", float("nan")),
    ("confidence", True),
    ("confidence", float("inf")),
    ("first_seen", "2024-01-01"),
    ("first_seen", "2024-01-01T00:00:00"),
    ("first_seen", "2024-02-30T00:00:00Z"),
    ("first_seen", 7),
    ("first_seen", "yesterday"),
    ("first_seen", "0001-01-01T00:00:00+23:00 "),
    ("location", {"lat": 91, "lon": 0}),
    ("location", {"lat": "1", "lon": 0}),
    ("location", {"lat": 1}),
    ("location", [1, 2]),
    ("location", {"lat": float("nan"), "lon": 0}),
    ("location", {"lat": 0, "lon": 0, "alt": 0}),
    ("properties", "x"),
    ("properties", {"x": object()}),
    ("properties", {"x": 2**80}),
    ("properties", {1: 2}),
    ("_doc", b"x"),
    ("_id", "x"),
    ("name__lower", "x"),
]


@pytest.mark.parametrize(("field", "value"), MISFITS, ids=lambda value: ascii(value).partition(" at 0x")[0][:30])
def test_what_does_not_fit_is_refused_and_the_rest_is_taken(adapter: Adapter, field: str, value: Any) -> None:
    view = adapter.view()
    fill(view, {DocumentSet.OSINT_ENTITIES: [entity("Misfit")]})
    with view.writer() as writer:
        bad = {**entity("Misfit"), "name": "Changed", field: value}
        (refusal,) = writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [entity("Before"), bad, entity("After")])
        writer.commit("2")
    assert field in refusal.reason or "JSON" in refusal.reason
    expected = {"Before", "After"}
    if field == "id":
        expected.add("Misfit")  # nobody can tell which document was meant
    else:
        assert refusal.id == bad["id"]  # what was there is no longer true
    with view.reader() as reader:
        assert {document["name"] for document in everything(reader).values()} == expected


def test_a_refused_change_takes_away_what_the_same_call_put_before(adapter: Adapter) -> None:
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [entity("Two")]})
    with adapter.view().writer() as writer:
        changes = [entity("One"), {**entity("One"), "risk_score": "high"}, entity("Two")]
        (refusal,) = writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, changes)
        assert refusal.id == entity("One")["id"]
        writer.commit("1")
    with adapter.view().reader() as reader:
        assert [document["name"] for document in everything(reader).values()] == ["Two"]


def test_attacks_refuse_what_is_no_address(adapter: Adapter) -> None:
    with adapter.view().writer() as writer:
        bad = [{"id": identifier(text), "source_ip": text} for text in ("300.1.1.1", "x", "", "192.0.2.1/24", "1")]
        assert len(writer.put(ORGANIZATION, DocumentSet.ATTACKS, bad)) == len(bad)


def test_very_long_values_are_kept_whole_and_found(adapter: Adapter) -> None:
    long = "x" * 100_000
    document = entity(f"{long} End", content="word " * 100_000 + "needle", tags=[long + "1", long + "2"])
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [document, entity("Short")]})
    with adapter.view().reader() as reader:
        assert everything(reader)[document["id"]] == document
        for text in ("needle", "end"):
            (hit,) = reader.search(ORGANIZATION, SearchRequest(text=text, highlight=True)).hits
            assert hit.id == document["id"]


def test_what_is_committed_stays_and_the_rest_does_not(adapter: Adapter) -> None:
    view = adapter.view()
    fill(view, {DocumentSet.OSINT_ENTITIES: [entity("Stays")]})
    with view.writer() as writer:
        assert writer.position == "filled"
        writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [entity("Lost")])
    state = view.state()
    assert state is not None
    assert state.position == "filled"
    with view.reader() as reader:
        assert found(reader, "") == ["Stays"]
    with view.writer() as writer:
        writer.commit("an empty batch moves the position")
    state = adapter.view().state()
    assert state is not None
    assert state.position == "an empty batch moves the position"


def test_sets_are_apart(adapter: Adapter) -> None:
    one = identifier("same id")
    fill(
        adapter.view(),
        {
            DocumentSet.OSINT_ENTITIES: [{"id": one, "name": "Word"}],
            DocumentSet.ATTACKS: [{"id": one, "payload": "word"}],
            DocumentSet.DOCUMENTS: [{"id": one, "content": "word"}],
        },
    )
    with adapter.view().writer() as writer:
        writer.remove(ORGANIZATION, DocumentSet.ATTACKS, [one])
        writer.commit("2")
    with adapter.view().reader() as reader:
        totals = {
            index: reader.search(ORGANIZATION, SearchRequest(text="word", index=index)).total for index in SearchIndex
        }
    assert totals == {"osint_entities": 1, "entities": 0, "attacks": 0, "documents": 1}


def test_one_writer_at_a_time_and_the_other_is_told_who(adapter: Adapter) -> None:
    view = adapter.view()
    with view.writer(), pytest.raises(SearchViewBusyError, match=r"process \d+ is writing"):
        adapter.view().writer()
    child = adapter.child(
        "writer = view.writer()\nprint('ready', flush=True)\nsys.stdin.read()\nimport time\ntime.sleep(60)"
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    with pytest.raises(SearchViewBusyError, match=str(child.pid)):
        view.writer()
    kill(child)
    view.writer().close()  # the dead hold nothing


def test_every_declared_field_can_be_written(adapter: Adapter) -> None:
    values: dict[FieldKind, Any] = {
        FieldKind.TEXT: "some words",
        FieldKind.NAME: "A name",
        FieldKind.USERNAME: "user_1",
        FieldKind.KEYWORD: "Key",
        FieldKind.INTEGER: 7,
        FieldKind.FLOAT: 0.5,
        FieldKind.DATE: "2024-01-01T00:00:00Z",
        FieldKind.IP: "2001:DB8::1",
        FieldKind.GEO: {"lat": 1, "lon": 2},
        FieldKind.BOOLEAN: True,
        FieldKind.STORED: {},
    }
    documents = {}
    for document_set, fields in SETS.items():
        document = {field.name: [values[field.kind]] if field.many else values[field.kind] for field in fields.fields}
        documents[document_set] = [{**document, "id": identifier(document_set)}]
    fill(adapter.view(), documents)
    with adapter.view().reader() as reader:
        assert everything(reader) == {each["id"]: each for (each,) in documents.values()}
        assert [hit.name for hit in reader.search(ORGANIZATION, SearchRequest(text="words")).hits] == ["A name"]


def test_posts_without_a_name_have_an_empty_one(adapter: Adapter) -> None:
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [post("hello")]})
    with adapter.view().reader() as reader:
        (hit,) = reader.search(ORGANIZATION, SearchRequest(text="hello")).hits
    assert (hit.name, hit.type) == ("", "social_post")
