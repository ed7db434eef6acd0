"""Analyses and campaigns are cached before anybody asks for them, as they are, and for their organization only."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID, uuid4

import orjson
import pytest

from clew.api import warming
from clew.api.cached import name_and_body
from clew.api.server import running
from clew.api.services import live_services
from clew.api.warming import MOST_DUE, Warmer
from clew.kernel.cache.keys import ANALYSIS, CAMPAIGN
from clew.kernel.cache.remembering import unpacked
from clew.kernel.errors import DatabaseUnavailableError
from tests.support.api import Api, opened_api
from tests.support.embedded import wait_until
from tests.support.record import Tenant, migrated_database

if TYPE_CHECKING:
    from clew.api.serving import Serving


@pytest.fixture(scope="module")
def api() -> Iterator[Api]:
    with migrated_database() as database, opened_api(database) as opened:
        yield opened


def campaign_of(api: Api, tenant: Tenant, name: str) -> UUID:
    with api.database.transaction(tenant.context) as connection:
        made: UUID = connection.exec_driver_sql(
            "INSERT INTO campaigns (organization_id, name, status, confidence) VALUES (%s, %s, 'active', 0.9)"
            " RETURNING id",
            (tenant.id, name),
        ).scalar_one()
    return made


def analysis_of(api: Api, tenant: Tenant, status: str) -> UUID:
    with api.database.transaction(tenant.context) as connection:
        made: UUID = connection.exec_driver_sql(
            "INSERT INTO analysis_sessions (organization_id, id, status, analysis_depth, created_at)"
            " VALUES (%s, gen_random_uuid(), %s, 'standard', now()) RETURNING id",
            (tenant.id, status),
        ).scalar_one()
    return made


def cached_name(api: Api, tenant: Tenant, campaign: UUID) -> str | None:
    kept = api.serving.cache.get(CAMPAIGN.key(organization_id=tenant.id, campaign_id=campaign))
    value = None if kept is None else unpacked(kept)
    if value is None:
        return None
    name, body = name_and_body(value)
    assert orjson.loads(body)["name"] == name
    return name


def cached_status(api: Api, tenant: Tenant, analysis: UUID) -> str | None:
    kept = api.serving.cache.get(ANALYSIS.key(organization_id=tenant.id, session_id=analysis))
    value = None if kept is None else unpacked(kept)
    return None if value is None else str(orjson.loads(value)["status"])


def test_the_newest_at_the_start_and_whatever_changes(api: Api) -> None:
    tenant, other = api.organization(), api.organization()
    before, theirs = campaign_of(api, tenant, "before"), campaign_of(api, other, "theirs")
    over = analysis_of(api, tenant, "completed")
    with running(live_services(api.serving)):
        wait_until(lambda: cached_name(api, tenant, before) == "before", "the newest campaign to be cached")
        wait_until(lambda: cached_name(api, other, theirs) == "theirs", "another organization's to be cached")
        wait_until(lambda: cached_status(api, tenant, over) == "completed", "the newest analysis to be cached")
        assert cached_name(api, tenant, theirs) is None
        later, working = campaign_of(api, tenant, "later"), analysis_of(api, tenant, "processing")
        wait_until(lambda: cached_name(api, tenant, later) == "later", "what is found to be cached")
        assert cached_status(api, tenant, working) is None
        with api.database.transaction(tenant.context) as connection:
            connection.exec_driver_sql("UPDATE campaigns SET name = 'renamed' WHERE id = %s", (later,))
            connection.exec_driver_sql("UPDATE analysis_sessions SET status = 'failed' WHERE id = %s", (working,))
        wait_until(lambda: cached_name(api, tenant, later) == "renamed", "the change to be cached")
        wait_until(lambda: cached_status(api, tenant, working) == "failed", "what is over to be cached")
        mine = api.person(tenant, "admin").headers["key"]
        assert api.client.get(f"/api/v1/campaigns/{later}", headers=mine).json()["name"] == "renamed"
        assert api.client.get(f"/api/v1/campaigns/{theirs}", headers=mine).status_code == 404
        with api.database.transaction(tenant.context) as connection:
            connection.exec_driver_sql("DELETE FROM campaigns WHERE id = %s", (before,))
        wait_until(lambda: cached_name(api, tenant, before) is None, "what is deleted to be forgotten")


def test_what_is_due_is_bounded_and_what_is_no_row_passed_over() -> None:
    warmer = Warmer(cast("Serving", SimpleNamespace()))
    organization = uuid4()
    rows = [str(uuid4()) for _ in range(MOST_DUE + 5)]
    noise: list[tuple[str, Any, str]] = [
        ("campaigns", None, "updated"),
        ("campaigns", "no uuid", "updated"),
        ("campaigns", str(uuid4()), "deleted"),
        ("jobs", str(uuid4()), "updated"),
    ]
    for topic, row, change in (*noise, *(("campaigns", row, "updated") for row in rows)):
        warmer.note(organization, topic, row, change)
    warmer.note(organization, "campaigns", rows[-3], "updated")
    wanted = [*rows[5:-3], *rows[-2:], rows[-3]]
    assert [str(row) for _, _, row in warmer._due] == wanted


def test_called_again_after_a_fault_it_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    looked: list[bool] = []

    def note_newest(_: Warmer) -> None:
        looked.append(True)
        if len(looked) == 1:
            raise DatabaseUnavailableError("away", where="here")
        stop.set()

    monkeypatch.setattr(warming, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(Warmer, "_note_newest", note_newest)
    warmer = Warmer(cast("Serving", SimpleNamespace(memo=SimpleNamespace(trusted=True))))
    with pytest.raises(DatabaseUnavailableError):
        warmer.run(stop)
    warmer.run(stop)
    assert len(looked) == 2
