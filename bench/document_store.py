"""Documents of 2 KB, written and read: `python -m bench.document_store [--documents N] [--mongodb]`.

Beside each way of the product the bare way to the same engine, with the same documents, in the same run: COPY into a
plain table, and the driver's insert_many of ready-made BSON. Prints a line of JSON for each; those of MongoDB are in
turn, the median of three rounds after one that is not counted (the stand-in compiles what it does), and say how much of
the bare way's rate they reach. With --mongodb also on a
server of MongoDB's protocol, which needs Java and Maven, or on the MongoDB that CLEW_TEST_MONGODB_URL names.
"""

import argparse
import contextlib
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import orjson
import polars as pl
import psycopg

from bench.places import ORGANIZATION, record_at, temporary_place
from clew.kernel.database import Database
from clew.projections.documents.mongo.connection import Mongo, MongoConnection
from clew.projections.documents.mongo.encoding import encode
from clew.projections.documents.mongo.view import MongoDocumentView
from clew.projections.documents.port import DocumentCollection, DocumentPage, DocumentReader, DocumentRequest, Is
from clew.projections.documents.postgres.reader import PostgresDocuments
from clew.projections.documents_projection import DocumentsProjection
from clew.projections.projector import Projector
from clew.records import merge_sql, stage
from clew.records.batch import ENRICHMENTS
from tests.engines.mongo import mongo_address, running_mongo

_ENTITIES: Final = 1000
_BATCH: Final = 1000
_READS: Final = 300
_ROUNDS: Final = 3
_NOW: Final = datetime(2025, 3, 9, 12, tzinfo=UTC)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.document_store", description=__doc__)
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--mongodb", action="store_true")
    options = parser.parse_args()
    bodies = [_body(number) for number in range(options.documents)]
    with temporary_place() as place, record_at(place) as database:
        entities = _entities(database)
        _tell("bare COPY", len(bodies), lambda: _bare(database, bodies))
        _tell("PostgreSQL, as loads write", len(bodies), lambda: _merged(database, bodies, entities))
        _read(PostgresDocuments(database), entities)
        if options.mongodb:
            _mongodb(database, entities)


def _body(number: int) -> dict[str, Any]:
    words = random.Random(number)
    return {"number": number, **{f"field {each}": words.randbytes(40).hex() for each in range(20)}}


def _tell(what: str, count: int, work: Callable[[], object]) -> None:
    print(json.dumps({"what": what, "documents": count, "a second": round(count / _took(work)[0])}), flush=True)


def _took(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and how many of them this process's threads had the processor."""
    began, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - processor


@contextlib.contextmanager
def _connection(database: Database) -> Iterator[psycopg.Connection[Any]]:
    with database.connect_raw() as connection:
        connection.autocommit = True
        connection.execute("SELECT set_config('app.current_organization_id', %s, false)", (str(ORGANIZATION),))
        yield connection


def _entities(database: Database) -> list[UUID]:
    with _connection(database) as connection:
        rows = connection.execute(
            "INSERT INTO entities (organization_id, entity_type, name, normalized_name)"
            " SELECT %s, 'domain', n || '.example', n || '.example' FROM generate_series(1, %s) AS n RETURNING id",
            (ORGANIZATION, _ENTITIES),
        ).fetchall()
    return [row[0] for row in rows]


def _bare(database: Database, bodies: list[dict[str, Any]]) -> None:
    with _connection(database) as connection:
        connection.execute("CREATE TEMP TABLE bare (id uuid PRIMARY KEY, entity_id uuid, data jsonb)")
        for start in range(0, len(bodies), _BATCH):
            with connection.cursor().copy("COPY bare FROM STDIN") as target:
                for body in bodies[start : start + _BATCH]:
                    target.write_row((uuid4(), ORGANIZATION, orjson.dumps(body).decode()))


def _merged(database: Database, bodies: list[dict[str, Any]], entities: list[UUID]) -> None:
    with _connection(database) as connection:
        stage.create_stages(connection)
        asked = {"organization": ORGANIZATION, "type": "registration", "source": "whois", "version": "1"}
        for start in range(0, len(bodies), _BATCH):
            some = bodies[start : start + _BATCH]
            rows = [
                (entities[number % len(entities)].hex, uuid4().hex, orjson.dumps(body).decode(), 0.5)
                for number, body in enumerate(some)
            ]
            with connection.transaction():
                stage.copy(connection, "stage_enrichments", pl.DataFrame(rows, schema=ENRICHMENTS, orient="row"))
                connection.execute(merge_sql.MERGE_ENRICHMENTS, asked)


def _read(reader: DocumentReader, entities: list[UUID]) -> None:
    collection = DocumentCollection.ENRICHED_DATA

    def newest(number: int) -> None:
        wanted = Is(("entity_id",), str(entities[number % len(entities)]))
        _require(reader.find(ORGANIZATION, collection, DocumentRequest((wanted,), 20)))

    def page(_number: int) -> None:
        _require(reader.find(ORGANIZATION, collection, DocumentRequest((), 50)))

    for name, ask in (("20 newest of an entity", newest), ("a page of 50", page)):
        took = []
        for number in range(_READS):
            began = time.perf_counter()
            ask(number)
            took.append((time.perf_counter() - began) * 1000)
        took.sort()
        told = {"p50_ms": round(took[_READS // 2], 2), "p95_ms": round(took[int(_READS * 0.95)], 2)}
        print(json.dumps({"what": f"{reader.adapter}: {name}", **told}), flush=True)


def _require(page: DocumentPage) -> None:
    if not page.documents:
        raise RuntimeError("nothing was found")


def _mongodb(database: Database, entities: list[UUID]) -> None:
    kind = "mongodb" if os.environ.get("CLEW_TEST_MONGODB_URL") else "mongo-protocol"
    connection = MongoConnection(mongo_address(kind, timeout_seconds=60.0))
    collection = DocumentCollection.ENRICHED_DATA
    ready = [
        encode(ORGANIZATION, collection, each) for each in PostgresDocuments(database).stored(ORGANIZATION, collection)
    ]

    def bare() -> None:
        connection.run(lambda mongo: mongo["bare"].drop())
        for start in range(0, len(ready), _BATCH):
            some: list[Any] = ready[start : start + _BATCH]

            def insert(mongo: Mongo, some: list[Any] = some) -> None:
                mongo["bare"].insert_many(some, ordered=False)

            connection.run(insert)

    view = MongoDocumentView(connection)
    projection = DocumentsProjection(lambda: view)
    try:
        with Projector(database, [projection]) as projector:
            rounds = [_round(database, projector, bare) for _ in range(_ROUNDS + 1)][1:]
        _tell_rounds(len(ready), rounds)
        _read(view.reader, entities)
    finally:
        connection.run(lambda mongo: mongo.client.drop_database(mongo.name))
        connection.close()
        if kind == "mongo-protocol":
            running_mongo().kill()


def _round(database: Database, projector: Projector, bare: Callable[[], object]) -> dict[str, tuple[float, float]]:
    """What all documents take by each way to MongoDB; the first is the baseline."""
    found = {
        "bare pymongo": _took(bare),
        "MongoDB, rebuilt": _took(lambda: projector.rebuild("documents", "measured")),
    }
    with _connection(database) as connection:
        connection.execute("UPDATE enriched_data SET metadata = metadata || jsonb_build_object('again', random())")
    return found | {"MongoDB, following changes": _took(projector.catch_up)}


def _tell_rounds(count: int, rounds: list[dict[str, tuple[float, float]]]) -> None:
    baseline = 0.0
    for what in rounds[0]:
        seconds = statistics.median(each[what][0] for each in rounds)
        processor = statistics.median(each[what][1] for each in rounds)
        baseline = baseline or seconds
        told = {"a second": round(count / seconds), "of bare": round(baseline / seconds, 2)}
        own = round(processor / count * 1_000_000, 1)
        print(json.dumps({"what": what, "documents": count, **told, "own processor µs each": own}, ensure_ascii=False))


if __name__ == "__main__":
    main()
