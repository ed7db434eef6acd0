"""The adapters that the suite runs on: how each is opened, what it leaves, how it is damaged."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from clew.projections.search.elastic.address import EngineAddress
from clew.projections.search.elastic.connection import EngineConnection, connection_to
from clew.projections.search.elastic.names import STATE_ID
from clew.projections.search.elastic.view import ElasticSearchView
from clew.projections.search.port import SearchView
from clew.projections.search.tantivy.view import TantivySearchView
from tests.engines.running import running_node

DAMAGES: Final = ("cut", "empty", "gone", "nonsense")
_REPOSITORY: Final = Path(__file__).resolve().parents[3]


class Adapter(Protocol):
    """One adapter with a place of its own."""

    def view(self) -> SearchView:
        """The view at the place."""

    def child(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        """A process that has `view`, `ORGANIZATION`, the documents' maker and what the script says."""

    def traces(self) -> list[str]:
        """Everything that is kept, to see what is left."""

    def damages(self, kind: str) -> Iterator[None]:
        """Damage one thing after the other in that way, each for as long as the iterator stands there."""

    def remove(self) -> None:
        """Remove everything."""


class InDirectory:
    """Tantivy."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def view(self) -> SearchView:
        return TantivySearchView(self._place)

    def child(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        return _child(f"InDirectory(Path({str(self._place)!r}))", script, arguments)

    def traces(self) -> list[str]:
        return sorted(map(str, self._place.rglob("*")))

    def damages(self, kind: str) -> Iterator[None]:
        for path in [path for path in sorted(self._place.rglob("*")) if path.is_file() and path.stat().st_size]:
            content = path.read_bytes()
            if kind == "gone":
                path.unlink()
            else:
                path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "nonsense": b"\xff" * 50}[kind])
            yield
            path.write_bytes(content)

    def remove(self) -> None:
        pass  # pytest does


class InEngine:
    """Elasticsearch or OpenSearch, at a prefix of its own."""

    def __init__(self, url: str, place: Path) -> None:
        self._url = url
        self._place = place
        host, port = url.removeprefix("http://").split(":")
        prefix = f"t{hashlib.sha256(str(place).encode()).hexdigest()[:16]}"
        self._address = EngineAddress("http", host, int(port), prefix)

    @property
    def _connection(self) -> EngineConnection:
        return connection_to(EngineAddress("http", self._address.host, self._address.port, ""))

    def view(self) -> SearchView:
        return ElasticSearchView(self._connection, self._place, prefix=self._address.prefix)

    def child(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        return _child(f"InEngine({self._url!r}, Path({str(self._place)!r}))", script, arguments)

    def traces(self) -> list[str]:
        found = self._connection.succeed("GET", f"/{self._address.prefix}-*/_settings/index.uuid")
        return sorted(found)

    def damages(self, kind: str) -> Iterator[None]:
        state = f"/{self._address.prefix}-search_state/_doc/{STATE_ID}"
        stored: dict[str, Any] = self._connection.succeed("GET", state)["_source"]
        of_kind: dict[str, list[dict[str, Any]]] = {
            "cut": [{key: stored[key] for key in stored if key != gone} for gone in stored],
            "empty": [{}],
            "nonsense": [{**stored, key: value} for key in stored for value in (None, [1], {"x": 1}, "\uffff")],
        }
        for each in of_kind.get(kind, []):
            self._connection.succeed("PUT", state, each)
            yield
            self._connection.succeed("PUT", state, stored)
        if kind == "gone":
            for name in self.traces():
                self._connection.succeed("DELETE", f"/{name}")
                yield

    def remove(self) -> None:
        for name in self.traces():
            self._connection.request("DELETE", f"/{name}")


OPENERS: Final[dict[str, Callable[[Path], Adapter]]] = {
    "tantivy": InDirectory,
    "opensearch": lambda place: InEngine(running_node("opensearch").url, place),
    "elasticsearch": lambda place: InEngine(running_node("elasticsearch").url, place),
}


def _child(opened: str, script: str, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
    prelude = (
        "import sys\nfrom pathlib import Path\nfrom tests.contract.search.adapters import InDirectory, InEngine\n"
        "from tests.contract.search.conftest import *\nfrom clew.projections.search.fields import *\n"
        f"from clew.projections.search.port import *\nview = {opened}.view()\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", prelude + script, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(["src", "."])},
        cwd=_REPOSITORY,
    )
