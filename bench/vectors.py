"""Vectors: 100,000 of an organization beside 10,000 of another, how fast and how rightly their neighbours are found.

Two kinds of vectors: of names (domains as tools list them, by clew-ngrams), and of clumps in all directions, which are
harder. The baselines of the same run are the bare SQL on one connection with an index of the same kind, and the bare
Qdrant client on its own engine. What is true is computed by numpy from all vectors.

Beside the time of day stands the processor time of a search, of this process and the server's: on a machine that others
use, too, it says what an idle one would show.
"""

import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import numpy as np
import psutil
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg import sql
from qdrant_client import QdrantClient
from qdrant_client import models as q

from bench.places import ORGANIZATION, OTHER_ORGANIZATION, record_at
from bench.results import Measure, Result
from clew.kernel.database import Database
from clew.kernel.roles import PROJECTOR
from clew.projections.own_database import OwnDatabase
from clew.projections.vectors.embedding.ngrams import NgramEmbedder
from clew.projections.vectors.pgvector.schema import table_of
from clew.projections.vectors.pgvector.view import PgvectorView
from clew.projections.vectors.port import Collection, Model, Point, Subject, Vector, VectorReader, VectorView
from clew.projections.vectors.precision import at_stored_precision
from clew.projections.vectors.qdrant.connection import QdrantConnection
from clew.projections.vectors.qdrant.view import QdrantView

LARGE: Final = 100_000
SMALL: Final = 10_000
LENGTH: Final = 384
MODEL: Final = Model("bench", LENGTH, "1")
_QUESTIONS: Final = 300
_LOCAL: Final = 5_000
_SYLLABLES: Final = (
    "har",
    "bour",
    "lan",
    "tern",
    "keep",
    "er",
    "mail",
    "shop",
    "pay",
    "pal",
    "log",
    "in",
    "net",
    "sea",
)
_ENDS: Final = ("com", "net", "org", "example", "io", "shop")


def vectors(place: Path, _: int) -> Result:
    """Both kinds of vectors in pgvector, and a few in Qdrant's own engine, each beside the bare thing."""
    measures = [_embedding()]
    with record_at(place / "pgvector") as database:
        view = PgvectorView(OwnDatabase(database.settings, database))
        for kind, made in (("names", _names), ("clumps", _clumps)):
            measures += _in_postgres(database, view, kind, made)
        view.remove()
    measures += _in_qdrant(place / "qdrant")
    about = f"{LARGE:,} and {SMALL:,} vectors of {LENGTH} of two organizations, the 10 nearest"
    return Result("vectors", about, tuple(measures))


def _embedding() -> Measure:
    texts = [" ".join(_name(random.Random(number)) for number in range(start, start + 40)) for start in range(4_000)]
    embedder = NgramEmbedder(LENGTH)
    began = time.process_time()
    for start in range(0, len(texts), 256):
        embedder.embed(texts[start : start + 256])
    seconds = time.process_time() - began
    return Measure("clew-ngrams, processor time", sum(map(len, texts)) / 1e6 / seconds, "MB/s")


def _in_postgres(
    database: Database, view: PgvectorView, kind: str, make: Callable[[int, int], Vector]
) -> list[Measure]:
    large, small = make(LARGE, 1), make(SMALL, 2)
    began = time.perf_counter()
    _fill(view, {ORGANIZATION: large, OTHER_ORGANIZATION: small})
    filled = time.perf_counter() - began
    measures = [Measure(f"{kind}: written, large one indexed", filled, "s")]
    questions = make(_QUESTIONS, 3)
    with view.reader() as reader, database.connect_raw(PROJECTOR) as connection:
        for name, organization_id, held in (("large", ORGANIZATION, large), ("small", OTHER_ORGANIZATION, small)):
            found = _timed(questions, _asking(reader, organization_id), servers=True)
            bare = _timed(questions, _bare_sql(connection, reader.generation, organization_id), servers=True)
            measures += [
                Measure(f"{kind}, {name}: recall of 10", _recall(held, questions, found.ids), least=0.95),
                Measure(f"{kind}, {name}: median", found.at(50), "ms"),
                Measure(f"{kind}, {name}: 95 %", found.at(95), "ms", most=5.0 if name == "large" else None),
                Measure(f"{kind}, {name}: processor time of both sides", found.processor_ms, "ms"),
                Measure(f"{kind}, {name}: bare SQL, median", bare.at(50), "ms"),
                Measure(f"{kind}, {name}: bare SQL, 95 %", bare.at(95), "ms"),
                Measure(f"{kind}, {name}: median, product / bare", found.at(50) / bare.at(50)),
            ]
    return measures


def _in_qdrant(place: Path) -> list[Measure]:
    place.mkdir()
    client = QdrantClient(path=str(place / "engine"))
    view = QdrantView(QdrantConnection(client, "local", is_local=True), place / "lock", prefix="bench")
    held, questions = _names(_LOCAL, 1), _names(50, 3)
    began = time.perf_counter()
    _fill(view, {ORGANIZATION: held})
    filled = time.perf_counter() - began
    with view.reader() as reader:
        found = _timed(questions, _asking(reader, ORGANIZATION))
        name = f"bench-main-{reader.generation}-{Collection.DOMAINS.value}"
    own = q.Filter(must=[q.FieldCondition(key="organization_id", match=q.MatchValue(value=str(ORGANIZATION)))])

    def ask(vector: Vector) -> list[UUID]:
        return [
            UUID((each.payload or {})["id"])
            for each in client.query_points(name, query=vector.tolist(), query_filter=own, limit=10).points
        ]

    bare = _timed(questions, ask)
    client.close()
    return [
        Measure(f"Qdrant's local engine, {_LOCAL:,} names: written", filled, "s"),
        Measure("Qdrant's local engine: recall of 10", _recall(held, questions, found.ids), least=0.95),
        Measure("Qdrant's local engine: median, product / bare client", found.at(50) / bare.at(50)),
    ]


class _Timed:
    """What was found, and how long each question took, in milliseconds."""

    def __init__(self, ids: list[list[UUID]], milliseconds: list[float], processor_ms: float) -> None:
        self.ids = ids
        self.processor_ms = processor_ms
        self._milliseconds = sorted(milliseconds)

    def at(self, percent: int) -> float:
        return self._milliseconds[min(len(self._milliseconds) - 1, len(self._milliseconds) * percent // 100)]


def _timed(questions: Vector, ask: Callable[[Vector], list[UUID]], *, servers: bool = False) -> _Timed:
    for question in questions[:20]:
        ask(question)
    ids, taken = [], []
    before = _processor(servers=servers)
    for question in questions:
        began = time.perf_counter()
        ids.append(ask(question))
        taken.append((time.perf_counter() - began) * 1000)
    return _Timed(ids, taken, (_processor(servers=servers) - before) * 1000 / len(questions))


def _processor(*, servers: bool) -> float:
    """Seconds of processor time of this process, and of the servers that serve it."""
    used = time.process_time()
    for process in psutil.process_iter(["name"]) if servers else ():
        try:
            if process.info["name"] == "postgres" and "clew_application clew" in " ".join(process.cmdline()):
                used += sum(process.cpu_times()[:2])
        except psutil.Error:
            continue
    return used


def _asking(reader: VectorReader, organization_id: UUID) -> Callable[[Vector], list[UUID]]:
    def ask(vector: Vector) -> list[UUID]:
        found = reader.nearest(organization_id, Collection.DOMAINS, vector, model=MODEL, limit=10)
        return [each.subject.id for each in found]

    return ask


def _bare_sql(
    connection: psycopg.Connection[Any], generation: str, organization_id: UUID
) -> Callable[[Vector], list[UUID]]:
    """The bare statement on one open connection, without row-level security's policy of the application."""
    connection.autocommit = True
    register_vector(connection)
    connection.execute("SET hnsw.ef_search = 100")
    connection.execute("SET jit = off")
    statement = sql.SQL(
        "SELECT id FROM {} WHERE organization_id = {}::uuid ORDER BY embedding <#> %s::halfvec LIMIT 10"
    ).format(table_of(generation, Collection.DOMAINS), sql.Literal(str(organization_id)))

    def ask(vector: Vector) -> list[UUID]:
        return [row[0] for row in connection.execute(statement, (HalfVector(vector),)).fetchall()]

    return ask


def _fill(view: VectorView, held: dict[UUID, Vector]) -> None:
    with view.builder(dict.fromkeys(Collection, MODEL)) as writer:
        for organization_id, rows in held.items():
            for start in range(0, len(rows), 1_000):
                points = [_point(start + number, row) for number, row in enumerate(rows[start : start + 1_000])]
                writer.put(organization_id, Collection.DOMAINS, points, model=MODEL)
        writer.commit("filled")
        view.publish(writer)


def _point(number: int, vector: Vector) -> Point:
    name = f"name-{number}.example"
    return Point(Subject(_identity(number), "entities", "domain", name, f"{number:032x}", name), vector)


def _identity(number: int) -> UUID:
    return uuid5(ORGANIZATION, str(number))


def _recall(held: Vector, questions: Vector, found: Sequence[Sequence[UUID]]) -> float:
    """Of the ten best scores that there are, how many the answers reach: of equal ones any will do."""
    scores = questions @ held.T
    numbers = {_identity(number): number for number in range(len(held))}
    recalls = []
    for row, ids in zip(scores, found, strict=True):
        tenth = np.partition(row, -10)[-10] - 1e-5
        recalls.append(sum(row[numbers[each]] >= tenth for each in ids) / 10)
    return statistics.mean(map(float, recalls))


def _name(chance: random.Random) -> str:
    words = ["".join(chance.choices(_SYLLABLES, k=chance.choice((2, 3)))) for _ in range(chance.choice((1, 1, 2)))]
    number = str(chance.randrange(1_000)) if chance.random() < 0.4 else ""
    host = chance.choice(("", "www.", "mail.", "cdn.", f"n{chance.randrange(100)}."))
    return f"{host}{'-'.join(words)}{number}.{chance.choice(_ENDS)}"


def _names(count: int, seed: int) -> Vector:
    chance = random.Random(seed)
    embedder: Any = NgramEmbedder(LENGTH)
    names = [_name(chance) for _ in range(count)]
    parts = [
        at_stored_precision(embedder.embed(names[start : start + 2_000]).vectors) for start in range(0, count, 2_000)
    ]
    made: Vector = np.concatenate(parts)
    return made


def _clumps(count: int, seed: int) -> Vector:
    centres = np.random.default_rng(7).normal(size=(300, LENGTH))
    chance = np.random.default_rng(seed)
    scattered = 0.6 * centres[chance.integers(0, 300, count)] + chance.normal(size=(count, LENGTH))
    made: Vector = at_stored_precision(scattered.astype(np.float32))
    return made
