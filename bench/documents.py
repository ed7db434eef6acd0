"""What a document of the search view costs: `python -m bench.documents --events 450000`.

Loads a log of so many events without the view and adds 60,000 plain entities by SQL, then makes the view of each of
the two tables twice and prints the second time, as a line of JSON each: microseconds a document of the program's
processor time (reading, shaping and building, and Tantivy's parsing of what is added), of the engine's own threads, and
of the clock, up to the commit.
"""

import argparse
import json
import os
import time
from pathlib import Path
from typing import Final
from uuid import UUID

import psutil

from bench.generate import Plan, write
from bench.places import ORGANIZATION, USER, record_at, settings_at, temporary_place
from bench.projecting import fill
from clew.ingest.service import IngestRequest, ingest
from clew.projections.projector import Projector
from clew.projections.search.port import SearchWriter
from clew.projections.search.tantivy.view import TantivySearchView
from clew.projections.search_documents.tables import BY_TABLE, DocumentReader, Shown

_ENTITIES: Final = 60_000
_MICROSECONDS: Final = 1_000_000


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.documents", description=__doc__)
    parser.add_argument("--events", type=int, default=450_000)
    events = parser.parse_args().events
    with temporary_place() as place, record_at(place) as database:
        log = place / "cowrie.json"
        write(Plan(events), log)
        ingest(database, settings_at(place), IngestRequest(ORGANIZATION, USER, (log,)))
        fill(database, _ENTITIES)
        with Projector(database, []) as projector, projector.moment():
            for table in ("attack_sessions", "entities"):
                _measured(projector, BY_TABLE[table], place / f"{table}-first")
                found = _measured(projector, BY_TABLE[table], place / f"{table}-second")
                print(json.dumps({"table": table, **found}, ensure_ascii=False), flush=True)


def _measured(projector: Projector, shown: Shown, place: Path) -> dict[str, float]:
    view = TantivySearchView(place)
    writer = view.writer(fresh=True)
    began, processor, engine = time.perf_counter(), time.process_time(), _engine_seconds()
    count = _put(DocumentReader(projector.connection), shown, writer, ORGANIZATION)
    seconds, used = time.perf_counter() - began, time.process_time() - processor
    engine = _engine_seconds() - engine
    writer.commit("1")
    view.abandon(writer)
    each = _MICROSECONDS / count
    return {
        "documents": count,
        "program_µs": round((used - engine) * each, 1),
        "engine_µs": round(engine * each, 1),
        "clock_µs": round(seconds * each, 1),
    }


def _put(reader: DocumentReader, shown: Shown, writer: SearchWriter, organization_id: UUID) -> int:
    count = 0
    for batch in reader.all(shown, organization_id):
        if writer.put(organization_id, shown.document_set, batch.documents):
            raise RuntimeError("documents were refused")
        count += len(batch.documents)
    return count


def _engine_seconds() -> float:
    """Processor time of the threads that Tantivy started, so far."""
    seconds = 0.0
    for thread in psutil.Process(os.getpid()).threads():
        name = Path(f"/proc/self/task/{thread.id}/comm").read_text("ascii", "replace")
        if "tantivy" in name:
            seconds += thread.user_time + thread.system_time
    return seconds


if __name__ == "__main__":
    main()
