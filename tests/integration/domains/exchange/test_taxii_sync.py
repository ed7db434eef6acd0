"""What goes both ways between the record and a TAXII 2.1 collection, by taxii2-client."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from clew.domains.exchange import keeping, peers, tables
from clew.domains.exchange.report import SyncReport
from clew.domains.exchange.taxii_client import TaxiiCollection
from clew.domains.exchange.taxii_sync import TaxiiSync
from clew.kernel.database import Database
from clew.kernel.errors import InputError, NotFoundError
from clew.kernel.outbound import Outbound, OutboundFailedError, OutboundRefusedError
from clew.kernel.outbound_settings import allowed_hosts
from tests.support.exchanged import BUNDLE
from tests.support.record import NOON, Tenant
from tests.support.taxii_server import TaxiiStore, taxii_server

pytestmark = pytest.mark.slow  # half a minute of processor time

Document = dict[str, Any]
ACTOR: Document = BUNDLE["objects"][0]
LOCAL = Outbound(allowed_hosts("127.0.0.1"))


@dataclass
class Desk:
    """An organization, and a collection that it exchanges with."""

    database: Database
    tenant: Tenant
    store: TaxiiStore
    settings: Document = field(default_factory=lambda: {"push": True})

    def __post_init__(self) -> None:
        with self.database.transaction(self.tenant.context) as connection:
            connection.execute(
                sa.insert(tables.peers).values(
                    organization_id=self.tenant.id, name="peer", kind="taxii", base_url=self.store.address,
                    settings=peers.checked_settings(self.settings).model_dump(),
                )
            )  # fmt: skip

    def sync(self, *, dry_run: bool = False) -> SyncReport:
        with self.database.transaction(self.tenant.context) as connection:
            peer = peers.find_peer(connection, self.tenant.id, "peer")
        collection = TaxiiCollection(self.store.address, self.store.key, None, LOCAL)
        return TaxiiSync(self.database, self.tenant.context, peer, collection, dry_run).run()

    def ours(self, identifier: str = ACTOR["id"]) -> Document | None:
        with self.database.transaction(self.tenant.context) as connection:
            kept = keeping.find(connection, self.tenant.id, "stix", identifier)
        return None if kept is None or kept.content is None else kept.document

    def put(self, document: Document) -> None:
        with self.database.transaction(self.tenant.context) as connection:
            new = keeping.NewObject("stix", document["id"], document["type"], None, orjson.dumps(document))
            keeping.keep(connection, self.tenant.id, [new], NOON)

    def conflicts(self) -> list[tuple[str, str]]:
        with self.database.transaction(self.tenant.context) as connection:
            query = sa.select(tables.conflicts.c.external_id, tables.conflicts.c.rule)
            found = connection.execute(query.where(tables.conflicts.c.organization_id == self.tenant.id))
            return [tuple(row) for row in found]


@pytest.fixture
def store() -> Iterator[TaxiiStore]:
    with taxii_server() as opened:
        opened.objects = orjson.loads(orjson.dumps(BUNDLE["objects"]))
        yield opened


@pytest.fixture
def desk(database: Database, tenant: Tenant, store: TaxiiStore) -> Desk:
    return Desk(database, tenant, store)


def nothing(report: SyncReport) -> bool:
    return not any(report.pulled.values()) and not any(report.pushed.values()) and report.conflicts == 0


def test_objects_come_by_pages_once_with_their_facts_and_custom_properties(desk: Desk) -> None:
    assert desk.sync().pulled == {"new": 5, "changed": 0, "deleted": 0}
    assert [desk.ours(each["id"]) for each in BUNDLE["objects"]] == BUNDLE["objects"]
    with desk.database.transaction(desk.tenant.context) as connection:
        names = connection.execute(
            sa.text("SELECT name FROM entities WHERE organization_id = :o AND entity_type = 'threat_actor'"),
            {"o": desk.tenant.id},
        ).scalars()
        assert list(names) == ["Lantern Bear"]
    assert nothing(desk.sync())
    assert desk.store.written == []


def test_a_newer_version_there_comes_and_one_here_goes(desk: Desk) -> None:
    desk.sync()
    desk.store.objects.append(ACTOR | {"modified": "2026-02-01T00:00:00.000Z", "description": "theirs"})
    assert desk.sync().pulled == {"new": 0, "changed": 1, "deleted": 0}
    assert (desk.ours() or {})["description"] == "theirs"
    desk.put((desk.ours() or {}) | {"modified": "2026-03-01T00:00:00.000Z", "description": "ours"})
    assert desk.sync().pushed == {"new": 0, "changed": 1, "deleted": 0}
    assert desk.store.newest()[ACTOR["id"]]["description"] == "ours"
    assert nothing(desk.sync())


@pytest.mark.parametrize(("month", "wins"), [("04", "ours"), ("01", "theirs")])
def test_of_two_new_versions_the_newer_holds_and_the_other_is_named(desk: Desk, month: str, wins: str) -> None:
    desk.sync()
    desk.store.objects.append(ACTOR | {"modified": "2026-02-01T00:00:00.000Z", "description": "theirs"})
    desk.put(ACTOR | {"modified": f"2026-{month}-01T00:00:00.000Z", "description": "ours"})
    assert desk.sync().conflicts == 1
    assert (desk.ours() or {})["description"] == wins
    assert desk.store.newest()[ACTOR["id"]]["description"] == wins
    assert desk.conflicts() == [(ACTOR["id"], "newer_wins")]
    assert nothing(desk.sync())


def test_deletions_go_both_ways(desk: Desk) -> None:
    desk.sync()
    desk.store.delete(ACTOR["id"])
    assert desk.sync().pulled["deleted"] == 1
    assert desk.ours() is None
    other = BUNDLE["objects"][3]["id"]
    with desk.database.transaction(desk.tenant.context) as connection:
        keeping.forget(connection, desk.tenant.id, "stix", other, datetime.now(UTC))
    assert desk.sync().pushed["deleted"] == 1
    assert other not in desk.store.newest()
    assert nothing(desk.sync())


def test_a_deletion_there_of_what_was_changed_here_is_a_named_conflict(desk: Desk) -> None:
    desk.sync()
    desk.store.delete(ACTOR["id"])
    desk.put(ACTOR | {"modified": "2026-03-01T00:00:00.000Z", "description": "ours"})
    assert desk.sync().conflicts == 1
    assert (desk.ours() or {})["description"] == "ours"
    assert desk.conflicts() == [(ACTOR["id"], "change_over_deletion")]
    assert nothing(desk.sync())


@pytest.mark.parametrize(
    "marking",
    [
        ["marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"],
        ["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"],
        ["marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"],
        ["marking-definition--00000000-0000-4000-8000-000000000000"],
    ],
)
def test_nothing_leaves_beyond_its_marking(desk: Desk, marking: list[str]) -> None:
    desk.sync()
    newer = ACTOR | {"modified": "2026-03-01T00:00:00.000Z", "description": "secret"}
    for marked in (
        newer | {"object_marking_refs": marking},
        newer | {"granular_markings": [{"marking_ref": marking[0], "selectors": ["description"]}]},
    ):
        desk.put(marked)
        assert desk.sync().withheld == 1
    assert b"secret" not in orjson.dumps(desk.store.objects)
    assert desk.store.written == []


def test_what_the_server_does_not_take_is_named(desk: Desk) -> None:
    desk.sync()
    desk.store.refuse = frozenset({ACTOR["id"]})
    desk.put(ACTOR | {"modified": "2026-03-01T00:00:00.000Z", "description": "ours"})
    assert desk.sync().conflicts == 1
    assert (ACTOR["id"], "not_taken_there") in desk.conflicts()
    assert (desk.ours() or {})["description"] == "ours"


def test_a_dry_run_writes_nothing(desk: Desk) -> None:
    assert desk.sync(dry_run=True).pulled["new"] == 5
    assert desk.ours() is None
    assert nothing(desk.sync(dry_run=True)) is False


def test_a_login_goes_to_no_other_server_that_a_server_names(store: TaxiiStore) -> None:
    with taxii_server() as other:
        store.roots = (other.address.replace("/taxii2/", "/api/"),)
        with pytest.raises(OutboundFailedError, match="names another server"):
            TaxiiCollection(store.address, store.key, None, LOCAL)


def test_wrong_keys_names_and_places_are_said(store: TaxiiStore) -> None:
    with pytest.raises(OutboundFailedError, match="401"):
        TaxiiCollection(store.address, "clew:wrong", None, LOCAL)
    with pytest.raises(NotFoundError, match="Indicators"):
        TaxiiCollection(store.address, store.key, "Nothing", LOCAL)
    with pytest.raises(OutboundRefusedError):
        TaxiiCollection(store.address, store.key, None, Outbound())
    assert TaxiiCollection(store.address, store.key, "Indicators", LOCAL).can_write


def test_an_address_that_is_no_taxii_server_is_said() -> None:
    from tests.support.scripted_server import Reply, scripted

    page = Reply(200, b"<html>", {"Content-Type": "text/html"})
    with scripted(page) as server, pytest.raises((OutboundFailedError, InputError)):
        TaxiiCollection(server.address, "", None, LOCAL)
