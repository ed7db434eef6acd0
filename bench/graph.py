"""The graph view on a million edges with hubs: embedded, in Neo4j, and by Neo4j's bare driver.

Questions are whole answers, documents included: all within 2 steps of an entity (1,000 at most), and the shortest path
between two. The bare driver asks the same server the nearest that Cypher offers: variable-length matches with the same
limit, and SHORTEST with the hubs kept out. A server takes minutes to be filled with what the embedded view takes in
seconds, so by default it gets a twentieth of the edges, and the embedded view is asked on just these, too: ratios are
between the same graphs. `python -m bench.graph PLACE EDGES [EDGES-IN-NEO4J]` is the part with a process of its own;
it prints one JSON object.
"""

import json
import random
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import neo4j
import numpy as np

from bench.places import run_module
from bench.results import MEBIBYTE, Measure, Result
from clew.projections.graph.embedded.view import EmbeddedGraphView
from clew.projections.graph.errors import GraphEngineUnavailableError
from clew.projections.graph.neo4j.address import GraphAddress
from clew.projections.graph.neo4j.connection import GraphConnection
from clew.projections.graph.neo4j.view import Neo4jGraphView
from clew.projections.graph.port import Document, GraphReader, GraphView, Part
from clew.projections.graph.walking.around import around
from clew.projections.graph.walking.shortest import shortest_path
from tests.engines.neo4j import USER, VERSION, Neo4jServer

ORGANIZATION: Final = UUID("00000000-0000-4000-8000-000000000001")
_EDGES: Final = 1_000_000
_PART_IN_SERVER: Final = 20  # of the edges, one in so many
_SEED: Final = 4
_ASKED: Final = 200
_ASKED_OF_SERVER: Final = 60
_MAX_DEGREE: Final = 200
_AT_ONCE: Final = 10_000
_MOMENT: Final = "2024-03-01T00:00:00.000000Z"
_WITHIN: Final = """
MATCH (n:Entity {space: $space, organization_id: $organization, id: $start})
CALL { WITH n MATCH (n)-[:RELATED_TO]-(m) RETURN collect(DISTINCT m) AS first }
WITH n, first, [m IN first WHERE COUNT { (m)-[:RELATED_TO]-() } <= $most] AS passing
CALL { WITH passing UNWIND passing AS m MATCH (m)-[:RELATED_TO]-(o) RETURN collect(DISTINCT o) AS second }
UNWIND first + second AS o RETURN DISTINCT o {.*} AS node LIMIT 1000
"""
_SHORTEST: Final = """
MATCH (a:Entity {space: $space, organization_id: $organization, id: $start})
MATCH (b:Entity {space: $space, organization_id: $organization, id: $goal})
MATCH p = SHORTEST 1 (a)
  (()-[:RELATED_TO]-(x:Entity) WHERE COUNT { (x)-[:RELATED_TO]-() } <= $most){0,7} ()-[:RELATED_TO]-(b)
RETURN [n IN nodes(p) | n {.*}] AS nodes, [r IN relationships(p) | r {.*}] AS edges
"""


def graph(place: Path, events: int) -> Result:
    """A million edges (as many as there are events, if fewer) between a fifth as many entities, some of them hubs."""
    edges = min(_EDGES, max(20_000, events))
    few = max(20_000, edges // _PART_IN_SERVER)
    (found,) = run_module("bench.graph", [str(place / "graph"), str(edges), str(few)])
    measures = [
        Measure("embedded: building", found["build_rate"], "edges/s"),
        Measure("embedded: on disk", found["bytes"] / MEBIBYTE, "MiB"),
        Measure("embedded: load at start", found["load_seconds"] * 1e6 / edges, "s per million edges", most=5),
        Measure("embedded: memory of the arrays (RSS)", found["memory"] / MEBIBYTE, "MiB"),
        Measure("embedded: a commit of 100 edges, to the next answer", found["follow_ms"], "ms"),
        Measure(f"{few:,} edges, embedded: building", found["few_build_rate"], "edges/s"),
        Measure(f"{few:,} edges, Neo4j: building", found["server_build_rate"], "edges/s"),
    ]
    for name in ("2 degrees", "shortest path"):
        embedded, short, server, bare = (found[kind][name] for kind in ("embedded", "few", "neo4j", "bare"))
        measures += [
            Measure(f"{name}: embedded, median", embedded[0], "ms"),
            Measure(f"{name}: embedded, p95", embedded[1], "ms", most=20),
            Measure(f"{name}: embedded, p95 of processor time", embedded[2], "ms"),
            Measure(f"{name}: {few:,} edges, embedded, p95", short[1], "ms"),
            Measure(f"{name}: {few:,} edges, Neo4j through the port, median", server[0], "ms"),
            Measure(f"{name}: {few:,} edges, Neo4j through the port, p95", server[1], "ms"),
            Measure(f"{name}: {few:,} edges, Neo4j, bare driver, median", bare[0], "ms"),
            Measure(f"{name}: {few:,} edges, Neo4j, bare driver, p95", bare[1], "ms"),
            Measure(f"{name}: bare driver / embedded, p95", bare[1] / short[1], least=1),
            Measure(f"{name}: through the port / bare driver, median", server[0] / bare[0]),
        ]
    about = f"{edges:,} edges, hubs of up to {found['hub']:,}; {few:,} edges in Neo4j {VERSION}"
    return Result("graph", about, tuple(measures))


def main(arguments: list[str]) -> None:
    """Measure in this process."""
    place, count = Path(arguments[0]), int(arguments[1])
    few = int(arguments[2]) if arguments[2:] else count
    place.mkdir(parents=True)
    ids, sources, targets = drawn(count)
    found: dict[str, Any] = {"hub": int(np.bincount(np.concatenate([sources, targets])).max())}
    view = EmbeddedGraphView(place / "view")
    found["build_rate"] = count / _built(view, ids, sources, targets)
    found["bytes"] = sum(path.stat().st_size for path in (place / "view").rglob("*") if path.is_file())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    with view.reader() as reader:
        reader.adjacency(ORGANIZATION)
        found["load_seconds"] = time.perf_counter() - began
        found["embedded"] = _asked(reader, ids, _ASKED)
        found["memory"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        found["follow_ms"] = _followed(view, reader, ids)
    found |= _of_few(place, few)
    print(json.dumps(found), flush=True)


def _of_few(place: Path, count: int) -> dict[str, Any]:
    """What the embedded view, Neo4j and its bare driver do with the same graph."""
    ids, sources, targets = drawn(count)
    found: dict[str, Any] = {}
    view = EmbeddedGraphView(place / "few")
    found["few_build_rate"] = count / _built(view, ids, sources, targets)
    with view.reader() as reader:
        found["few"] = _asked(reader, ids, _ASKED)
    server = Neo4jServer(place / "server", heap="1g", quick=False)
    server.start()
    try:
        address = GraphAddress(
            "bolt", "127.0.0.1", server.port, user=USER, password=server.password, timeout_seconds=120
        )
        connection = GraphConnection(address)
        inside = Neo4jGraphView(connection, place / "locks", prefix="bench")
        found["server_build_rate"] = count / _built(inside, ids, sources, targets)
        with inside.reader() as reader:
            for _ in range(2):  # the first round is not counted, for either: the server compiles what it is asked
                found["neo4j"] = _asked(reader, ids, _ASKED_OF_SERVER)
                found["bare"] = _asked_bare(server, reader.generation, ids)
        connection.close()
    finally:
        server.kill()
    return found


def drawn(count: int) -> tuple[list[str], "np.ndarray[Any, Any]", "np.ndarray[Any, Any]"]:
    """Ids of entities, and the ends of edges: half at random, half towards few, as what everybody uses is."""
    chance = np.random.default_rng(_SEED)
    nodes = count // 5
    ids = [str(UUID(bytes=chance.bytes(16), version=4)) for _ in range(nodes)]
    sources = chance.integers(0, nodes, count)
    popular = np.minimum(chance.zipf(1.3, count) - 1, nodes - 1)
    targets = np.where(chance.random(count) < 0.3, popular, chance.integers(0, nodes, count))
    return ids, sources, targets


def _documents(
    ids: list[str], sources: "np.ndarray[Any, Any]", targets: "np.ndarray[Any, Any]"
) -> Iterator[tuple[Part, Iterator[Document]]]:
    def node(number: int, identifier: str) -> Document:
        times = dict.fromkeys(("first_seen", "last_seen", "created_at", "updated_at"), _MOMENT)
        measured = dict.fromkeys(("pagerank", "betweenness", "community"))
        told = {"id": identifier, "type": "domain", "name": f"name-{number}.example", "risk_score": number % 100}
        return {**told, **times, **measured, "wall": False, "properties": {"number": number}, "collected_from": []}

    def edge(number: int, source: str, target: str) -> Document:
        times = dict.fromkeys(("first_seen", "last_seen", "created_at", "updated_at"), _MOMENT)
        ends = {"id": str(UUID(int=number + 1)), "source_entity_id": source, "target_entity_id": target}
        told = {"type": "RESOLVES_TO", "confidence": 50 + number % 50, "source": None, "properties": {}}
        return {**ends, **told, **times}

    yield Part.NODES, (node(number, each) for number, each in enumerate(ids))
    ends = enumerate(zip(sources.tolist(), targets.tolist(), strict=True))
    yield Part.EDGES, (edge(number, ids[source], ids[target]) for number, (source, target) in ends)


def _built(view: GraphView, ids: list[str], sources: "np.ndarray[Any, Any]", targets: "np.ndarray[Any, Any]") -> float:
    began = time.perf_counter()
    writer = view.writer(fresh=True)
    for part, documents in _documents(ids, sources, targets):
        writer.put(ORGANIZATION, part, documents)
    if writer.commit("built"):
        raise RuntimeError("some edges were refused")
    view.publish(writer)
    return time.perf_counter() - began


def _pairs(ids: list[str], count: int) -> list[tuple[UUID, UUID]]:
    chance = random.Random(_SEED)
    return [(UUID(chance.choice(ids)), UUID(chance.choice(ids))) for _ in range(count)]


def _asked(reader: GraphReader, ids: list[str], count: int) -> dict[str, tuple[float, float, float]]:
    pairs = _pairs(ids, count)

    def within(start: UUID, _: UUID) -> object:
        return around(reader.adjacency(ORGANIZATION), start, depth=2, limit=1_000)

    def path(start: UUID, goal: UUID) -> object:
        return shortest_path(reader.adjacency(ORGANIZATION), start, goal)

    return {"2 degrees": _timed(within, pairs), "shortest path": _timed(path, pairs)}


def _asked_bare(server: Neo4jServer, space: str, ids: list[str]) -> dict[str, tuple[float, float, float]]:
    pairs = _pairs(ids, _ASKED_OF_SERVER)
    with server.driver() as driver, driver.session(default_access_mode=neo4j.READ_ACCESS) as session:

        def asking(statement: Any) -> Callable[[UUID, UUID], object]:
            known: dict[str, Any] = {"space": space, "organization": str(ORGANIZATION), "most": _MAX_DEGREE}
            return lambda start, goal: session.run(statement, start=str(start), goal=str(goal), **known).data()

        return {"2 degrees": _timed(asking(_WITHIN), pairs), "shortest path": _timed(asking(_SHORTEST), pairs)}


def _timed(ask: Callable[[UUID, UUID], object], pairs: list[tuple[UUID, UUID]]) -> tuple[float, float, float]:
    """Median and 95th percentile in milliseconds, and that of this process's own time, after some to warm up."""
    for pair in pairs[: len(pairs) // 10]:
        ask(*pair)
    spent, own = [], []
    for pair in pairs:
        began, own_began = time.perf_counter(), time.process_time()
        try:
            ask(*pair)
        except GraphEngineUnavailableError as error:
            print(f"not counted: {error}", file=sys.stderr)
        spent.append((time.perf_counter() - began) * 1_000)
        own.append((time.process_time() - own_began) * 1_000)
    return statistics.median(spent), statistics.quantiles(spent, n=20)[-1], statistics.quantiles(own, n=20)[-1]


def _followed(view: GraphView, reader: GraphReader, ids: list[str]) -> float:
    """Milliseconds from a commit's begin to the first answer that knows of it."""
    few = np.arange(100)
    began = time.perf_counter()
    with view.writer() as writer:
        (*_, (part, documents)) = _documents(ids[:200], few, few + 100)
        writer.put(ORGANIZATION, part, documents)
        writer.commit("later")
    around(reader.adjacency(ORGANIZATION), UUID(ids[0]), depth=1)
    return (time.perf_counter() - began) * 1_000


if __name__ == "__main__":
    main(sys.argv[1:])
