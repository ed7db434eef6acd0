"""Generations of a view in the engine: made, looked at, published, removed.

A generation is one index for each set and one that holds its state. The state names the indices by the engine's own
ids: an index that was deleted by hand, made anew or brought back from a backup is not the one that was filled, and
the generation counts as damaged.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from clew.kernel.directories import ensure_own_directory, myself
from clew.projections.search.elastic.connection import EngineConnection, quoted
from clew.projections.search.elastic.mappings import index_body
from clew.projections.search.elastic.names import STATE_ID, Names
from clew.projections.search.errors import SearchViewBusyError, SearchViewError
from clew.projections.search.fields import ENTITY_DOC_TYPES, SCHEMA_VERSION, DocumentSet, SearchIndex
from clew.projections.search.locks import Lock, new_generation_name
from clew.projections.search.port import ViewState

_MAKING_SECONDS: Final = 120.0
_REMOVED_AT_ONCE: Final = 30  # names of some sixty characters: a request's first line has room for 4,096
_COPYING_SECONDS: Final = 3_600.0
_USED: Final = "used-"
_COMING: Final = "next"


@dataclass(frozen=True, slots=True)
class Copies:
    """How an engine spreads what it holds: parts of each set's index (1 where not named), and further copies."""

    shards: Mapping[str, int]
    replicas: int


@dataclass(frozen=True, slots=True)
class Held:
    """A generation's state as the engine holds it, and the engine's number of it, to notice who else writes it.

    coming: what the indices become, while one change of aliases is being made; before it or after it the view is whole.
    """

    generation: str
    schema_version: int
    position: str
    indices: Mapping[str, str]
    version: tuple[int, int]
    coming: Mapping[str, str] | None = None


class Generations:
    """The generations of one installation. root: a directory of this machine, for who reads and writes on it."""

    def __init__(self, connection: EngineConnection, names: Names, root: Path, copies: Copies) -> None:
        self.connection = connection
        self.names = names
        self.root = root
        self.copies = copies

    def published(self) -> Held | None:
        """The published generation, whether it is whole or not."""
        return self._held(self.names.public_state)

    def held(self, generation: str) -> Held | None:
        """A generation's state; None if it is gone."""
        return self._held(self.names.state(generation))

    def state_of(self, held: Held | None) -> ViewState | None:
        """The state for readers; None if the generation is of another schema, or damaged."""
        if held is None or held.schema_version != SCHEMA_VERSION:
            return None
        if self.ids(held.generation) not in (held.indices, held.coming):
            return None
        return ViewState(held.generation, held.schema_version, held.position)

    def create(self) -> Held:
        """A new, empty one."""
        generation = new_generation_name()
        settings = {"number_of_shards": 1, "number_of_replicas": 0}
        bodies: dict[str, dict[str, Any]] = {
            self.names.state(generation): {"settings": settings, "mappings": {"enabled": False}}
        }
        for document_set in DocumentSet:
            body = index_body(document_set, shards=self.copies.shards.get(document_set, 1))
            alias = {self.names.alias(document_set, generation): {"is_write_index": True}}
            bodies[self.names.index(document_set, generation)] = {**body, "aliases": alias}
        with ThreadPoolExecutor(len(bodies)) as threads:  # most of the time of each is waiting for its shards
            list(threads.map(self.make, bodies, bodies.values()))
        return self.write_position(Held(generation, SCHEMA_VERSION, "", self.ids(generation), (-1, -1)), "")

    def write_position(self, held: Held, position: str) -> Held:
        """Store a position, durably. Raises SearchViewBusyError if another process stored one meanwhile."""
        number, term = held.version
        unchanged = "op_type=create" if number < 0 else f"if_seq_no={number}&if_primary_term={term}"
        target = f"/{quoted(self.names.state(held.generation))}/_doc/{STATE_ID}?{unchanged}"
        state: dict[str, Any] = {"schema_version": held.schema_version, "position": position}
        state["indices"] = dict(held.indices)
        if held.coming is not None:
            state[_COMING] = dict(held.coming)
        answer = self.connection.request("PUT", target, state)
        if answer.status == 409:
            stored = self.held(held.generation)
            if stored is None or replace(stored, version=held.version) != replace(held, position=position):
                raise SearchViewBusyError(
                    "another process has written this search view meanwhile",
                    where=self.connection.address.place,
                    remedy="let one process keep the views; give every installation a prefix of its own",
                )
            return stored  # our own, whose answer was lost on the way
        if not answer.well:
            raise self.connection.failed(answer, target)
        version = (answer.body["_seq_no"], answer.body["_primary_term"])
        return replace(held, position=position, version=version)

    def settled(self, held: Held) -> Held:
        """The state of a whole generation after a change of its indices that was cut off, as that turned out."""
        if held.coming is None:
            return held
        return self.write_position(replace(held, indices=self.ids(held.generation), coming=None), held.position)

    def change(self, held: Held, indices: Mapping[str, str], actions: list[dict[str, Any]]) -> Held:
        """Let a generation have other indices from now on, by one change of aliases. Only the writer may."""
        held = self.write_position(replace(held, coming=dict(indices)), held.position)
        self.connection.succeed("POST", "/_aliases", {"actions": actions}, timeout_seconds=_MAKING_SECONDS)
        return self.write_position(replace(held, indices=dict(indices), coming=None), held.position)

    def publish(self, held: Held) -> None:
        """Let a generation take the place of the published one: all aliases at once."""
        if self.state_of(held) is None:
            raise SearchViewError(
                "this generation is gone or damaged and cannot be published",
                where=self.connection.address.place,
                remedy="rebuild it",
            )
        self._copy(held.generation)
        public = {self.names.public(index): index for index in SearchIndex}
        target = f"/_alias/{quoted(','.join((*public, self.names.public_state)))}"
        answer = self.connection.request("GET", target)
        behind = {name: each.get("aliases", {}) for name, each in answer.body.items() if isinstance(each, dict)}
        actions: list[dict[str, Any]] = [
            {"remove": {"index": name, "alias": alias}}
            for name, aliases in behind.items()
            if self.names.generation_of(name) is not None
            for alias in aliases
        ]
        for alias, index in public.items():
            added: dict[str, Any] = {"index": self.names.index(index.document_set, held.generation), "alias": alias}
            if index.doc_types:
                added["filter"] = {"terms": {"doc_type": list(ENTITY_DOC_TYPES)}}
            actions.append({"add": added})
        state = {"index": self.names.state(held.generation), "alias": self.names.public_state}
        self.connection.succeed("POST", "/_aliases", {"actions": [*actions, {"add": state}]})

    def copy(self, held: Held, names: Names, generation: str) -> None:
        """Copy the documents of a generation, within the engine, into another one, perhaps of other names."""
        for document_set in DocumentSet:
            source = {"index": self.names.alias(document_set, held.generation)}
            copied = {"source": source, "dest": {"index": names.index(document_set, generation)}}
            self.connection.succeed("POST", "/_reindex?refresh=true", copied, timeout_seconds=_COPYING_SECONDS)

    def all(self) -> set[str]:
        """Every generation of which anything is there."""
        found = map(self.names.generation_of, self.connection.names_like(self.names.pattern))
        return {generation for generation in found if generation is not None}

    def remove(self, generations: Iterable[str]) -> None:
        """Remove generations with all that they hold."""
        gone = set(generations)
        names = self.connection.names_like(self.names.pattern)
        going = [name for name in names if self.names.generation_of(name) in gone]
        for start in range(0, len(going), _REMOVED_AT_ONCE):
            target = f"/{quoted(','.join(going[start : start + _REMOVED_AT_ONCE]))}?ignore_unavailable=true"
            answer = self.connection.request("DELETE", target, timeout_seconds=_MAKING_SECONDS)
            if not answer.well and answer.status != 404:
                raise self.connection.failed(answer, f"removing {target}")
        for generation in gone:
            (self.root / f"{_USED}{generation}").unlink(missing_ok=True)

    def clean(self) -> None:
        """Remove generations that are neither published nor read by anybody on this machine. Only the writer may."""
        published = self.published()
        for generation in sorted(self.all()):
            if published is None or generation != published.generation:
                with self.lock(generation) as lock:
                    if lock.take():
                        self.remove([generation])

    def lock(self, generation: str) -> Lock:
        """Held, shared, by every reader of the generation on this machine."""
        ensure_own_directory(self.root, myself())
        return Lock(self.root / f"{_USED}{generation}")

    def _held(self, place: str) -> Held | None:
        answer = self.connection.request("GET", f"/{quoted(place)}/_doc/{STATE_ID}")
        if answer.status in {400, 404}:  # no such index, or an alias of several
            return None
        if not answer.well:
            raise self.connection.failed(answer, place)
        with suppress(KeyError, TypeError, ValueError):
            generation = self.names.generation_of(answer.body["_index"])
            stored = answer.body["_source"]
            if generation is not None and isinstance(stored["position"], str) and isinstance(stored["indices"], dict):
                version = (int(answer.body["_seq_no"]), int(answer.body["_primary_term"]))
                coming = stored.get(_COMING)
                return Held(
                    generation,
                    int(stored["schema_version"]),
                    stored["position"],
                    stored["indices"],
                    version,
                    coming if isinstance(coming, dict) else None,
                )
        return None

    def ids(self, generation: str) -> dict[str, str]:
        """The engine's own ids of a generation's indices, by their names."""
        return self._ids_in(self.names.aliases(generation))

    def id_of(self, index: str) -> str:
        """The engine's own id of an index, "" where there is none."""
        return self._ids_in(index).get(index, "")

    def _ids_in(self, target: str) -> dict[str, str]:
        path = f"/{quoted(target)}/_settings/index.uuid?flat_settings=true"
        answer = self.connection.request("GET", path)
        if answer.status == 404:
            return {}
        if not answer.well:
            raise self.connection.failed(answer, path)
        return {name: each["settings"]["index.uuid"] for name, each in answer.body.items()}

    def make(self, name: str, body: dict[str, Any]) -> None:
        """Make an index."""
        answer = self.connection.request("PUT", f"/{quoted(name)}", body, timeout_seconds=_MAKING_SECONDS)
        # Asked twice because the first answer was lost: its name is nobody else's.
        if not answer.well and "already_exists" not in answer.reason:
            raise self.connection.failed(answer, f"making {name}")

    def _copy(self, generation: str) -> None:
        if self.copies.replicas:
            target = f"/{quoted(self.names.aliases(generation))},{quoted(self.names.state(generation))}/_settings"
            self.connection.succeed("PUT", target, {"index": {"number_of_replicas": self.copies.replicas}})
