"""Where a document lies whose set has several indices: changes go to the one that has it, what is new to the newest.

Only the writer changes which indices there are, and never while it writes, so that what is known of them stays true.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from clew.projections.search.elastic.connection import EngineConnection, quoted
from clew.projections.search.elastic.names import Names
from clew.projections.search.fields import DocumentSet

_MOST_HITS: Final = 10_000  # of a search, as engines are set up


class Parts:
    """The indices of a generation of those sets that have several."""

    def __init__(self, connection: EngineConnection, names: Names, generation: str, indices: Iterable[str]) -> None:
        self._connection = connection
        self._several: dict[str, dict[str, str]] = {}
        found = list(indices)
        for document_set in DocumentSet:
            alias = names.alias(document_set, generation)
            numbers = {index: names.number_of(index) or 0 for index in found if index.startswith(f"{alias}-")}
            if len(numbers) > 1:
                newest = max(numbers, key=numbers.__getitem__)
                self._several[alias] = {
                    index: alias if index == newest else names.part(document_set, generation, number)
                    for index, number in numbers.items()
                }
        self._closed: dict[str, str] | None = None  # indices that cannot be written to, by their aliases

    def places(self, alias: str, keys: Sequence[str]) -> Mapping[str, str]:
        """Through which alias those documents are written that are not in the newest index, by their keys."""
        parts = self._several.get(alias)
        if parts is None or not keys:
            return {}
        found: dict[str, list[str]] = {}
        for key, index in self._located(alias, keys):
            found.setdefault(key, []).append(parts[index])
        for key, several in found.items():
            if len(several) > 1:  # put by hand: one stays, in the newest index if it is there
                several.sort(key=lambda part: part != alias)
                for part in several[1:]:
                    self._open([part])
                    self._connection.request("DELETE", f"/{quoted(part)}/_doc/{quoted(key)}?refresh=true")
        placed = {key: several[0] for key, several in found.items() if several[0] != alias}
        self._open(set(placed.values()))
        return placed

    def open_all(self) -> None:
        """Let every index be written to. The scheduler closes again what is old."""
        self._open([part for parts in self._several.values() for part in parts.values()])

    def _located(self, alias: str, keys: Sequence[str]) -> Iterable[tuple[str, str]]:
        body: dict[str, Any] = {
            "query": {"ids": {"values": list(keys)}},
            "size": _MOST_HITS,
            "sort": ["_doc"],
            "_source": False,
            "track_total_hits": False,
        }
        target = f"/{quoted(alias)}/_search?allow_partial_search_results=false"
        hits = self._connection.succeed("POST", target, body)["hits"]["hits"]
        return [(hit["_id"], hit["_index"]) for hit in hits]

    def _open(self, parts: Iterable[str]) -> None:
        closed = self._closed_ones()
        for part in parts:
            index = closed.pop(part, None)
            if index is not None:
                self._connection.succeed("PUT", f"/{quoted(index)}/_settings", {"index.blocks.write": None})

    def _closed_ones(self) -> dict[str, str]:
        if self._closed is None:
            closed: dict[str, str] = {}
            for alias, parts in self._several.items():
                target = f"/{quoted(alias)}/_settings/index.blocks.write?flat_settings=true"
                told = self._connection.succeed("GET", target)
                closed |= {
                    parts[index]: index
                    for index, each in told.items()
                    if each["settings"].get("index.blocks.write") == "true"
                }
            self._closed = closed
        return self._closed
