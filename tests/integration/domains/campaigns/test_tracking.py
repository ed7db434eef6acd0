"""Campaigns over several runs: found, grown, silent, back under the same identity; decided about; split runs."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clew.domains.campaigns.deciding import Deciding
from clew.domains.campaigns.reading import Campaign, campaign_details, find_campaign, list_campaigns
from clew.domains.campaigns.reporting import AnalysisReport, AnalysisRequest
from clew.domains.campaigns.running import run_analysis
from clew.kernel.database import Database
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from tests.support.attacks import START, Operator, background
from tests.support.embedded import SOURCES, environment_with
from tests.support.loading import count, load, log, rows
from tests.support.record import Tenant, new_organization

HOUR = timedelta(hours=1)
KRAKEN = Operator("kraken")


def brought(database: Database, tenant: Tenant, folder: Path, *parts: Iterable[bytes]) -> None:
    number = len(list(folder.glob("*.json")))
    load(database, tenant, log(folder / f"{tenant.slug}-{number}.json", [line for part in parts for line in part]))


def analysed(database: Database, tenant: Tenant, **asked: Any) -> AnalysisReport:
    return run_analysis(database, AnalysisRequest(tenant.context, **asked))


def listed(database: Database, tenant: Tenant, *, everything: bool = False) -> list[Campaign]:
    with database.transaction(tenant.context) as connection:
        return list_campaigns(connection, tenant.id, everything=everything)


def sources(database: Database, tenant: Tenant, campaign: Campaign) -> set[str]:
    with database.transaction(tenant.context) as connection:
        return set(campaign_details(connection, tenant.id, campaign).source_ips)


def addresses(operator: Operator) -> set[str]:
    return {f"{operator.network}.{number}" for number in operator.addresses}


def told(database: Database, tenant: Tenant, campaign: Campaign) -> list[str]:
    query = "SELECT event FROM campaign_activity WHERE campaign_id = %(id)s AND source_ip IS NULL ORDER BY id"
    return [event for (event,) in rows(database, tenant, query, id=campaign.id)]


def test_a_campaign_is_found_grows_falls_silent_and_returns_as_itself(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    brought(database, tenant, tmp_path, background(START), KRAKEN.lines(START))
    report = analysed(database, tenant)
    (found,) = listed(database, tenant)
    assert report.campaigns == (found.id,)
    assert (report.status, report.sessions) == ("completed", 84)
    assert (found.sources, found.sessions, found.status) == (8, 24, "active")
    assert sources(database, tenant, found) == addresses(KRAKEN)

    grown = Operator("kraken", addresses=range(5, 15))
    brought(database, tenant, tmp_path, background(START + HOUR, seed=2), grown.lines(START + HOUR, seed=2))
    analysed(database, tenant)
    (again,) = listed(database, tenant)
    assert (again.id, again.sources) == (found.id, 14)

    brought(database, tenant, tmp_path, background(START + timedelta(days=10), seed=3))
    analysed(database, tenant)
    assert [each.status for each in listed(database, tenant)] == ["dormant"]
    brought(database, tenant, tmp_path, background(START + timedelta(days=40), seed=4))
    analysed(database, tenant)
    assert [each.status for each in listed(database, tenant)] == ["concluded"]

    elsewhere = Operator("kraken", network="198.18.99", addresses=range(1, 7))
    brought(database, tenant, tmp_path, elsewhere.lines(START + timedelta(days=41)))
    analysed(database, tenant)
    (back,) = listed(database, tenant)
    assert (back.id, back.status) == (found.id, "active")
    assert addresses(elsewhere) <= sources(database, tenant, back)
    events = told(database, tenant, back)
    assert [each for each in events if each != "shrank"] == [
        "found", "grew", "dormant", "concluded", "returned", "grew",
    ]  # fmt: skip
    details = rows(database, tenant, "SELECT alert_type, count(*) FROM alert_events GROUP BY 1 ORDER BY 1")
    assert details == [("campaign_changed", 2), ("campaign_found", 1)]
    indicated = "SELECT count(*) FROM relationships WHERE relationship_type = 'INDICATES'"
    assert rows(database, tenant, indicated)[0][0] >= 20
    assert rows(database, tenant, "SELECT name FROM entities WHERE entity_type = 'campaign'") == [(back.name,)]


def test_runs_over_parts_come_to_what_one_run_does_whatever_sensors_are_called(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    other, hydra = new_organization(database), Operator("hydra", network="198.18.9")
    hours = [
        [
            *background(START + number * HOUR, seed=number + 1, sources=40),
            *KRAKEN.lines(START + number * HOUR, sessions=1, seed=number),
            *(hydra.lines(START + number * HOUR, sessions=1, seed=number) if number else ()),
        ]
        for number in range(3)
    ]
    reports = []
    for hour in hours:
        brought(database, tenant, tmp_path, hour)
        reports.append(analysed(database, tenant))
    parts = reports[-1]
    renamed = [line.replace(b'"east"', b'"west"') for hour in reversed(hours) for line in hour]
    brought(database, other, tmp_path, renamed)
    whole = analysed(database, other)
    assert (parts.sessions, parts.confidence, parts.scores) == (whole.sessions, whole.confidence, whole.scores)

    def shape(tenant: Tenant) -> list[Any]:
        query = """
            SELECT c.confidence, c.attack_count, c.first_seen, c.last_seen, c.scores, c.ttps,
                   (SELECT array_agg(host(source_ip) ORDER BY source_ip) FROM campaign_members
                    WHERE campaign_id = c.id),
                   (SELECT array_agg(indicator_type || indicator_value || confidence || occurrence_count ORDER BY 1)
                    FROM campaign_indicators WHERE campaign_id = c.id)
            FROM campaigns AS c ORDER BY 3, 2"""
        return rows(database, tenant, query)

    assert shape(tenant) == shape(other)
    assert len(shape(other)) == 2


def test_decisions_bind_later_runs_and_can_be_undone(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    hydra = Operator("hydra", network="198.18.9")
    brought(database, tenant, tmp_path, background(START), KRAKEN.lines(START), hydra.lines(START))
    analysed(database, tenant)
    by_source = {min(sources(database, tenant, each)): each for each in listed(database, tenant)}
    kraken, other = by_source["198.18.7.1"], by_source["198.18.9.1"]

    def decide(act: str, *given: Any) -> Any:
        with database.transaction(tenant.context) as connection:
            # As a report leaves a connection of the pool: PostgreSQL then refuses to change what such tables may take.
            connection.exec_driver_sql("CREATE TEMP TABLE used ON COMMIT DROP AS SELECT 1")
            return getattr(Deciding(connection, tenant.id), act)(*given)

    def later(number: int) -> None:
        at = START + number * HOUR
        brought(database, tenant, tmp_path, KRAKEN.lines(at, seed=number), hydra.lines(at, seed=number))
        analysed(database, tenant)

    assert decide("rename", kraken.id, "  Black =\tTide ").name == "Black = Tide"
    assert decide("attribute", kraken.id, "Somebody").threat_actor == "Somebody"
    assert decide("merge", kraken.id, [other.id]).sources == 16
    later(1)
    (one,) = listed(database, tenant)
    assert (one.id, one.name, one.sources, one.threat_actor) == (kraken.id, "Black = Tide", 16, "Somebody")
    assert rows(database, tenant, "SELECT name FROM entities WHERE entity_type = 'threat_actor'") == [("Somebody",)]

    with pytest.raises(InputError):
        decide("split", kraken.id, sorted(addresses(KRAKEN) | addresses(hydra)))
    with pytest.raises(NotFoundError):
        decide("split", kraken.id, ["192.0.2.200"])
    left, back = decide("split", kraken.id, [str(other.id)])
    assert (left.sources, back.id, back.sources) == (8, other.id, 8)
    later(2)
    assert {each.id: each.sources for each in listed(database, tenant)} == {kraken.id: 8, other.id: 8}

    part = sorted(addresses(KRAKEN))[:3]
    left, made = decide("split", kraken.id, part)
    later(3)
    now = {each.id: sources(database, tenant, each) for each in listed(database, tenant)}
    assert now[kraken.id] == addresses(KRAKEN) - set(part)
    assert now[made.id] == set(part)

    decide("reject", other.id)
    with pytest.raises(ConflictError):
        decide("pin", other.id)
    later(4)
    assert other.id not in {each.id for each in listed(database, tenant)}
    assert len(listed(database, tenant)) == 2
    assert decide("undo", other.id).is_rejected is False
    later(5)
    assert other.id in {each.id for each in listed(database, tenant)}
    acts = rows(database, tenant, "SELECT event_type FROM audit.events WHERE resource_type = 'campaign' ORDER BY id")
    assert [act for (act,) in acts] == [
        "campaign_renamed", "campaign_attributed", "campaign_merged_by_hand", "campaign_split_by_hand",
        "campaign_split_by_hand", "campaign_rejected", "campaign_decision_undone",
    ]  # fmt: skip


def test_a_stretch_of_time_only_adds(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    brought(database, tenant, tmp_path, background(START), KRAKEN.lines(START))
    brought(database, tenant, tmp_path, background(START + HOUR, seed=2, sources=10))
    analysed(database, tenant)
    (found,) = listed(database, tenant)
    quiet = analysed(database, tenant, since=START + HOUR)
    assert (quiet.campaigns, quiet.sessions) == ((), 10)
    assert listed(database, tenant) == [found]
    assert analysed(database, tenant, sensors=("nowhere",)).sessions == 0
    early = analysed(database, tenant, until=START + HOUR)
    assert early.campaigns == (found.id,)


def test_an_analysis_that_was_killed_leaves_nothing_and_runs_no_more(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    brought(database, tenant, tmp_path, background(START), KRAKEN.lines(START))
    code = (
        "import os, signal, sys; from pathlib import Path; from uuid import UUID\n"
        "from clew.kernel.settings import load_settings; from clew.kernel.database import Database, TenantContext\n"
        "from clew.domains.campaigns import recording, running\n"
        "from clew.domains.campaigns.reporting import AnalysisRequest\n"
        "from clew.domains.campaigns.running import run_analysis\n"
        "write = recording.Recorder._measure\n"
        "def die(*args): write(*args); os.kill(os.getpid(), signal.SIGKILL)\n"
        "recording.Recorder._measure = die\n"
        "with Database(load_settings()) as database:\n"
        "    run_analysis(database, AnalysisRequest(TenantContext(UUID(sys.argv[1]), UUID(sys.argv[2]))))\n"
    )
    settings = database.settings
    url = settings.database_url.get_secret_value() if settings.database_url else ""
    environment = environment_with(SOURCES) | {"CLEW_DATA_DIR": str(settings.data_dir), "CLEW_DATABASE_URL": url}
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tenant.id), str(tenant.operator)],
        env=os.environ | environment,
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert rows(database, tenant, "SELECT status FROM analysis_sessions") == [("processing",)]
    for table in ("campaigns", "campaign_activity", "alert_events", "coordination_states", "analysis_results"):
        assert count(database, tenant, table) == 0, table
    report = analysed(database, tenant)
    assert len(report.campaigns) == 1
    states = rows(database, tenant, "SELECT status FROM analysis_sessions ORDER BY created_at")
    assert states == [("failed",), ("completed",)]


def test_one_organization_sees_nothing_of_another(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    other = new_organization(database)
    brought(database, tenant, tmp_path, background(START), KRAKEN.lines(START))
    analysed(database, tenant)
    (found,) = listed(database, tenant)
    assert analysed(database, other).sessions == 0
    assert listed(database, other) == []
    with database.transaction(other.context) as connection, pytest.raises(NotFoundError):
        find_campaign(connection, other.id, found.id)
    for table in (
        "analysis_results", "analysis_session_members", "campaigns", "campaign_sessions", "campaign_indicators",
        "campaign_members", "campaign_activity", "campaign_analytics", "alert_events",
    ):  # fmt: skip
        assert count(database, other, table) == (1 if table == "analysis_results" else 0), table
        assert count(database, tenant, table) > 0, table


def test_times_that_cannot_be_are_left_out(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    brought(database, tenant, tmp_path, KRAKEN.lines(datetime(1970, 1, 2, tzinfo=UTC)))
    report = analysed(database, tenant)
    assert (report.sessions, report.campaigns) == (0, ())
