"""The cost of a record does not grow with what is stored: the loader looks up by key, whatever statistics say."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from bench.generate import Plan, write
from clew.kernel.database import Database
from tests.support.loading import load, log
from tests.support.record import Tenant

READ = """
SELECT regexp_replace(relname, '_(\\d{4}_\\d\\d|impossible_\\w+)$', ''), sum(seq_tup_read)::bigint
FROM pg_stat_user_tables WHERE schemaname = 'public' GROUP BY 1
"""
GROWING = (
    *("events", "entities", "relationships", "entity_sources", "relationship_sources", "attack_sessions"),
    *("attack_session_keys", "event_repeats", "collection_items", "collection_item_hashes", "changes"),
)


def rows_scanned(database: Database) -> dict[str, int]:
    """Rows that sequential scans have read so far, by table, partitions summed up."""
    with database.admin_engine().begin() as connection:
        connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
        connection.execute(sa.text("SELECT pg_stat_clear_snapshot()"))
        return {name: int(read) for name, read in connection.execute(sa.text(READ))}


@pytest.mark.parametrize("events", [6_000, pytest.param(120_000, marks=pytest.mark.slow)])
def test_loading_what_is_known_scans_no_table(database: Database, tenant: Tenant, tmp_path: Path, events: int) -> None:
    path = tmp_path / "cowrie.json"
    write(Plan(events=events, seed=41), path)
    before = rows_scanned(database)
    load(database, tenant, path)
    first = rows_scanned(database)
    grown = log(tmp_path / "grown" / "cowrie.json", [*path.read_bytes().splitlines(), b"one more", b"and another"])
    report = load(database, tenant, grown)

    assert report.counts.duplicate == events
    for then, now in ((before, first), (first, rows_scanned(database))):
        scanned = {name: now[name] - then.get(name, 0) for name in GROWING if now[name] > then.get(name, 0)}
        assert scanned == {}
