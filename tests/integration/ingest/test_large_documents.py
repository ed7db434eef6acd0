"""A document of many rows is merged in parts: the result is that of one, and a load that dies goes on between them."""

from pathlib import Path
from typing import Any

import pytest

from clew.ingest import file_load, recognition
from clew.ingest.sources.base import Framing, ItemKind
from clew.ingest.sources.registry import SOURCES
from clew.kernel.database import Database
from clew.records.loader import FileProgress, Loader, StagedBatch
from tests.support.loading import count, empty, facts, load, log, rows
from tests.support.odd_source import OddSource, odd_line
from tests.support.record import Tenant, new_organization

ROWS = 1_000
REFUSED = {5: {"confidence": 7.0}, 555: {"confidence": 77.0}}
BROKEN = {0: {"broken": 1}, 700: {"broken": 1}, 999: {"broken": 1}}
COUNTED = ("read", "new", "merged", "duplicate", "rejected", "entities", "relationships", "by_reason", "warnings")


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    source = OddSource(ItemKind.RESULTS, Framing.DOCUMENT)
    monkeypatch.setattr(recognition, "SOURCES", (*SOURCES, source))
    unsound = REFUSED | BROKEN
    return log(tmp_path / "odd.json", [odd_line(number, **unsound.get(number, {})) for number in range(ROWS)])


def held(database: Database, tenant: Tenant) -> list[tuple[Any, ...]]:
    return rows(database, tenant, "SELECT record, line, reason, content FROM quarantine ORDER BY record")


def test_parts_give_what_the_whole_gives(database: Database, document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = new_organization(database)
    whole = load(database, tenant, document)
    expected, expected_held = facts(database, tenant), held(database, tenant)
    empty(database, tenant)
    saved: list[int] = []
    monkeypatch.setattr(file_load, "_ROWS_AT_ONCE", 100)

    report = load(database, tenant, document, observe=lambda file: saved.append(file.records))

    assert {name: report.as_dict()[name] for name in COUNTED} == {name: whole.as_dict()[name] for name in COUNTED}
    assert report.by_reason == {"broken": 3, "refused_value": 2}
    assert facts(database, tenant) == expected
    assert held(database, tenant) == expected_held
    assert [row[:3] for row in expected_held] == [
        (number, number + 1, "broken" if number in BROKEN else "refused_value") for number in sorted(REFUSED | BROKEN)
    ]
    assert sorted(set(saved) - {0}) == list(range(100, ROWS + 1, 100))


@pytest.mark.parametrize("death", [1, 4, 10])
def test_a_load_that_dies_between_the_parts_goes_on_with_the_next(
    database: Database, tenant: Tenant, document: Path, monkeypatch: pytest.MonkeyPatch, death: int
) -> None:
    monkeypatch.setattr(file_load, "_ROWS_AT_ONCE", 100)
    peaceful = new_organization(database)
    expected = load(database, peaceful, document).as_dict()
    save, saves = Loader._save, 0

    def die(self: Loader, progress: FileProgress, staged: StagedBatch) -> FileProgress:
        nonlocal saves
        saves += 1
        if saves == death:
            raise KeyboardInterrupt
        return save(self, progress, staged)

    monkeypatch.setattr(Loader, "_save", die)
    with pytest.raises(KeyboardInterrupt):
        load(database, tenant, document)
    before = count(database, tenant, "collection_items")
    monkeypatch.setattr(Loader, "_save", save)

    report = load(database, tenant, document).as_dict()

    assert {name: report[name] for name in COUNTED} == {name: expected[name] for name in COUNTED}
    assert count(database, tenant, "collection_items") == count(database, peaceful, "collection_items") > before
    assert [row[0] for row in held(database, tenant)] == sorted(REFUSED | BROKEN)
