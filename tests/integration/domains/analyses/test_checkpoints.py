"""Checkpoints are an organization's own rows, in tables that are the library's."""

import threading
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.postgres import PostgresSaver

from clew.domains.analyses.checkpoints import SCHEMA_VERSION, OwnedSaver, opened_saver
from clew.domains.analyses.workbench import StoppedError
from clew.kernel.database import Database
from tests.support.analysing import asked_for, carried_out
from tests.support.attacks import START, Operator, background
from tests.support.loading import load, log, rows
from tests.support.record import Tenant, new_organization

MOST_BYTES = 2_000


def test_the_tables_are_those_of_the_library_that_is_installed() -> None:
    """A release with further migrations of its own needs one of ours; then SCHEMA_VERSION is raised with it."""
    assert len(PostgresSaver.MIGRATIONS) == SCHEMA_VERSION
    for statement in (
        OwnedSaver.UPSERT_CHECKPOINT_BLOBS_SQL,
        OwnedSaver.UPSERT_CHECKPOINTS_SQL,
        OwnedSaver.UPSERT_CHECKPOINT_WRITES_SQL,
        OwnedSaver.INSERT_CHECKPOINT_WRITES_SQL,
    ):
        assert statement.count("(organization_id, thread_id, checkpoint_ns") == 2
        assert statement.count("app.current_organization_id") == 1


def test_no_organization_reads_writes_or_deletes_anothers(database: Database, tenant: Tenant) -> None:
    other = new_organization(database)
    config: Any = {"configurable": {"thread_id": "one", "checkpoint_ns": ""}}
    empty: Any = {"v": 4, "id": "1", "ts": "", "channel_values": {}, "channel_versions": {}, "versions_seen": {}}
    for owner, step in ((tenant, 1), (other, 2)):
        with opened_saver(database, owner.context) as saver:
            assert saver.get_tuple(config) is None
            saver.put(config, empty, {"source": "input", "step": step, "parents": {}}, {})
            saver.put_writes(
                {"configurable": {"thread_id": "one", "checkpoint_ns": "", "checkpoint_id": "1"}}, [("x", step)], "task"
            )
    with opened_saver(database, other.context) as saver:
        saver.delete_thread("one")
    with opened_saver(database, tenant.context) as saver:
        found = saver.get_tuple(config)
        assert found is not None
        assert found.metadata["step"] == 1
        assert [write[1:] for write in found.pending_writes or ()] == [("x", 1)]


def test_a_checkpoint_carries_no_frames(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    load(database, tenant, log(tmp_path / "cowrie.json", [*background(START), *Operator("kraken").lines(START)]))
    identifier = asked_for(database, tenant)
    stop = threading.Event()

    def observe(step: str, _done: float) -> None:
        if step == "intelligence":
            stop.set()

    with pytest.raises(StoppedError):
        carried_out(database, tenant, identifier, stop=stop, observe=observe)
    sizes = rows(
        database, tenant, "SELECT octet_length(checkpoint::text) + octet_length(metadata::text) FROM checkpoints"
    )
    assert len(sizes) == 6
    assert max(size for (size,) in sizes) < MOST_BYTES
    assert rows(database, tenant, "SELECT count(*) FROM checkpoint_blobs WHERE channel <> '__start__'") == [(0,)]
