"""What the record holds, by the API: who may what, whose is what, what changes, and what cannot be slipped in."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from clew.api.application import routes_of
from clew.domains.identity.permissions import BUILT_IN
from tests.support.api import Api, Person, problem
from tests.support.embedded import wait_until
from tests.support.record import NOON, Tenant, Writer

V1 = "/api/v1"


@dataclass(frozen=True)
class Things:
    """One of each kind, in one organization."""

    tenant: Tenant
    admin: Person
    paths: dict[str, str]
    entity: UUID
    case: str
    target: str


@pytest.fixture(scope="module")
def things(api: Api) -> Things:
    return made(api)


def made(api: Api) -> Things:
    tenant = api.organization()
    admin = api.person(tenant, "admin")
    headers = admin.headers["key"]
    case = api.client.post(f"{V1}/investigations", headers=headers, json={"name": "Harbour"}).headers["location"]
    target = api.client.post(f"{case}/targets", headers=headers, json={"value": "c2.example.net"}).headers["location"]
    source = api.client.post(f"{V1}/sources", headers=headers, json={"name": "Feed"}).headers["location"]
    collection = api.client.post(
        f"{V1}/collections", headers=headers, json={"name": "Posts", "collector_type": "news"}
    ).headers["location"]
    with api.database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        entity = writer.entity("domain", "c2.example.net")
        writer.entity("domain", "b.example.net")
        attack = writer.session("198.51.100.7")
        relationship = writer.relationship(entity, "RESOLVES_TO", writer.entity("ip_address", "198.51.100.7"))
        held = held_record(writer)
        connection.execute(sa.text("SELECT ensure_partitions('events', ARRAY[DATE '2025-03-01'])"))
        event = uuid4()
        writer.insert("events", id=event, occurred_at=NOON, source="cowrie", kind="k", item_id=uuid4())
    paths = {
        "entity": f"{V1}/entities/{entity}",
        "card": f"{V1}/entities/{entity}/card",
        "relationships of it": f"{V1}/entities/{entity}/relationships",
        "relationship": f"{V1}/relationships/{relationship}",
        "event": f"{V1}/events/{event}?occurred_at=2025-03-09T12:00:00Z",
        "attack": f"{V1}/attacks/{attack}",
        "its events": f"{V1}/attacks/{attack}/events",
        "case": case,
        "overview": f"{case}/overview",
        "report": f"{case}/report",
        "targets": f"{case}/targets",
        "target": target,
        "source": source,
        "collection": collection,
        "held": f"{V1}/quarantine/{held}",
        "bytes": f"{V1}/quarantine/{held}/content",
    }
    return Things(tenant, admin, paths, entity, case, target)


def held_record(writer: Writer) -> UUID:
    identifier = uuid4()
    writer.insert(
        "quarantine",
        id=identifier,
        collection_item_id=uuid4(),
        file_name="<a>.json",
        source="cowrie",
        record=1,
        line=2,
        reason="bad_json",
        detail="no JSON",
        content=b"<script>alert(1)</script>\x00\xff",
    )
    return identifier


def test_each_can_be_read_by_its_owner(api: Api, things: Things) -> None:
    for what, path in things.paths.items():
        response = api.client.get(path, headers=things.admin.headers["key"])
        assert response.status_code == 200, (what, response.text)


def test_another_organization_finds_none_of_them_even_as_administrator(api: Api, things: Things) -> None:
    stranger = api.person(api.organization(), "admin").headers["token"]
    for path in things.paths.values():
        problem(api.client.get(path, headers=stranger), 404, "not_found")
    for path, body in CHANGES.items():
        response = api.client.patch(things.paths[path], headers=stranger, json=body)
        problem(response, 404, "not_found")
    for path in ("case", "target"):
        problem(api.client.delete(things.paths[path], headers=stranger), 404, "not_found")
    ids = [things.paths["held"].rsplit("/", 1)[1]]
    problem(api.client.post(f"{V1}/quarantine/retry", headers=stranger, json={"ids": ids}), 404, "not_found")
    problem(api.client.post(f"{V1}/quarantine/drop", headers=stranger, json={"ids": ids}), 404, "not_found")
    problem(api.client.post(f"{things.case}/targets", headers=stranger, json={"value": "a.example"}), 404, "not_found")
    collection = things.paths["collection"].rsplit("/", 1)[1]
    body = {"collection_id": collection}
    problem(api.client.post(f"{things.case}/items", headers=stranger, json=body), 404, "not_found")
    for listed in LISTS:
        found = api.client.get(f"{V1}/{listed}", headers=stranger).json()["items"]
        assert found == [], listed


CHANGES: dict[str, dict[str, Any]] = {
    "entity": {"tags": ["x"]},
    "case": {"priority": "high"},
    "target": {"notes": "n"},
    "source": {"is_active": False},
    "collection": {"description": "d"},
}
LISTS = ("entities", "relationships", "events", "attacks", "investigations", "sources", "collections", "quarantine")
OURS = (
    "entities",
    "relationships",
    "paths",
    "events",
    "attacks",
    "search",
    "suggest",
    "investigations",
    "sources",
    "collections",
    "quarantine",
    "projections",
)


@pytest.mark.parametrize("role", sorted(BUILT_IN))
def test_each_role_may_what_the_table_says_and_nothing_else(api: Api, things: Things, role: str) -> None:
    headers = api.person(things.tenant, role).headers["key"]
    seen = 0
    for route in routes_of(api.application):
        if not route.path_format.startswith(tuple(f"{V1}/{name}" for name in OURS)) or not route.rule.permissions:
            continue
        path = route.path_format
        for name in ("entity", "relationship", "event", "attack", "investigation", "target", "source", "collection"):
            path = path.replace(f"{{{name}_id}}", str(uuid4()))
        path = path.replace("{record_id}", str(uuid4())).replace("{name}", "nothing")
        for method in route.methods or ():
            response = api.client.request(method, path, headers=headers, json={} if method != "GET" else None)
            allowed = not BUILT_IN[role].isdisjoint(route.rule.permissions)
            assert (response.status_code == 403) == (not allowed), (method, path, response.text)
            assert response.status_code < 500, (method, path, response.text)
            seen += 1
    assert seen >= 35


@pytest.mark.parametrize("path", sorted(CHANGES))
def test_a_state_that_was_seen_is_changed_and_no_other(api: Api, things: Things, path: str) -> None:
    headers, address, change = things.admin.headers["key"], things.paths[path], CHANGES[path]
    tag = api.client.get(address, headers=headers).headers["etag"]
    problem(api.client.patch(address, headers=headers | {"If-Match": '"other"'}, json=change), 412, "precondition")
    problem(api.client.patch(address, headers=headers | {"If-Match": f"W/{tag}"}, json=change), 412, "precondition")
    changed = api.client.patch(address, headers=headers | {"If-Match": tag}, json=change)
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] != tag
    assert api.client.get(address, headers=headers).headers["etag"] == changed.headers["etag"]
    assert changed.json() | change == changed.json()
    problem(api.client.patch(address, headers=headers | {"If-Match": tag}, json=change), 412, "precondition")
    same = api.client.get(address, headers=headers | {"If-None-Match": changed.headers["etag"]})
    assert same.status_code == 304


SLIPPED_IN = {
    "entity": (
        "id",
        "organization_id",
        "confidence",
        "risk_score",
        "properties",
        "name",
        "normalized_name",
        "created_at",
    ),
    "case": ("id", "organization_id", "owner_id", "risk_score", "started_at", "key_findings", "created_at"),
    "target": ("id", "organization_id", "investigation_id", "entity_id", "value", "target_type"),
    "source": ("id", "organization_id", "name", "credentials", "has_credentials", "created_at"),
    "collection": ("id", "organization_id", "user_id", "status", "progress", "items_collected", "collector_type"),
}


@pytest.mark.parametrize("path", sorted(SLIPPED_IN))
def test_what_is_not_described_is_refused_not_overlooked(api: Api, things: Things, path: str) -> None:
    headers, address = things.admin.headers["key"], things.paths[path]
    before = api.client.get(address, headers=headers).json()
    for name in SLIPPED_IN[path]:
        response = api.client.patch(address, headers=headers, json={**CHANGES[path], name: "7"})
        assert name in problem(response, 422, "validation")["errors"][0]["place"]
    assert api.client.get(address, headers=headers).json() == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("investigations", {"name": "Quay", "owner_id": str(uuid4())}),
        ("investigations", {"name": "Quay", "organization_id": str(uuid4())}),
        ("sources", {"name": "Quay", "credentials": "secret"}),
        ("collections", {"name": "Quay", "collector_type": "news", "user_id": str(uuid4())}),
        ("collections", {"name": "Quay", "collector_type": "news", "status": "completed"}),
    ],
)
def test_nothing_is_made_with_what_the_caller_has_no_say_in(api: Api, things: Things, path: str, body: Any) -> None:
    problem(api.client.post(f"{V1}/{path}", headers=things.admin.headers["key"], json=body), 422, "validation")


def test_a_case_is_opened_once_however_often_it_is_asked_for(api: Api) -> None:
    person = api.person(api.organization())
    headers = person.headers["key"] | {"Idempotency-Key": "k-1"}
    answers = [api.client.post(f"{V1}/investigations", headers=headers, json={"name": "Quay"}) for _ in range(3)]
    assert {(each.status_code, each.headers["location"], each.text) for each in answers} == {
        (201, answers[0].headers["location"], answers[0].text)
    }
    listed = api.client.get(f"{V1}/investigations", headers=person.headers["key"]).json()["items"]
    assert [each["name"] for each in listed] == ["Quay"]
    assert listed[0]["owner_id"] == str(person.user.id)
    problem(
        api.client.post(f"{V1}/investigations", headers=person.headers["key"], json={"name": "Quay"}), 409, "conflict"
    )


def test_a_deleted_case_is_gone(api: Api) -> None:
    things = made(api)
    headers = things.admin.headers["key"]
    tag = api.client.get(things.case, headers=headers).headers["etag"]
    problem(api.client.delete(things.case, headers=headers | {"If-Match": '"x"'}), 412, "precondition")
    assert api.client.delete(things.target, headers=headers).status_code == 204
    assert api.client.delete(things.case, headers=headers | {"If-Match": tag}).status_code == 204
    problem(api.client.get(things.case, headers=headers), 404, "not_found")


def test_a_page_of_another_organization_cannot_be_reached_by_its_cursor(api: Api) -> None:
    first, second = made(api), made(api)
    cursor = api.client.get(f"{V1}/entities?limit=1", headers=first.admin.headers["key"]).json()["next_cursor"]
    response = api.client.get(f"{V1}/entities?limit=1&cursor={cursor}", headers=second.admin.headers["key"])
    assert problem(response, 400, "input")["where"] == "cursor"


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "sort=organization_id",
        "offset=10",
        "first_seen_since=2025-01-01T00:00:00",
        "minimum_confidence=2",
        "is_verified=perhaps",
        "value_prefix=",
    ],
)
def test_filters_that_there_are_not_are_named(api: Api, things: Things, query: str) -> None:
    response = api.client.get(f"{V1}/entities?{query}", headers=things.admin.headers["key"])
    assert query.partition("=")[0] in problem(response, 422, "validation")["errors"][0]["place"]


def test_entities_are_listed_by_the_page_and_found_by_value(api: Api, things: Things) -> None:
    headers = things.admin.headers["key"]
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = api.client.get(
            f"{V1}/entities?limit=1&sort=name{cursor and f'&cursor={cursor}'}", headers=headers
        ).json()
        names += [each["name"] for each in page["items"]]
        cursor = page["next_cursor"]
    assert names == ["198.51.100.7", "b.example.net", "c2.example.net"]
    found = api.client.get(f"{V1}/entities/lookup?value=C2.EXAMPLE.net", headers=headers).json()["items"]
    assert [each["id"] for each in found] == [str(things.entity)]
    missing = problem(api.client.get(f"{V1}/entities/lookup?value=c2.exampel.net", headers=headers), 404, "not_found")
    assert "c2.example.net" in missing["remedy"]
    way = api.client.get(f"{V1}/paths?start=c2.example.net&goal=198.51.100.7", headers=headers).json()
    assert (way["found"], way["length"]) == (True, 1)
    none = api.client.get(f"{V1}/paths?start=c2.example.net&goal=b.example.net", headers=headers).json()
    assert none["found"] is False


def test_the_id_of_an_entity_that_was_merged_leads_to_the_other(api: Api, things: Things) -> None:
    headers = things.admin.headers["key"]
    gone = uuid4()
    with api.database.transaction(things.tenant.context) as connection:
        Writer(connection, things.tenant).insert("entity_aliases", alias_id=gone, entity_id=things.entity)
    assert api.client.get(f"{V1}/entities/{gone}", headers=headers).json()["id"] == str(things.entity)
    told = problem(api.client.get(f"{V1}/entities/{gone}/relationships", headers=headers), 404, "not_found")
    assert str(things.entity) in told["detail"]


def test_bytes_of_the_quarantine_are_saved_and_never_opened(api: Api, things: Things) -> None:
    response = api.client.get(things.paths["bytes"], headers=things.admin.headers["key"])
    assert response.content == b"<script>alert(1)</script>\x00\xff"
    assert response.headers["content-type"] == "application/octet-stream"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in response.headers["content-security-policy"]


def test_rejected_records_are_listed_without_their_bytes_and_given_up(api: Api) -> None:
    things = made(api)
    headers = things.admin.headers["key"]
    [held] = api.client.get(f"{V1}/quarantine?reason=bad_json", headers=headers).json()["items"]
    assert "content" not in held
    assert api.client.get(f"{V1}/quarantine?reason=other", headers=headers).json()["items"] == []
    both = {"ids": [held["id"], str(uuid4())]}
    problem(api.client.post(f"{V1}/quarantine/drop", headers=headers, json=both), 404, "not_found")
    assert api.client.post(f"{V1}/quarantine/drop", headers=headers, json={"ids": [held["id"]]}).json() == {
        "dropped": 1
    }
    assert api.client.get(f"{V1}/quarantine", headers=headers).json()["items"] == []
    assert len(api.client.get(f"{V1}/quarantine?status=dropped", headers=headers).json()["items"]) == 1
    problem(api.client.post(f"{V1}/quarantine/retry", headers=headers, json={}), 400, "input")


@pytest.mark.parametrize("form", ["html", "json"])
def test_a_report_is_an_attachment_that_can_do_nothing(api: Api, things: Things, form: str) -> None:
    response = api.client.get(f"{things.case}/report?format={form}", headers=things.admin.headers["key"])
    assert response.headers["content-disposition"].startswith("attachment")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script-src" not in policy
    assert "Harbour" in response.text
    if form == "json":
        assert response.json()["case"]["name"] == "Harbour"


def test_more_reports_at_once_than_the_server_writes_are_put_off(api: Api, things: Things) -> None:
    slots = api.serving.slots
    with slots.taken("report"), slots.taken("report"):
        response = api.client.get(things.paths["report"], headers=things.admin.headers["key"])
        problem(response, 429, "limit")
        assert int(response.headers["retry-after"]) > 0
    assert api.client.get(things.paths["report"], headers=things.admin.headers["key"]).status_code == 200


def test_items_of_a_collection_become_part_of_a_case(api: Api, things: Things) -> None:
    headers = things.admin.headers["key"]
    with api.database.transaction(things.tenant.context) as connection:
        writer = Writer(connection, things.tenant)
        item = writer.item(writer.source("cowrie"), "a.json")
    for body, attached in (({"collection_id": str(writer.collection)}, 1), ({"item_ids": [str(item)]}, 0)):
        response = api.client.post(f"{things.case}/items", headers=headers, json=body)
        assert response.json() == {"attached": attached}, response.text
    problem(api.client.post(f"{things.case}/items", headers=headers, json={}), 400, "input")
    unknown = {"item_ids": [str(uuid4())]}
    problem(api.client.post(f"{things.case}/items", headers=headers, json=unknown), 404, "not_found")


@pytest.mark.parametrize("text", [r"a\u0000b", r"a\ud800b"])
def test_texts_that_cannot_be_kept_are_refused(api: Api, things: Things, text: str) -> None:
    body = f'{{"name": "Quay", "description": "{text}"}}'
    headers = things.admin.headers["key"] | {"Content-Type": "application/json"}
    problem(api.client.post(f"{V1}/investigations", headers=headers, content=body), 422, "validation")


def test_reads_and_changes_are_told(api: Api) -> None:
    things = made(api)
    headers = things.admin.headers["key"]
    api.client.get(things.paths["entity"], headers=headers)
    api.client.get(f"{V1}/entities?type=domain", headers=headers)
    api.client.patch(things.paths["entity"], headers=headers, json={"tags": ["x"]})
    statement = sa.text(
        "SELECT event_type, resource_id, user_id, request_data FROM audit.events"
        " WHERE organization_id = :tenant AND resource_type = 'entity' ORDER BY id"
    )

    def written() -> dict[str, Any]:
        with api.database.transaction(None, "clew_auditor") as connection:
            return {row.event_type: row for row in connection.execute(statement, {"tenant": things.tenant.id})}

    wait_until(lambda: len(written()) >= 3, "the reads to be told")
    told = written()
    assert set(told) == {"entity_read", "entities_listed", "entity_changed"}
    assert told["entity_read"].resource_id == str(things.entity)
    assert told["entities_listed"].request_data["entity_type"] == "domain"
    assert {row.user_id for row in told.values()} == {things.admin.user.id}


def test_what_the_server_can_do(api: Api, things: Things) -> None:
    found = api.client.get(f"{V1}/capabilities", headers=things.admin.headers["token"]).json()
    assert found["api"] == "v1"
    assert "cowrie" in [each["name"] for each in found["readers"]]
    problem(api.client.get(f"{V1}/capabilities"), 401, "authentication")
