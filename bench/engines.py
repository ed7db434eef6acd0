"""The search view in OpenSearch: building it beside the bare client, until a change is seen, asking it beside Tantivy.

The bare client sends the very documents that the view holds, ready-made, in requests of the same size, two at a time:
the engine's own speed on this machine. `python -m bench.engines build PLACE ENTITIES CHANGES` and
`python -m bench.engines ask PLACE DOCUMENTS` are the parts that need a process, and an engine, of their own; each
prints one JSON object.
"""

import contextlib
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import orjson

from bench.places import ORGANIZATION as TENANT
from bench.places import record_at, run_module, settings_at
from bench.projecting import fill, visible
from bench.results import Measure, Result
from bench.search import ORGANIZATION, SET, documents, questions
from clew.projections.keeping import verify
from clew.projections.projector import Projector
from clew.projections.search.elastic.address import EngineAddress
from clew.projections.search.elastic.connection import EngineConnection
from clew.projections.search.elastic.mappings import index_body
from clew.projections.search.elastic.view import ElasticSearchView
from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import SearchView
from clew.projections.search.tantivy.view import TantivySearchView
from clew.projections.search_projection import NAME, SearchProjection
from tests.engines.node import Node
from tests.engines.recipes import OPENSEARCH

_ENTITIES: Final = 200_000
_TURNS: Final = 5
_CHANGES_A_SECOND: Final = 1_000
_REQUEST_BYTES: Final = 4 << 20
_PUT_AT_ONCE: Final = 10_000


def engines(place: Path, events: int) -> Result:
    """A view of 200,000 entities, and one of a tenth as many documents as there are events, in OpenSearch."""
    count = max(10_000, events // 10)
    build = ["build", str(place / "built"), str(_ENTITIES), str(_CHANGES_A_SECOND)]
    (found,) = run_module("bench.engines", build)
    (asked,) = run_module("bench.engines", ["ask", str(place / "asked"), str(count)])
    found |= asked
    measures = [
        Measure("bare client, ready-made documents", found["bare_rate"], "documents/s"),
        Measure("rebuild from the record", found["rebuild_rate"], "documents/s"),
        Measure("rebuild / bare client, median of turns", found["ratio"], least=0.7),
        Measure("verify", found["verify_rate"], "documents/s"),
        Measure("commit to visible, median", found["visible_median"], "s"),
        Measure("commit to visible, p95", found["visible_p95"], "s", most=2),
    ]
    for name, (_, embedded) in found["embedded"].items():
        engine = found["engine"][name][1]
        measures.append(Measure(f"{name}, p95, embedded", embedded, "ms"))
        measures.append(Measure(f"{name}, p95, OpenSearch", engine, "ms"))
        measures.append(Measure(f"{name}, OpenSearch / embedded", engine / embedded, least=5))
    return Result(
        "engines",
        f"OpenSearch {OPENSEARCH.version}, heap of 1 GiB, {_ENTITIES:,} entities; questions to {count:,} documents",
        tuple(measures),
    )


def main(arguments: list[str]) -> None:
    """Measure in this process."""
    kind, place = arguments[0], Path(arguments[1])
    place.mkdir()
    found = _built(place, *map(int, arguments[2:])) if kind == "build" else _asked_both(place, int(arguments[2]))
    print(json.dumps(found), flush=True)


def _built(place: Path, entities: int, rate: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with running(place / "node") as connection, record_at(place) as database:
        view = ElasticSearchView(connection, place / "locks", prefix="bench")
        fill(database, entities)
        projection = SearchProjection(view)
        with Projector(database, [projection]) as projector:
            projector.rebuild(projection.name, "not measured: the engine has to warm up")
            requests = list(_requests(connection, view))
            # In turns, since what else the machine does disturbs both; each turn gives a ratio of its own.
            turns = [(_rebuilt(projector, entities), _bare(connection, requests)) for _ in range(_TURNS)]
            found["turns"] = turns
            found["rebuild_rate"], found["bare_rate"] = map(statistics.median, zip(*turns, strict=True))
            found["ratio"] = statistics.median(rebuilt / bare for rebuilt, bare in turns)
            began = time.perf_counter()
            verified = verify(projector, projection.name)
            found["verify_rate"] = entities / (time.perf_counter() - began)
        if not verified.equal or settings_at(place).search_url is not None:
            raise RuntimeError(f"the rebuilt view differs: {verified.as_dict()}")
        found |= visible(database, projection, rate)
    return found


def _asked_both(place: Path, count: int) -> dict[str, Any]:
    with running(place / "node") as connection:
        engine = _asked(ElasticSearchView(connection, place / "locks", prefix="asked"), count)
    return {"engine": engine, "embedded": _asked(TantivySearchView(place / "view"), count)}


@contextlib.contextmanager
def running(directory: Path) -> Iterator[EngineConnection]:
    """A connection to an OpenSearch of its own, with the options that it has in earnest."""
    node = Node(OPENSEARCH, directory, heap="1g", quick=False)
    node.start()
    connection = EngineConnection(EngineAddress("http", "127.0.0.1", node.port, "", timeout_seconds=120.0))
    try:
        yield connection
    finally:
        connection.close()
        node.stop()


def _rebuilt(projector: Projector, entities: int) -> float:
    """Documents a second from the record into a new generation, published."""
    began = time.perf_counter()
    projector.rebuild(NAME, "measured")
    return entities / (time.perf_counter() - began)


def _bare(connection: EngineConnection, requests: list[bytes]) -> float:
    """Documents a second that the engine takes from the client alone, into an index like the view's."""
    connection.request("DELETE", "/bare")
    began = time.perf_counter()
    connection.succeed("PUT", "/bare", index_body(DocumentSet.OSINT_ENTITIES, shards=1))
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda body: connection.request("POST", "/bare/_bulk", body), requests))
    connection.succeed("POST", "/bare/_refresh")
    spent = time.perf_counter() - began
    if not all(answer.well and not answer.body["errors"] for answer in answers):
        raise RuntimeError("the engine refused documents")
    return sum(len(answer.body["items"]) for answer in answers) / spent


def _requests(connection: EngineConnection, view: ElasticSearchView) -> Iterator[bytes]:
    """The documents of a view, as bodies of bulk requests."""
    state = view.state()
    if state is None:
        raise LookupError("the view was built before")
    lines: list[bytes] = []
    size = 0
    query = {"size": 2_000, "sort": ["_doc"], "query": {"term": {"organization_id": str(TENANT)}}}
    alias = view.names.alias(SET, state.generation)
    page = connection.succeed("POST", f"/{alias}/_search?scroll=5m", query)
    while page["hits"]["hits"]:
        for hit in page["hits"]["hits"]:
            lines += [orjson.dumps({"index": {"_id": hit["_id"]}}), orjson.dumps(hit["_source"])]
            size += len(lines[-1])
            if size >= _REQUEST_BYTES:
                yield b"\n".join([*lines, b""])
                lines, size = [], 0
        page = connection.succeed("POST", "/_search/scroll", {"scroll": "5m", "scroll_id": page["_scroll_id"]})
    connection.request("DELETE", "/_search/scroll", {"scroll_id": [page["_scroll_id"]]})
    if lines:
        yield b"\n".join([*lines, b""])


def _asked(view: SearchView, count: int) -> dict[str, tuple[float, float]]:
    """Median and p95 of every kind of question, in milliseconds."""
    writer = view.writer(fresh=True)
    made = documents(count)
    for batch in iter(lambda: list(itertools.islice(made, _PUT_AT_ONCE)), []):
        if writer.put(ORGANIZATION, SET, batch):
            raise RuntimeError("documents were refused")
    writer.commit("1")
    view.publish(writer)
    with view.reader() as reader:
        return questions(reader)


if __name__ == "__main__":
    main(sys.argv[1:])
