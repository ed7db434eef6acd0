"""What an organization shares is read by a real TAXII client: what was chosen, and never beyond its marking."""

from collections.abc import Iterator
from typing import Any

import httpx2
import orjson
import pytest
from taxii2client.v21 import Server, as_pages  # type: ignore[import-untyped]

from clew.api import examples
from clew.domains.exchange import keeping, sharing
from clew.domains.exchange.taxii_client import TaxiiCollection
from clew.kernel.database import Database
from clew.kernel.errors import ForbiddenError
from clew.kernel.outbound import Outbound
from clew.kernel.outbound_settings import allowed_hosts
from tests.support.api import Api, Person
from tests.support.exchanged import BUNDLE
from tests.support.record import NOON
from tests.support.wire import Wire, served

MEDIA_TYPE = "application/taxii+json;version=2.1"
OBJECTS: list[dict[str, Any]] = BUNDLE["objects"]
RED = "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"


@pytest.fixture(scope="module")
def wire(database: Database) -> Iterator[Wire]:
    with served(database) as opened:
        yield opened


@pytest.fixture
def person(api: Api) -> Person:
    return api.person(api.organization(), role="readonly")


def shared(api: Api, person: Person, objects: list[dict[str, Any]], tlp: str = "green") -> sharing.SharedCollection:
    with api.database.transaction(person.tenant.context) as connection:
        made = sharing.add_collection(connection, person.tenant.id, f"Collection {tlp}", "What we share", tlp)
        for each in objects:  # one after the other, so that each has a time of its own
            sharing.share(connection, person.tenant.id, made, [each])
    return made


def server(wire: Wire, person: Person) -> Any:
    found = Server(f"http://{wire.host}:{wire.port}/taxii2/", user="clew", password=person.headers["key"]["X-API-Key"])
    found._conn.session.trust_env = False
    return found


def test_a_client_finds_what_is_shared_and_nothing_else(api: Api, wire: Wire, person: Person) -> None:
    assert server(wire, person).api_roots[0].collections == []
    made = shared(api, person, OBJECTS)
    (collection,) = server(wire, person).api_roots[0].collections
    assert (collection.id, collection.title, collection.can_write) == (str(made.id), "Collection green", False)
    assert collection.get_objects()["objects"] == OBJECTS
    assert [each["id"] for each in collection.get_manifest()["objects"]] == [each["id"] for each in OBJECTS]
    stranger = api.person(api.organization(), role="admin")
    assert server(wire, stranger).api_roots[0].collections == []


def test_pages_filters_and_versions(api: Api, wire: Wire, person: Person) -> None:
    newer = OBJECTS[0] | {"modified": "2026-01-01T00:00:00.000Z"}
    shared(api, person, [*OBJECTS, newer])
    (collection,) = server(wire, person).api_roots[0].collections
    pages = list(as_pages(collection.get_objects, per_request=2))
    assert [len(each["objects"]) for each in pages] == [2, 2, 1]
    ids = [each["id"] for page in pages for each in page["objects"]]
    assert ids == [each["id"] for each in OBJECTS[1:]] + [OBJECTS[0]["id"]]
    assert [each["type"] for each in collection.get_objects(type="indicator")["objects"]] == ["indicator"]
    assert collection.get_object(OBJECTS[0]["id"])["objects"] == [newer]
    assert len(collection.object_versions(OBJECTS[0]["id"])["versions"]) == 2
    assert collection.get_object(OBJECTS[0]["id"], version="first")["objects"] == [OBJECTS[0]]
    assert len(collection.get_objects(version="all")["objects"]) == len(OBJECTS) + 1
    assert collection.get_objects(spec_version="2.0") == {}
    last = collection.get_manifest()["objects"][2]["date_added"]
    assert len(collection.get_objects(added_after=last)["objects"]) <= 2


def test_nothing_is_shared_beyond_its_marking(api: Api, wire: Wire, person: Person) -> None:
    made = shared(api, person, OBJECTS[:1])
    marked = OBJECTS[1] | {"object_marking_refs": [RED]}
    with (
        pytest.raises(ForbiddenError, match="stricter"),
        api.database.transaction(person.tenant.context) as connection,
    ):
        sharing.share(connection, person.tenant.id, made, [marked])
    (collection,) = server(wire, person).api_roots[0].collections
    assert collection.get_objects()["objects"] == OBJECTS[:1]
    with api.database.transaction(person.tenant.context) as connection:  # marked red since it was shared
        later = orjson.dumps(OBJECTS[0] | {"modified": "2026-01-01T00:00:00.000Z", "object_marking_refs": [RED]})
        new = keeping.NewObject("stix", OBJECTS[0]["id"], OBJECTS[0]["type"], None, later)
        keeping.keep(connection, person.tenant.id, [new], NOON)
    assert collection.get_objects() == {}
    assert collection.get_manifest() == {}


def test_media_types_logins_and_missing_things(api: Api, wire: Wire, person: Person) -> None:
    made = shared(api, person, OBJECTS[:1])
    key = person.headers["key"]["X-API-Key"]
    base = f"http://{wire.host}:{wire.port}"

    def ask(path: str, auth: tuple[str, str] | None = ("clew", key), **headers: str) -> httpx2.Response:
        with httpx2.Client(trust_env=False) as client:
            return client.get(f"{base}{path}", headers=headers, auth=auth)

    good = ask("/taxii2/", accept=MEDIA_TYPE)
    assert (good.status_code, good.headers["content-type"]) == (200, MEDIA_TYPE)
    assert good.json() == examples.TAXII_DISCOVERY  # as described
    assert ask("/taxii2/root/", accept=MEDIA_TYPE).json() == examples.TAXII_ROOT
    assert ask("/taxii2/", accept="text/html").status_code == 406
    assert ask("/taxii2/", None).status_code == 401
    assert ask("/taxii2/", ("clew", "wrong")).status_code == 401
    assert ask("/api/v1/organization").status_code == 401  # Basic is for TAXII clients only
    root = f"/taxii2/root/collections/{made.id}"
    page = ask(f"{root}/objects/")
    assert page.headers["x-taxii-date-added-first"] == page.headers["x-taxii-date-added-last"]
    assert ask(f"{root}/objects/malware--{made.id}/").status_code == 404
    assert ask(f"/taxii2/root/collections/{person.tenant.id}/").status_code == 404
    assert ask(f"{root}/objects/?added_after=yesterday").status_code == 400
    assert ask(f"{root}/objects/?next=nonsense").status_code == 400
    assert ask(f"{root}/objects/?match[version]=x").status_code == 400


def test_one_clew_reads_what_another_shares(api: Api, wire: Wire, person: Person) -> None:
    shared(api, person, OBJECTS)
    address = f"http://{wire.host}:{wire.port}/taxii2/"
    outbound = Outbound(allowed_hosts("127.0.0.1"))
    collection = TaxiiCollection(address, person.headers["key"]["X-API-Key"], None, outbound)
    assert list(collection.objects()) == OBJECTS
    assert collection.manifest().keys() == {each["id"] for each in OBJECTS}
    assert not collection.can_write
