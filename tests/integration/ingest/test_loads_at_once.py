"""Loads that run at the same time neither wait for each other for ever nor count anything twice."""

from pathlib import Path

import pytest

from bench.generate import Plan, blocks
from clew.kernel.database import Database
from tests.support.loading import LoadingProcess, count, facts, load, log
from tests.support.record import Tenant, new_organization

EVENTS = 3_000


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return b"".join(blocks(Plan(events=EVENTS, seed=31))).splitlines()


def load_at_once(database: Database, tenant: Tenant, *paths: Path) -> list[dict[str, int]]:
    """The reports of as many processes as there are paths."""
    processes = [LoadingProcess(database, tenant, path) for path in paths]
    reports = []
    for process in processes:
        code, report, complaint = process.end()
        assert code == 0, complaint
        assert report["read"] == report["new"] + report["merged"] + report["duplicate"] + report["rejected"]
        reports.append(report)
    return reports


def total(reports: list[dict[str, int]], name: str) -> int:
    return sum(report[name] for report in reports)


def assert_once(database: Database, tenant: Tenant, reports: list[dict[str, int]], folder: Path) -> None:
    """The record is that of one load of everything, and the reports share it out between them."""
    assert total(reports, "new") == total(reports, "events") == count(database, tenant, "events") == EVENTS
    assert total(reports, "entities") == count(database, tenant, "entities")
    assert total(reports, "relationships") == count(database, tenant, "relationships")
    found = facts(database, tenant)
    again = load(database, tenant, folder)
    assert again.counts.new == again.counts.entities == again.counts.relationships == 0
    assert facts(database, tenant) == found


def test_the_same_file_twice_at_once(database: Database, tenant: Tenant, tmp_path: Path, lines: list[bytes]) -> None:
    path = log(tmp_path / "cowrie.json", lines)

    reports = load_at_once(database, tenant, path, path)

    assert sorted(report["new"] for report in reports) == [0, EVENTS]
    assert_once(database, tenant, reports, tmp_path)


def test_overlapping_files_at_once(database: Database, tenant: Tenant, tmp_path: Path, lines: list[bytes]) -> None:
    half = EVENTS // 2
    parts = (lines[: half + 600], lines[half - 600 :][::-1], lines[500:-500])
    paths = [log(tmp_path / f"{number}.json", part) for number, part in enumerate(parts)]

    reports = load_at_once(database, tenant, *paths)

    assert_once(database, tenant, reports, tmp_path)
    whole = new_organization(database)
    load(database, whole, log(tmp_path / "whole" / "cowrie.json", lines))
    for table in ("events", "entities", "relationships", "attack_sessions"):
        assert count(database, tenant, table) == count(database, whole, table)


def test_four_files_of_the_same_attackers_at_once(
    database: Database, tenant: Tenant, tmp_path: Path, lines: list[bytes]
) -> None:
    # Dealt line by line, every file names nearly every entity, relationship and session.
    paths = [log(tmp_path / f"{number}.json", lines[number::4]) for number in range(4)]

    reports = load_at_once(database, tenant, *paths)

    assert total(reports, "duplicate") == 0
    assert_once(database, tenant, reports, tmp_path)
