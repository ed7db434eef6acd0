"""Every adapter of the search port runs this suite; it knows the port and nothing of any engine."""

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid5

import pytest

from clew.projections.search.fields import DocumentSet
from clew.projections.search.port import SearchReader, SearchRequest, SearchResult, SearchView
from tests.contract.search.adapters import OPENERS, Adapter
from tests.engines.marks import ON_SEARCH_ENGINES

ORGANIZATION: Final = UUID("00000000-0000-4000-8000-000000000001")
OTHER: Final = UUID("00000000-0000-4000-8000-000000000002")
ADAPTERS: Final = ["tantivy", *ON_SEARCH_ENGINES]


@pytest.fixture(params=ADAPTERS)
def adapter(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Adapter]:
    made = OPENERS[request.param](tmp_path / "view")
    yield made
    made.remove()


@pytest.fixture(scope="module", params=ADAPTERS)
def shared_adapter(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Adapter]:
    made = OPENERS[request.param](tmp_path_factory.mktemp("search") / "view")
    yield made
    made.remove()


def identifier(name: str) -> str:
    """The id of the document with this name."""
    return str(uuid5(ORGANIZATION, name))


def entity(name: str, kind: str = "person", **fields: Any) -> dict[str, Any]:
    return {
        "id": identifier(f"{kind}:{name}"),
        "doc_type": "entity",
        "entity_type": kind,
        "name": name,
        "normalized_name": name.lower(),
        "first_seen": "2024-03-01T00:00:00.000000Z",
        "last_seen": "2024-03-01T00:00:00.000000Z",
        **fields,
    }


def post(content: str, **fields: Any) -> dict[str, Any]:
    return {"id": identifier(f"post:{content}"), "doc_type": "social_post", "content": content, **fields}


def fill(
    view: SearchView, documents: Mapping[DocumentSet, list[dict[str, Any]]], organization_id: UUID = ORGANIZATION
) -> None:
    """Put documents into what is published; publish a first generation if none is."""
    fresh = view.state() is None
    writer = view.writer()
    for document_set, each in documents.items():
        assert writer.put(organization_id, document_set, each) == ()
    writer.commit("filled")
    if fresh:
        view.publish(writer)
    else:
        writer.close()


def ids(result: SearchResult) -> list[str]:
    return [hit.id for hit in result.hits]


def names(result: SearchResult) -> list[str]:
    return [hit.name for hit in result.hits]


def found(reader: SearchReader, text: str, **rest: Any) -> list[str]:
    """The names that a text finds, best first."""
    return names(reader.search(ORGANIZATION, SearchRequest(text=text, limit=100, **rest)))


def everything(reader: SearchReader, organization_id: UUID = ORGANIZATION) -> dict[str, Any]:
    """All that is stored, by id; each document once."""
    held: dict[str, Any] = {}
    for document_set in DocumentSet:
        for identifier_, text in reader.stored(organization_id, document_set):
            assert identifier_ not in held
            held[identifier_] = json.loads(text)
    return held


def kill(process: subprocess.Popen[str]) -> None:
    """Kill -9, and wait until it is gone."""
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    if process.stdout is not None:
        process.stdout.close()


def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def filled(adapter: Adapter) -> Iterator[Callable[..., SearchReader]]:
    """A function that fills the view's osint_entities with documents and gives a reader."""
    readers: list[SearchReader] = []

    def make(*documents: dict[str, Any], organization_id: UUID = ORGANIZATION) -> SearchReader:
        fill(adapter.view(), {DocumentSet.OSINT_ENTITIES: list(documents)}, organization_id)
        readers.append(adapter.view().reader())
        return readers[-1]

    yield make
    for reader in readers:
        reader.close()
