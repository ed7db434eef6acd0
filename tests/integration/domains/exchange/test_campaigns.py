"""Campaigns as others read them: events of MISP, bundles of STIX; and who others say is behind them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pymisp
import pytest
import sqlalchemy as sa
import stix2  # type: ignore[import-untyped]
from psycopg.types.json import Jsonb
from stix2patterns.validator import run_validator  # type: ignore[import-untyped]

from clew.domains.campaigns.reading import CampaignDetails, campaign_details, find_campaign
from clew.domains.exchange import keeping, peers, tables
from clew.domains.exchange.attribution import attribute_campaigns
from clew.domains.exchange.campaign_bundles import bundle_of_campaigns
from clew.domains.exchange.campaign_events import event_of, event_uuid, refresh_events
from clew.domains.exchange.exporting import exported
from clew.domains.exchange.importing import keep_events
from clew.domains.exchange.misp_client import MispServer
from clew.domains.exchange.misp_sync import MispSync
from clew.domains.exchange.report import SyncReport
from clew.kernel.database import Database
from clew.kernel.outbound import Outbound
from clew.kernel.outbound_settings import allowed_hosts
from tests.support.exchanged import EVENT
from tests.support.misp_server import KEY, MispStore, misp_server
from tests.support.record import NOON, Tenant, Writer

HASH = "c" * 64


@pytest.fixture
def campaign(database: Database, tenant: Tenant) -> UUID:
    identifier = uuid4()
    with database.transaction(tenant.context) as connection:
        writer = Writer(connection, tenant)
        techniques = Jsonb({"techniques": [{"id": "T1059.004", "name": "Unix Shell", "count": 7}]})
        writer.insert(
            "campaigns", id=identifier, name="Lantern 7 <script>", confidence=0.92, first_seen=NOON, last_seen=NOON,
            unique_sources=2, attack_count=9, ttps=techniques,
        )  # fmt: skip
        for number in (1, 2):
            writer.insert(
                "campaign_members", campaign_id=identifier, source_ip=f"198.51.100.{number}", confidence=0.92,
                first_seen=NOON, last_seen=NOON, session_ids=[uuid4()],
            )  # fmt: skip
        for kind, value in (
            ("ip", "198.51.100.1"), ("domain", "c2.lantern.example"), ("hash", HASH), ("pattern", "wget 'x' | sh"),
        ):  # fmt: skip
            told = {"indicator_type": kind, "indicator_value": value, "confidence": 0.9}
            writer.insert("campaign_indicators", campaign_id=identifier, **told)
    return identifier


def details(connection: sa.Connection, tenant: Tenant, campaign: UUID) -> CampaignDetails:
    return campaign_details(connection, tenant.id, find_campaign(connection, tenant.id, campaign))


def test_a_campaign_is_an_event_as_promised(database: Database, tenant: Tenant, campaign: UUID) -> None:
    with database.transaction(tenant.context) as connection:
        event = event_of(details(connection, tenant, campaign), NOON)
    assert event["info"] == "DShield Campaign: Lantern 7 <script>"
    assert (event["threat_level_id"], event["analysis"], event["distribution"]) == ("1", "2", "3")
    assert {each["name"] for each in event["Tag"]} == {"dshield:coordinated-attack", "confidence:high", "tlp:green"}
    told = {(each["type"], each["category"], each["value"]) for each in event["Attribute"]}
    assert told == {
        ("campaign-name", "Attribution", "Lantern 7 <script>"),
        ("ip-src", "Network activity", "198.51.100.1"),
        ("ip-src", "Network activity", "198.51.100.2"),
        ("domain", "Network activity", "c2.lantern.example"),
        ("sha256", "Payload delivery", HASH),
        ("pattern-in-traffic", "Payload delivery", "wget 'x' | sh"),
    }
    address = next(each for each in event["Attribute"] if each["value"] == "198.51.100.1")
    assert address["comment"] == "Coordination confidence: 0.92"
    assert address["first_seen"] == "2025-03-09T12:00:00.000000+00:00"
    (technique,) = event["Object"]
    assert (technique["name"], technique["meta-category"]) == ("attack-pattern", "ttp")
    assert [each["value"] for each in technique["Attribute"]] == ["T1059.004", "Unix Shell"]
    loaded = pymisp.MISPEvent()
    loaded.load({"Event": orjson.loads(orjson.dumps(event))})
    assert len(loaded.attributes) == 6


def test_a_campaign_is_a_bundle_that_stix2_reads(database: Database, tenant: Tenant, campaign: UUID) -> None:
    with database.transaction(tenant.context) as connection:
        found = details(connection, tenant, campaign)
    bundle = bundle_of_campaigns([found], NOON)
    parsed = stix2.parse(bundle)
    kinds = sorted(each["type"] for each in parsed.objects)
    assert kinds.count("indicator") == 4
    assert kinds.count("relationship") == 5
    assert {"campaign", "attack-pattern", "marking-definition"} <= set(kinds)
    patterns = [each["pattern"] for each in parsed.objects if each["type"] == "indicator"]
    assert [run_validator(each, stix_version="2.1") for each in patterns] == [[]] * 4
    assert bundle == bundle_of_campaigns([found], datetime.now(UTC))  # made again it is the same


def test_exports_of_one_and_of_several(database: Database, tenant: Tenant, campaign: UUID) -> None:
    with database.transaction(tenant.context) as connection:
        found = details(connection, tenant, campaign)
        settings = database.settings
        assert exported(connection, tenant.id, [found], "misp", settings)["Event"]["uuid"] == event_uuid(campaign)
        assert len(exported(connection, tenant.id, [found, found], "misp", settings)["response"]) == 2
        assert exported(connection, tenant.id, [found], "stix", settings)["type"] == "bundle"


@pytest.fixture
def store() -> Iterator[MispStore]:
    with misp_server() as opened:
        yield opened


def sync(database: Database, tenant: Tenant, store: MispStore) -> SyncReport:
    with database.transaction(tenant.context) as connection:
        if not peers.list_peers(connection, tenant.id):
            told = peers.checked_settings({"push": True, "campaigns": True}).model_dump()
            values = {"name": "peer", "kind": "misp", "base_url": store.address, "settings": told}
            connection.execute(sa.insert(tables.peers).values(organization_id=tenant.id, **values))
        peer = peers.find_peer(connection, tenant.id, "peer")
    server = MispServer(store.address, KEY, Outbound(allowed_hosts("127.0.0.1")))
    return MispSync(database, tenant.context, peer, server).run()


def test_a_campaign_goes_there_and_follows_what_becomes_of_it(
    database: Database, tenant: Tenant, campaign: UUID, store: MispStore
) -> None:
    assert sync(database, tenant, store).pushed == {"new": 1, "changed": 0, "deleted": 0}
    identifier = event_uuid(campaign)
    assert len(store.events[identifier]["Attribute"]) == 6
    again = sync(database, tenant, store)
    assert not any(again.pushed.values())
    with database.transaction(tenant.context) as connection:
        assert find_campaign(connection, tenant.id, campaign).id == campaign
        misp = connection.scalar(sa.text("SELECT misp_event_id FROM campaigns WHERE id = :id"), {"id": campaign})
        assert misp == identifier
        connection.execute(sa.text("UPDATE campaigns SET name = 'Lantern 8' WHERE id = :id"), {"id": campaign})
        connection.execute(
            sa.text("DELETE FROM campaign_members WHERE campaign_id = :id AND source_ip = '198.51.100.2'"),
            {"id": campaign},
        )
    # … and a peer adds something of its own to the event, and takes a tag off.
    store.attach_tag({"uuid": identifier, "tag": "confirmed"}, on=True)
    store.attach_tag({"uuid": identifier, "tag": "confidence:high"}, on=False)
    report = sync(database, tenant, store)
    assert (report.pulled["changed"], report.pushed["changed"], report.conflicts) == (1, 1, 0)
    theirs = store.shown(store.events[identifier], {})
    assert theirs["info"] == "DShield Campaign: Lantern 8"
    assert "198.51.100.2" not in {each["value"] for each in theirs["Attribute"]}
    assert {each["name"] for each in theirs["Tag"]} == {"dshield:coordinated-attack", "tlp:green", "confirmed"}
    assert not any(sync(database, tenant, store).pushed.values())


def test_an_event_that_a_peer_deleted_is_not_made_again(
    database: Database, tenant: Tenant, campaign: UUID, store: MispStore
) -> None:
    sync(database, tenant, store)
    store.delete_event(event_uuid(campaign))
    assert sync(database, tenant, store).pulled["deleted"] == 1
    assert not any(sync(database, tenant, store).pushed.values())
    assert store.events == {}


def test_a_campaign_that_is_none_any_more_is_deleted_there(
    database: Database, tenant: Tenant, campaign: UUID, store: MispStore
) -> None:
    sync(database, tenant, store)
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text("UPDATE campaigns SET is_rejected = true WHERE id = :id"), {"id": campaign})
    assert sync(database, tenant, store).pushed["deleted"] == 1
    assert store.events == {}


def attribution(connection: sa.Connection, campaign: UUID) -> Any:
    return connection.scalar(sa.text("SELECT threat_actor_attribution FROM campaigns WHERE id = :id"), {"id": campaign})


def event(actors: list[str], values: list[str]) -> bytes:
    made = EVENT | {
        "uuid": str(uuid4()),
        "Tag": [{"name": f'misp-galaxy:threat-actor="{each}"'} for each in actors],
        "Galaxy": [],
        "Attribute": [{"uuid": str(uuid4()), "type": "ip-src", "value": each, "timestamp": "1"} for each in values],
        "Object": [],
    }
    return orjson.dumps(made)


@pytest.mark.parametrize(
    ("events", "attributed"),
    [
        ([(["BEAR"], ["198.51.100.1", "c2.lantern.example", HASH])], "BEAR"),
        ([(["BEAR"], ["198.51.100.1", HASH])], None),  # too little in common
        ([(["BEAR", "CAT"], ["198.51.100.1", "c2.lantern.example", HASH])], None),  # several
        ([(["BEAR"], ["198.51.100.1", "c2.lantern.example", HASH]),
          (["CAT"], ["198.51.100.1", "c2.lantern.example", HASH])], None),  # they disagree
        ([([], ["198.51.100.1", "c2.lantern.example", HASH])], None),
    ],
)  # fmt: skip
def test_who_others_say_is_behind_it(
    database: Database,
    tenant: Tenant,
    campaign: UUID,
    events: list[tuple[list[str], list[str]]],
    attributed: str | None,
) -> None:
    with database.transaction(tenant.context) as connection:
        keep_events(connection, tenant.id, [event(*each) for each in events], NOON)
        assert attribute_campaigns(connection, tenant.id) == (attributed is not None)
        assert attribution(connection, campaign) == attributed
        assert attribute_campaigns(connection, tenant.id) == 0


def test_what_an_analyst_decided_is_not_overruled(database: Database, tenant: Tenant, campaign: UUID) -> None:
    with database.transaction(tenant.context) as connection:
        connection.execute(
            sa.text("UPDATE campaigns SET threat_actor_attribution = 'CAT' WHERE id = :id"), {"id": campaign}
        )
        keep_events(connection, tenant.id, [event(["BEAR"], ["198.51.100.1", "c2.lantern.example", HASH])], NOON)
        assert attribute_campaigns(connection, tenant.id) == 0
        assert attribution(connection, campaign) == "CAT"


def test_an_actor_that_a_peer_adds_to_the_campaigns_own_event_counts(
    database: Database, tenant: Tenant, campaign: UUID
) -> None:
    with database.transaction(tenant.context) as connection:
        refresh_events(connection, tenant.id, NOON, database.settings)
        kept = keeping.find(connection, tenant.id, "misp", event_uuid(campaign))
        assert kept is not None
        document = kept.document
        document["Tag"].append({"name": 'misp-galaxy:threat-actor="BEAR"'})
        new = keeping.NewObject("misp", kept.external_id, "event", kept.title, orjson.dumps(document))
        keeping.keep(connection, tenant.id, [new], NOON)
        assert attribute_campaigns(connection, tenant.id) == 1
        assert attribution(connection, campaign) == "BEAR"
