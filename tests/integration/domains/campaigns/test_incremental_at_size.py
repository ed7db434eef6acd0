"""An hour on top of thousands of sources: the run that reads a part finds what a run over everything finds."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pathlib import Path

import pytest

from clew.domains.campaigns.reading import campaign_details, list_campaigns
from clew.domains.campaigns.reporting import AnalysisReport, AnalysisRequest
from clew.domains.campaigns.running import run_analysis
from clew.kernel.database import Database
from tests.support.attacks import START, Operator, background
from tests.support.loading import load, log
from tests.support.record import Tenant, new_organization

pytestmark = pytest.mark.slow

OPERATORS = [Operator(f"op-{number:02}", f"198.18.{number}", tuple(range(1, 5 + number % 6))) for number in range(24)]
DAYS = 26


def history() -> Iterator[bytes]:
    """Twenty-six days of 6,500 ordinary sources; 20 operators, each on one of them."""
    for day in range(DAYS):
        yield from background(START + timedelta(days=day), sources=250, seed=day + 1)
    for number, operator in enumerate(OPERATORS[:20]):
        yield from operator.lines(START + timedelta(days=number % DAYS), sessions=2)


def last_hour() -> Iterator[bytes]:
    """Another hour: known operators from known and from new addresses, new operators, and new ordinary sources."""
    hour = START + timedelta(days=DAYS)
    yield from background(hour, sources=80, seed=90)
    for operator in OPERATORS[:3]:
        yield from operator.lines(hour, sessions=1, seed=2)
    for operator in OPERATORS[3:6]:
        yield from Operator(operator.name, operator.network, (60, 61)).lines(hour, sessions=2)
    for operator in OPERATORS[20:]:
        yield from operator.lines(hour, sessions=2)


def analysed(database: Database, tenant: Tenant) -> AnalysisReport:
    return run_analysis(database, AnalysisRequest(tenant.context))


def found(database: Database, tenant: Tenant) -> dict[frozenset[str], float]:
    with database.transaction(tenant.context) as connection:
        listed = list_campaigns(connection, tenant.id)
        return {
            frozenset(campaign_details(connection, tenant.id, each).source_ips): round(each.confidence, 2)
            for each in listed
        }


def test_an_hour_on_top_gives_what_a_run_over_everything_gives(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    load(database, tenant, log(tmp_path / "history.json", list(history())))
    assert len(analysed(database, tenant).campaigns) == 20
    load(database, tenant, log(tmp_path / "hour.json", list(last_hour())))
    hour = analysed(database, tenant)
    assert 0 < hour.read < hour.sessions / 4
    assert hour.sessions > 6_500

    everything = new_organization(database)
    load(database, everything, log(tmp_path / "all.json", list(chain(history(), last_hour()))))
    whole = analysed(database, everything)
    assert whole.read == whole.sessions == hour.sessions
    assert found(database, tenant) == found(database, everything)
    assert len(whole.campaigns) == 24
