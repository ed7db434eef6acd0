"""Real honeypot logs: read counts equal the files', and every record is in one count."""

from pathlib import Path

import pytest

from clew.kernel.database import Database
from tests.support.loading import count, held, load, rows
from tests.support.record import Tenant

pytestmark = pytest.mark.realdata


def test_heralding(database: Database, tenant: Tenant, realdata: Path) -> None:
    report = load(database, tenant, realdata / "honeypot" / "heralding_82k_raw.json.tar.gz")

    assert report.by_source == {"heralding": 82_393}
    assert report.counts.rejected == len([row for row in held(database, tenant) if row[3] is not None])
    assert report.counts.new == report.counts.events == count(database, tenant, "events")


def test_honeytrap_with_its_repeats(database: Database, tenant: Tenant, realdata: Path) -> None:
    report = load(database, tenant, realdata / "honeypot" / "honeytrap_5k.json.tar.gz")

    assert report.by_source == {"honeytrap": 4_999}
    assert (report.counts.new, report.counts.duplicate, report.counts.rejected) == (4_599, 400, 0)
    assert rows(database, tenant, "SELECT sum(occurrences - 1) FROM event_repeats") == [(400,)]


def test_dionaea_with_its_broken_separators(database: Database, tenant: Tenant, realdata: Path) -> None:
    report = load(database, tenant, realdata / "honeypot" / "dioneae_20k.json.tar.gz")

    assert report.by_source == {"dionaea": 20_799}
    assert report.counts.rejected == 0
    broken = held(database, tenant)
    assert len(broken) == 29
    assert {(reason, record) for reason, _, _, record in broken} == {("broken_separator", None)}
    places = [(line, offset) for _, line, offset, _ in broken]
    assert all(line and offset for line, offset in places)
    assert len(set(places)) == 29
    assert any("29 broken places" in warning for warning in report.warnings)
