"""From the outside only: whatever is asked, answers hold nothing of another organization."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from clew.projections.search.errors import SearchQueryError
from clew.projections.search.fields import DocumentSet, SearchIndex
from clew.projections.search.port import AnyOf, DateHistogram, GeoRadius, Interval, SearchReader, SearchRequest, Sort
from tests.contract.search.adapters import Adapter
from tests.contract.search.conftest import ORGANIZATION, OTHER, entity, everything, fill, ids

MINE = [entity(f"Mine {n}", tags=["shared"], risk_score=n, location={"lat": 1.0, "lon": 1.0}) for n in range(5)]
THEIRS = [
    entity(f"Secret {n}", tags=["shared", "hidden"], risk_score=90 + n, location={"lat": 1.0, "lon": 1.0}, platform="p")
    for n in range(50)
] + [{**MINE[0], "name": "Secret twin"}]  # the same id in both

SNEAKY = [
    "secret",
    "secret*",
    "secret~",
    '"secret twin"',
    "name:secret",
    "tags:hidden",
    "mine OR secret",
    "-mine",
    "NOT mine",
    "* OR secret",
    "organization_id:00000000-0000-4000-8000-000000000002",
    "_id:x",
    "_doc:secret",
    "__lower:secret",
    "id:*",
    f"id:{THEIRS[1]['id']}",
    f"{THEIRS[1]['id']}",
    ") OR (secret",
    "secret\x00",
    "mine) OR (secret",
    "/secret/",
    "/.*/",
    "[a TO z]",
    "{* TO *}",
    "secret^100",
    "+secret",
    "*:*",
    "_exists_:name",
    "IN [secret]",
    "\\*",
    "name:(secret)",
    "osint_entities:secret",
    "../secret",
    "name:../../00000000-0000-4000-8000-000000000002",
]


@pytest.fixture(scope="module")
def reader(shared_adapter: Adapter) -> Iterator[SearchReader]:
    fill(shared_adapter.view(), {DocumentSet.OSINT_ENTITIES: MINE}, ORGANIZATION)
    fill(shared_adapter.view(), {DocumentSet.OSINT_ENTITIES: THEIRS}, OTHER)
    with shared_adapter.view().reader() as opened:
        yield opened


@pytest.mark.parametrize("text", SNEAKY)
@pytest.mark.parametrize("index", [SearchIndex.OSINT_ENTITIES, SearchIndex.ENTITIES])
def test_no_text_reaches_another_organization(reader: SearchReader, text: str, index: SearchIndex) -> None:
    request = SearchRequest(
        text=text,
        index=index,
        limit=100,
        facets=("tags", "platform"),
        stats=("risk_score",),
        highlight=True,
        histogram=DateHistogram(Interval.DAY),
        fuzzy=2,
    )
    try:
        result = reader.search(ORGANIZATION, request)
    except SearchQueryError:
        return
    assert set(ids(result)) <= {document["id"] for document in MINE}
    assert not any("Secret" in hit.name for hit in result.hits)
    assert result.total <= len(MINE)
    assert all(bucket.value == "shared" for buckets in result.facets.values() for bucket in buckets)
    assert sum(bucket.count for bucket in result.histogram) <= len(MINE)
    assert (result.stats["risk_score"].maximum or 0) < 90


def test_no_filter_place_or_sort_does(reader: SearchReader) -> None:
    for request in (
        SearchRequest(filters=(AnyOf("id", tuple(d["id"] for d in THEIRS)),)),
        SearchRequest(filters=(AnyOf("tags", ("hidden", "shared")),)),
        SearchRequest(within=GeoRadius(1.0, 1.0, 10.0)),
        SearchRequest(sort=(Sort("risk_score"),)),
    ):
        result = reader.search(ORGANIZATION, replace(request, limit=100))
        assert all(hit.name.startswith("Mine") for hit in result.hits)
        assert result.total <= len(MINE)


def test_other_calls_keep_to_the_organization(reader: SearchReader) -> None:
    assert reader.suggest(ORGANIZATION, "secret") == ()
    got = reader.get(ORGANIZATION, SearchIndex.OSINT_ENTITIES, [d["id"] for d in THEIRS])
    assert got == {MINE[0]["id"]: MINE[0]}  # the id both have
    assert everything(reader) == {document["id"]: document for document in MINE}
    assert everything(reader, OTHER) == {document["id"]: document for document in THEIRS}
    assert reader.count(ORGANIZATION, DocumentSet.OSINT_ENTITIES) == 5
    assert reader.organizations() == (ORGANIZATION, OTHER)


def test_ranks_tell_nothing_of_others(adapter: Adapter) -> None:
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: MINE})
    with adapter.view().reader() as reader:
        before = [(hit.id, hit.score) for hit in reader.search(ORGANIZATION, SearchRequest(text="mine 3")).hits]
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: [entity(f"Mine again {n}") for n in range(200)]}, OTHER)
    with adapter.view().reader() as reader:
        assert [(hit.id, hit.score) for hit in reader.search(ORGANIZATION, SearchRequest(text="mine 3")).hits] == before


def test_a_dropped_organization_is_gone_and_others_stay(adapter: Adapter) -> None:
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: MINE}, ORGANIZATION)
    fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: THEIRS}, OTHER)
    with adapter.view().reader() as reader, adapter.view().writer() as writer:
        assert reader.search(ORGANIZATION, SearchRequest()).total == 5
        writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [entity("Uncommitted")])
        writer.drop_organization(ORGANIZATION)
        writer.drop_organization(ORGANIZATION)  # again is no error
        writer.commit("dropped")
        assert reader.search(ORGANIZATION, SearchRequest()).total == 0
        assert everything(reader) == {}
        assert reader.organizations() == (OTHER,)
        assert len(everything(reader, OTHER)) == len(THEIRS)
        writer.put(ORGANIZATION, DocumentSet.OSINT_ENTITIES, [entity("Born again")])
        writer.commit("back")
        assert [hit.name for hit in reader.search(ORGANIZATION, SearchRequest()).hits] == ["Born again"]


def test_many_small_organizations_are_written_and_read(adapter: Adapter) -> None:
    from uuid import UUID

    organizations = [UUID(int=number) for number in range(1, 25)]
    view = adapter.view()
    writer = view.writer(fresh=True)
    for turn in range(2):
        for number, organization in enumerate(organizations):
            writer.put(organization, DocumentSet.OSINT_ENTITIES, [entity(f"Of {number} turn {turn}"), entity("Common")])
        writer.commit(str(turn))
    view.publish(writer)
    with view.reader() as reader:
        assert reader.organizations() == tuple(organizations)
        for number, organization in enumerate(organizations):
            held = {document["name"] for document in everything(reader, organization).values()}
            assert held == {f"Of {number} turn 0", f"Of {number} turn 1", "Common"}
