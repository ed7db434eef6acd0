"""What was loaded before adds nothing, in whatever wrapping and by whatever name it comes again."""

import gzip
import tarfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bench.generate import Plan, blocks
from clew.kernel.database import Database
from tests.support.loading import count, facts, line, load, log, rows
from tests.support.record import Tenant, new_organization


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return b"".join(blocks(Plan(events=600, seed=21))).splitlines()


def test_the_same_file_again_adds_nothing(
    database: Database, tenant: Tenant, tmp_path: Path, lines: list[bytes]
) -> None:
    path = log(tmp_path / "cowrie.json", [*lines, b"broken"])
    first = load(database, tenant, path).counts
    before = facts(database, tenant)

    again = load(database, tenant, path)

    assert (first.read, first.new, first.rejected) == (601, 600, 1)
    assert (again.counts.read, again.counts.new, again.counts.duplicate, again.counts.rejected) == (601, 0, 600, 1)
    assert (again.counts.entities, again.counts.relationships, again.counts.events) == (0, 0, 0)
    assert again.by_reason == {"invalid_json": 1}
    assert [file.status for file in again.files] == ["known"]
    assert facts(database, tenant) == before
    assert count(database, tenant, "quarantine") == 1


def test_the_same_log_packed_is_the_same_item(
    database: Database, tenant: Tenant, tmp_path: Path, lines: list[bytes]
) -> None:
    path = log(tmp_path / "plain" / "cowrie.json", lines)
    load(database, tenant, path)
    before = facts(database, tenant)
    packed = tmp_path / "packed"
    packed.mkdir()
    (packed / "cowrie.json.2025-03-09.gz").write_bytes(gzip.compress(path.read_bytes()))
    with tarfile.open(packed / "logs.tar.gz", "w:gz") as archive:
        archive.add(path, "var/log/cowrie.json")

    report = load(database, tenant, packed)

    assert [file.status for file in report.files] == ["known", "known"]
    assert report.counts.duplicate == report.counts.read == 1200
    assert len(set(report.item_ids)) == count(database, tenant, "ingest_files") == 1
    assert facts(database, tenant) == before


def test_a_grown_log_adds_only_what_grew(
    database: Database, tenant: Tenant, tmp_path: Path, lines: list[bytes]
) -> None:
    load(database, tenant, log(tmp_path / "cowrie.json", lines[:350]))

    grown = load(database, tenant, log(tmp_path / "cowrie.json", lines))

    assert (grown.counts.new, grown.counts.duplicate) == (250, 350)
    other = new_organization(database)
    load(database, other, log(tmp_path / "cowrie.json", lines))
    assert count(database, tenant, "attack_sessions") == count(database, other, "attack_sessions")
    total = "SELECT sum(event_count) FROM attack_sessions"
    assert rows(database, tenant, total) == rows(database, other, total)


def test_another_reading_of_a_log_counts_nothing_twice(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    repeated = line("command.input", 1, input="id")
    path = log(tmp_path / "cowrie.json", [line("session.connect"), repeated, repeated, line("login.failed", 2)])
    load(database, tenant, path)
    before = facts(database, tenant)

    # Every time in the log states its zone, so another zone for those that do not can change no fact.
    again = load(database, tenant, path, timezone=ZoneInfo("Europe/Berlin"))

    assert (again.counts.new, again.counts.duplicate) == (0, 4)
    assert facts(database, tenant) == before
    assert rows(database, tenant, "SELECT event_count, login_failures FROM attack_sessions") == [(3, 1)]
    assert rows(database, tenant, "SELECT occurrences FROM event_repeats") == [(2,)]


def test_a_report_that_was_copied_adds_nothing(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    report = [
        b"username,name,url_main,url_user,exists,http_status,response_time_s",
        b"quietowl,SiteA,https://a.example,https://a.example/quietowl,Claimed,200,0.5",
        b"quietowl,SiteB,https://b.example,https://b.example/quietowl,Available,404,0.5",
        b"quietowl,SiteB,https://b.example,https://b.example/quietowl,Available,404,0.5",
    ]
    first = load(database, tenant, log(tmp_path / "quietowl.csv", report))
    before = facts(database, tenant)
    copied = load(database, tenant, log(tmp_path / "copies" / "quietowl (1).csv", report))

    assert (first.counts.new, first.counts.merged, first.counts.duplicate) == (1, 1, 1)
    assert (copied.counts.new, copied.counts.merged, copied.counts.duplicate) == (0, 0, 3)
    assert facts(database, tenant) == before


def test_repeats_within_a_log_are_counted_occurrences(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    lines = [line("command.input", 1, input="id")] * 3 + [line("command.input", 2, input="w")]

    report = load(database, tenant, log(tmp_path / "cowrie.json", lines))

    assert (report.counts.read, report.counts.new, report.counts.duplicate) == (4, 2, 2)
    assert rows(database, tenant, "SELECT occurrences FROM event_repeats") == [(3,)]
    assert rows(database, tenant, "SELECT event_count, payload FROM attack_sessions") == [(2, "id\nw")]
