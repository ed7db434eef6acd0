"""Search by the API: what is found, for whom; hostile texts; and a view that is replaced while it is read."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from clew.kernel.database import Database
from clew.projections.following import FollowingProcess
from clew.projections.keeping import projecting
from clew.projections.projection import Difference
from clew.projections.registry import projections
from clew.projections.search.errors import SearchViewMissingError
from clew.projections.search.fields import DocumentSet
from clew.projections.search_reading import SearchReading
from clew.projections.service import catch_up
from clew.worker.runner import Runner
from tests.support.api import Api, Person, opened_api, problem
from tests.support.embedded import wait_until
from tests.support.record import NOON, Tenant, Writer, migrated_database, new_organization

SEARCH = "/api/v1/search"
SECONDS = 5.0


@dataclass(frozen=True)
class Found:
    """An API with a search view, in a database of its own: nobody else makes it anew meanwhile."""

    api: Api
    tenant: Tenant
    person: Person
    stranger: Person


@pytest.fixture(scope="module")
def found() -> Iterator[Found]:
    with migrated_database() as database, opened_api(database) as api:
        tenant = new_organization(database)
        with database.transaction(tenant.context) as connection:
            writer = Writer(connection, tenant)
            place = {"properties": '{"location": {"lat": 52.5, "lon": 13.4}}'}
            writer.entity("username", "quietheron42", "github", last_seen=NOON)
            writer.entity("domain", "heron.example.net", tags=["red"], **place)
            for number in range(30):
                writer.entity("domain", f"tern{number}.example.net", last_seen=NOON)
        assert catch_up(database) is not None
        people = api.person(tenant, "readonly"), api.person(api.organization(), "admin")
        yield Found(api, tenant, *people)


def asked(found: Found, query: str, *, status: int = 200) -> dict[str, object]:
    response = found.api.client.get(f"{SEARCH}?{query}", headers=found.person.headers["key"])
    assert response.status_code == status, response.text
    answer: dict[str, object] = response.json()
    return answer


def names(found: Found, query: str) -> list[str]:
    hits = asked(found, query)["hits"]
    assert isinstance(hits, list)
    return sorted(str(hit["name"]) for hit in hits)


def test_things_are_found_by_words_types_tags_and_place(found: Found) -> None:
    assert names(found, "q=heron") == ["heron.example.net"]
    assert names(found, "q=quiet*") == ["quietheron42"]
    assert names(found, "q=her*&type=domain&highlight=true") == ["heron.example.net"]
    assert names(found, "where=tags%3Dred") == ["heron.example.net"]
    assert names(found, "where=platform%3Dgithub&where=platform%3Dgitlab") == ["quietheron42"]
    assert names(found, "near=52.5,13.4,5") == ["heron.example.net"]
    assert names(found, "near=48.8,2.3,5") == []
    assert (
        asked(found, "q=tern*&limit=0")["total"] == asked(found, "from=2025-03-09&type=domain&limit=0")["total"] == 30
    )
    facets = asked(found, "facet=entity_type&histogram=day&limit=0")
    assert {"value": "domain", "count": 31} in facets["facets"]["entity_type"]  # type: ignore[index]
    assert facets["histogram"]


def test_pages_of_a_search_hold_everything_once(found: Found) -> None:
    seen: list[str] = []
    query: str | None = "type=domain&limit=7&sort=last_seen"
    while query is not None:
        page = asked(found, query)
        seen += [str(hit["id"]) for hit in page["hits"]]  # type: ignore[attr-defined]
        following = page["next_cursor"]
        query = f"type=domain&limit=7&sort=last_seen&cursor={following}" if following else None
    assert len(seen) == len(set(seen)) == 31


def test_names_are_completed(found: Found) -> None:
    headers = found.person.headers["key"]
    items = found.api.client.get("/api/v1/suggest?q=quie", headers=headers).json()["items"]
    assert [each["text"] for each in items] == ["quietheron42"]


def test_another_organization_finds_nothing(found: Found) -> None:
    headers = found.stranger.headers["key"]
    for query in ("", "q=heron", "q=*", "type=domain", "q=quietheron42%20OR%20heron"):
        answer = found.api.client.get(f"{SEARCH}?{query}", headers=headers)
        assert answer.status_code == 400 or answer.json()["total"] == 0
    assert found.api.client.get("/api/v1/suggest?q=quie", headers=headers).json() == {"items": []}
    cursor = asked(found, "limit=1")["next_cursor"]
    problem(found.api.client.get(f"{SEARCH}?limit=1&cursor={cursor}", headers=headers), 400, "search_cursor")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 900 + "a" + ")" * 900,
        " OR ".join(["ab*"] * 250),
        "a~2 " * 300,
        '"' * 999,
        "name:" * 300,
        "source_ip:10.0.0.0/999",
        "a" * 2000,
        "-" * 2000,
        "((((((((((a))))))))))",
        "\\" * 1000,
        "é" * 1000 + "*",
        "port:99999999999999999999",
    ],
)
def test_hostile_texts_are_answered_or_refused_in_bounded_time(found: Found, text: str) -> None:
    began = time.monotonic()
    response = found.api.client.get(SEARCH, headers=found.person.headers["key"], params={"q": text, "fuzzy": 2})
    assert time.monotonic() - began < SECONDS
    assert response.status_code in (200, 400, 422), response.text
    if response.status_code == 400:
        problem(response, 400, "search_query")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("near=1e999,2,3", 400),
        ("near=" + "1" * 90, 400),
        ("near=91,0,1", 400),
        ("from=yesterday", 400),
        ("where=tags", 400),
        ("where=secret%3D1", 400),
        ("facet=secret", 400),
        ("sort=secret", 400),
        ("stats=name", 400),
        ("cursor=AAAA", 400),
        ("cursor=%F0%9F%98%80", 400),
        ("index=secret", 422),
        ("fuzzy=3", 422),
        ("limit=1001", 422),
        ("histogram=century", 422),
        ("page=2", 422),
        ("q=" + "a" * 2001, 422),
        ("&".join(f"facet=f{number}" for number in range(17)), 422),
        ("&".join("where=tags%3Da" for _ in range(101)), 422),
    ],
)
def test_what_cannot_be_asked_is_refused(found: Found, query: str, status: int) -> None:
    assert asked(found, query, status=status)["status"] == status


def test_a_search_is_told_with_what_it_found(found: Found) -> None:
    found.api.client.get(f"{SEARCH}?q=heron", headers=found.person.headers["key"] | {"X-Request-ID": "told-1"})
    statement = "SELECT response_data FROM audit.events WHERE request_data ->> 'request_id' = 'told-1'"

    def told() -> list[dict[str, object]]:
        with found.api.database.transaction(None, "clew_auditor") as connection:
            return list(connection.exec_driver_sql(statement).scalars())

    wait_until(told, "the search to be told")
    assert [each["total"] for each in told()] == [1]


def test_a_view_that_takes_the_place_of_another_is_read_while_the_old_one_is_still_in_use(found: Found) -> None:
    database, reading = found.api.database, found.api.serving.search
    with reading.reader() as old:
        rebuild(database)
        with reading.reader() as new:
            assert new.generation != old.generation
        assert names(found, "q=heron") == ["heron.example.net"]
        assert old.count(found.tenant.id, DocumentSet.OSINT_ENTITIES) > 0
    with reading.reader() as again:
        assert again.generation == new.generation


def test_many_read_while_the_view_is_made_anew(found: Found) -> None:
    wrong: list[str] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            response = found.api.client.get(f"{SEARCH}?q=heron", headers=found.person.headers["token"])
            if response.status_code != 200 or response.json()["total"] != 1:
                wrong.append(response.text)
                return

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        rebuild(found.api.database)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert wrong == []


def test_a_rebuild_that_is_asked_for_is_made_by_whoever_keeps_the_views(found: Found) -> None:
    headers = found.api.person(found.tenant, "admin").headers["key"]
    with found.api.serving.search.reader() as reader:
        before = reader.generation
    answer = found.api.client.post("/api/v1/projections/search/rebuild", headers=headers)
    assert answer.status_code == 202
    assert answer.json()["items"][0]["state"] == "rebuild"
    assert catch_up(found.api.database) is not None
    view, *_ = found.api.client.get("/api/v1/projections", headers=headers).json()["items"]
    assert view["state"] == "ready"
    with found.api.serving.search.reader() as reader:
        assert reader.generation != before
    problem(found.api.client.post("/api/v1/projections/other/rebuild", headers=headers), 404, "not_found")


def test_a_view_is_verified_and_what_others_have_is_not_shown(found: Found) -> None:
    headers = found.api.person(found.tenant, "admin").headers["key"]
    with found.api.database.transaction(found.tenant.context) as connection:
        lost = Writer(connection, found.tenant).entity("domain", "lost.example.net")
    assert catch_up(found.api.database) is not None
    projection, *_ = projections(found.api.database.settings)
    with projecting(found.api.database, [projection]), projection.writing() as writing:
        writing.remove([Difference(found.tenant.id, "osint_entities", lost, None)])
        writing.commit(projection.position() or "")
    following = FollowingProcess(found.api.database.settings)
    following.start()  # as beside a server: it keeps the views, and lends them
    try:
        with Runner(found.api.database, workers=1):
            assert verified(found, found.stranger.headers["key"], repair=False)["equal"] is True
            mended = verified(found, headers, repair=True)
    finally:
        following.stop()
    assert (mended["missing"], mended["equal"], mended["repaired"]) == (1, True, True)
    assert mended["examples"] == [{"kind": "missing", "id": str(lost), "table": "entities"}]


def test_who_asks_twice_for_a_comparison_that_waits_gets_one(found: Found) -> None:
    headers = found.api.person(found.api.organization(), "admin").headers["key"]
    url = "/api/v1/projections/search/verify"
    first, again, other = (
        found.api.client.post(url, headers=headers, json=body).json()["id"] for body in ({}, {}, {"repair": True})
    )
    assert first == again
    assert other != first
    problem(found.api.client.post("/api/v1/projections/other/verify", headers=headers, json={}), 404, "not_found")


def verified(found: Found, headers: dict[str, str], *, repair: bool) -> dict[str, Any]:
    """What the job tells that compares the view."""
    client = found.api.client
    asked = client.post("/api/v1/projections/search/verify", headers=headers, json={"repair": repair})
    assert asked.status_code == 202, asked.text
    job = asked.headers["location"]
    wait_until(lambda: client.get(job, headers=headers).json()["status"] in {"completed", "failed"}, "the comparison")
    told = client.get(job, headers=headers).json()
    assert told["error"] is None, told
    result: dict[str, Any] = told["result"]
    return result


def test_without_a_view_searching_says_so_and_not_where_it_would_lie() -> None:
    with migrated_database() as database:
        reading = SearchReading(database.settings)
        with pytest.raises(SearchViewMissingError) as raised, reading.reader():
            pass
        assert str(database.settings.data_dir) not in str(raised.value)
        reading.close()


def rebuild(database: Database) -> None:
    projection, *_ = projections(database.settings)
    with projecting(database, [projection]) as projector:
        projector.rebuild(projection.name, "for a test")
