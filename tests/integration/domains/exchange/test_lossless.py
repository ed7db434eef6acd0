"""What is read comes out as it went in: events by PyMISP's own comparison, bundles as JSON and by stix2."""

import gzip
import random
from pathlib import Path
from typing import Any
from unittest import mock
from uuid import UUID

import orjson
import pymisp
import pytest
import stix2  # type: ignore[import-untyped]

from clew.domains.exchange import keeping
from clew.domains.exchange.importing import bundle_of, keep_document
from clew.ingest.sources.misp import events_of
from clew.kernel.database import Database
from tests.support.exchanged import BUNDLE, EVENT
from tests.support.record import NOON, Tenant

MISP_FILES = (
    "HTML_event", "galaxy_1", "image_event", "japanese_test", "mainly_objects_2", "sighting_1", "to_delete1",
    "to_delete2", "very_long_event",
)  # fmt: skip


def event_after(database: Database, tenant: Tenant, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    (raw, _, fault), *_ = list(events_of(content))
    assert fault is None
    before = orjson.loads(raw)
    with database.transaction(tenant.context) as connection:
        keep_document(connection, tenant.id, "misp", content, NOON)
        kept = keeping.find(connection, tenant.id, "misp", before["uuid"])
    assert kept is not None
    return before, kept.document


def same_by_pymisp(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """PyMISP makes ids up for references that name no object, others with each loading: here the same ones."""
    events = []
    for each in (before, after):
        made_up = random.Random(1)
        with mock.patch("uuid.uuid4", lambda made_up=made_up: UUID(int=made_up.getrandbits(128), version=4)):
            event = pymisp.MISPEvent()
            event.load({"Event": orjson.loads(orjson.dumps(each))})  # it takes what it is given apart
        events.append(event)
    return bool(events[0] == events[1]) and events[0].to_json() == events[1].to_json()


@pytest.mark.realdata
@pytest.mark.parametrize("name", MISP_FILES)
def test_an_event_comes_out_as_it_went_in(database: Database, tenant: Tenant, realdata: Path, name: str) -> None:
    before, after = event_after(database, tenant, (realdata / "misp" / f"{name}.json").read_bytes())
    assert after == before
    assert same_by_pymisp(before, after)


def test_an_event_of_our_own_with_everything_comes_out_as_it_went_in(database: Database, tenant: Tenant) -> None:
    before, after = event_after(database, tenant, orjson.dumps({"Event": EVENT}))
    assert after == before == EVENT
    assert same_by_pymisp(before, after)


def test_the_comparison_sees_a_difference() -> None:
    assert not same_by_pymisp(EVENT, EVENT | {"info": "another"})


def bundle_after(database: Database, tenant: Tenant, content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    before = orjson.loads(content)
    with database.transaction(tenant.context) as connection:
        keep_document(connection, tenant.id, "stix", content, NOON)
        after = orjson.loads(bundle_of(connection, tenant.id, before["id"]))
    return before, after


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["apt1.json", "mobile-attack-17.1.json.gz"])
def test_a_bundle_comes_out_as_it_went_in(database: Database, tenant: Tenant, realdata: Path, name: str) -> None:
    content = (realdata / "stix" / name).read_bytes()
    content = gzip.decompress(content) if name.endswith(".gz") else content
    before, after = bundle_after(database, tenant, content)
    assert after == before
    if name == "apt1.json":
        pair = [stix2.parse(each, allow_custom=True) for each in (before, after)]
        assert pair[0].serialize() == pair[1].serialize()


def test_a_bundle_of_our_own_with_custom_properties_comes_out_as_it_went_in(database: Database, tenant: Tenant) -> None:
    before, after = bundle_after(database, tenant, orjson.dumps(BUNDLE))
    assert after == before == BUNDLE


def test_a_bundle_keeps_the_versions_that_it_had(database: Database, tenant: Tenant) -> None:
    """Whatever newer version of an object another bundle brings."""
    newer = orjson.loads(orjson.dumps(BUNDLE))
    newer["id"] = "bundle--6a1d2c3b-0000-4000-8000-000000000002"
    newer["objects"][0] |= {"modified": "2026-01-01T00:00:00.000Z", "description": "newer"}
    for first, second in ((BUNDLE, newer), (newer, BUNDLE)):
        with database.transaction(tenant.context) as connection:
            for each in (first, second):
                keep_document(connection, tenant.id, "stix", orjson.dumps(each), NOON)
            for each in (first, second):
                assert orjson.loads(bundle_of(connection, tenant.id, each["id"])) == each
            kept = keeping.find(connection, tenant.id, "stix", newer["objects"][0]["id"])
        assert kept is not None
        assert kept.document["description"] == "newer"
