"""A value that PostgreSQL refuses costs its own record only, which is held with its place and the reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from clew.ingest import quarantine, recognition
from clew.ingest.sources.base import Framing, ItemKind
from clew.ingest.sources.registry import SOURCES
from clew.kernel.database import Database
from clew.records.loader import FileProgress, Loader, StagedBatch
from tests.support.loading import count, empty, facts, load, log, rows, small_batches
from tests.support.odd_source import OddSource, odd_line
from tests.support.record import Tenant, new_organization

PORT = {"port": 70_000, "session": "own"}  # an attack session's port is checked
CONFIDENCE = {"confidence": 7.0}  # so is an entity's confidence
TOO_LARGE = {"confidence": 77.0}  # which does not even fit its column
KINDS = [
    pytest.param(ItemKind.LOG, Framing.LINES, id="log"),
    pytest.param(ItemKind.RESULTS, Framing.LINES, id="rows"),
    pytest.param(ItemKind.RESULTS, Framing.DOCUMENT, id="document"),
]
Use = Callable[..., None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    def registered(kind: ItemKind, framing: Framing = Framing.LINES, *, forgiving: bool = False) -> None:
        monkeypatch.setattr(recognition, "SOURCES", (*SOURCES, OddSource(kind, framing, forgiving)))

    return registered


def lines_with(poison: dict[int, dict[str, Any]], total: int = 60) -> list[bytes]:
    return [odd_line(number, **poison.get(number, {})) for number in range(total)]


def held_records(database: Database, tenant: Tenant) -> list[tuple[Any, ...]]:
    query = "SELECT record, line, reason, detail, content FROM quarantine WHERE status = 'held' ORDER BY line, reason"
    return rows(database, tenant, query)


@pytest.mark.parametrize(("kind", "framing"), KINDS)
@pytest.mark.parametrize("poison", [CONFIDENCE, TOO_LARGE], ids=["check", "range"])
def test_a_refused_fact_costs_its_record_only(
    database: Database,
    tenant: Tenant,
    tmp_path: Path,
    use: Use,
    kind: ItemKind,
    framing: Framing,
    poison: dict[str, Any],
) -> None:
    use(kind, framing)
    lines = lines_with({17: poison | {"ip": "203.0.113.9"}})

    report = load(database, tenant, log(tmp_path / "odd.json", lines))

    assert (report.counts.read, report.counts.rejected) == (60, 1)
    assert report.by_reason == {"refused_value": 1}
    ((record, line, reason, detail, content),) = held_records(database, tenant)
    assert (record, line, reason) == (17, 18, "refused_value")
    assert b"203.0.113.9" in content
    assert detail.startswith("line 18: PostgreSQL refuses it: ")
    assert "203.0.113.9" not in str(facts(database, tenant))
    assert count(database, tenant, "entities") == 60
    assert [file.status for file in report.files] == ["loaded"]


def test_a_refused_event_leaves_no_facts_of_its_record(
    database: Database, tenant: Tenant, tmp_path: Path, use: Use
) -> None:
    use(ItemKind.LOG)
    first, last = PORT | {"ip": "203.0.113.1"}, PORT | {"ip": "203.0.113.2"}
    lines = [*lines_with({0: first, 59: last}), odd_line(60, broken=1), *lines_with({}, 3)]

    report = load(database, tenant, log(tmp_path / "odd.json", lines))

    assert (report.counts.read, report.counts.new, report.counts.duplicate, report.counts.rejected) == (64, 59, 2, 3)
    assert report.by_reason == {"broken": 1, "refused_value": 2}
    assert report.counts.events == count(database, tenant, "events") == 59
    assert report.counts.entities == count(database, tenant, "entities") == 60
    found = held_records(database, tenant)
    assert [row[:3] for row in found] == [(0, 1, "refused_value"), (59, 60, "refused_value"), (60, 61, "broken")]
    assert 'violates check constraint "attack_sessions_target_port_check" (23514)' in found[0][3]
    assert [row[4] for row in found] == [lines[0], lines[59], lines[60]]
    assert not any(address in str(facts(database, tenant)) for address in ("203.0.113.1", "203.0.113.2"))


def test_what_is_said_of_a_refusal_holds_no_other_rows_values(
    database: Database, tenant: Tenant, tmp_path: Path, use: Use
) -> None:
    use(ItemKind.LOG)
    # Both name one address, so what is refused is a row that holds what the other said of it as well.
    lines = [odd_line(1, ip="203.0.113.77"), odd_line(2, ip="203.0.113.77", **CONFIDENCE)]
    load(database, tenant, log(tmp_path / "a" / "odd.json", lines[:1]))
    load(database, tenant, log(tmp_path / "b" / "odd.json", lines))

    ((*_, detail, content),) = held_records(database, tenant)
    assert content == lines[1]
    assert detail.endswith('violates check constraint "entities_confidence_check" (23514)')
    assert "2025" not in detail
    assert "203.0.113" not in detail


FEW = settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.slow
@FEW
@given(places=st.dictionaries(st.integers(0, 999), st.sampled_from([PORT, CONFIDENCE]), min_size=1, max_size=4))
def test_refused_records_give_the_same_facts_in_any_split(
    database: Database, tmp_path: Path, use: Use, places: dict[int, dict[str, Any]]
) -> None:
    use(ItemKind.LOG)
    tenant = new_organization(database)
    poison = {place: what | {"ip": f"203.0.113.{place % 250}"} for place, what in places.items()}
    sound = [odd_line(number) for number in range(1000) if number not in poison]
    load(database, tenant, log(tmp_path / f"{len(list(tmp_path.iterdir()))}-sound" / "odd.json", sound))
    expected = facts(database, tenant)
    whole = log(tmp_path / f"{len(list(tmp_path.iterdir()))}-whole" / "odd.json", lines_with(poison, 1000))
    for loading in (database.settings, small_batches(database.settings)):
        empty(database, tenant)
        report = load(database, tenant, whole, settings=loading)

        assert report.counts.rejected == len(poison)
        assert facts(database, tenant) == expected
        assert [row[0] for row in held_records(database, tenant)] == sorted(poison)


@pytest.mark.parametrize("kind", [ItemKind.LOG, ItemKind.RESULTS])
def test_a_load_that_dies_between_its_commits_goes_on_as_if_it_had_not(
    database: Database, tmp_path: Path, use: Use, kind: ItemKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(kind)
    poison = CONFIDENCE if kind is ItemKind.RESULTS else PORT
    path = log(tmp_path / "odd.json", lines_with({5: poison, 1111: poison}, 1500))
    small = small_batches(database.settings)
    peaceful, tenant = new_organization(database), new_organization(database)
    expected = load(database, peaceful, path, settings=small).as_dict()
    saved = Loader._save

    def die(self: Loader, progress: FileProgress, staged: StagedBatch) -> FileProgress:
        raise KeyboardInterrupt

    # The facts of the batch are committed by then, those of the log's events are not.
    monkeypatch.setattr(Loader, "_save", die)
    with pytest.raises(KeyboardInterrupt):
        load(database, tenant, path, settings=small)
    assert count(database, tenant, "events") == count(database, tenant, "quarantine") == 0
    assert (count(database, tenant, "entities") > 0) is (kind is ItemKind.LOG)
    monkeypatch.setattr(Loader, "_save", saved)

    report = load(database, tenant, path, settings=small).as_dict()

    for name in ("read", "new", "merged", "duplicate", "rejected", "entities", "relationships", "events", "by_reason"):
        assert report[name] == expected[name], name
    assert [row[0] for row in held_records(database, tenant)] == [5, 1111]


@pytest.mark.parametrize(("kind", "framing"), KINDS)
def test_a_retry_takes_what_is_accepted_now_and_holds_the_rest(
    database: Database, tenant: Tenant, tmp_path: Path, use: Use, kind: ItemKind, framing: Framing
) -> None:
    use(kind, framing)
    lines = lines_with({3: CONFIDENCE, 30: CONFIDENCE})
    load(database, tenant, log(tmp_path / "odd.json", lines))

    still = quarantine.retry(database, database.settings, tenant.id, tenant.operator)
    assert (still.tried, still.recovered, still.rejected) == (2, 0, 2)
    assert len(held_records(database, tenant)) == 2

    use(kind, framing, forgiving=True)
    now = quarantine.retry(database, database.settings, tenant.id, tenant.operator)
    assert (now.tried, now.recovered, now.rejected) == (2, 2, 0)
    assert held_records(database, tenant) == []
    ((counts, by_reason),) = rows(database, tenant, "SELECT counts, by_reason FROM ingest_files")
    assert counts["read"] == counts["new"] + counts["merged"] + counts["duplicate"] == 60
    assert (counts["rejected"], by_reason) == (0, {})


def test_a_file_of_nothing_but_refused_records_is_held_whole(
    database: Database, tenant: Tenant, tmp_path: Path, use: Use
) -> None:
    use(ItemKind.LOG)
    report = load(database, tenant, log(tmp_path / "odd.json", lines_with(dict.fromkeys(range(20), PORT), 20)))

    assert (report.counts.read, report.counts.rejected) == (20, 20)
    assert count(database, tenant, "events") == count(database, tenant, "entities") == 0
    assert len(held_records(database, tenant)) == 20
