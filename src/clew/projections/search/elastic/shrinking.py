"""An index of several shards becomes one of a single shard, and readers of its aliases see the change as one.

The engine links the files of all shards on one machine into a new index. When that is whole it takes the aliases and
the old one goes, in one change of the cluster's state.
"""

from typing import Any, Final

from clew.projections.search.elastic.connection import EngineConnection, quoted
from clew.projections.search.elastic.names import SHRUNK
from clew.projections.search.errors import SearchViewError

CREATED: Final = "created_at"
_MOVING_SECONDS: Final = 3_600.0


def base_name(index: str) -> str:
    """The name of the index that this one was shrunk from, or its own."""
    return index.removesuffix(SHRUNK)


def shrink(connection: EngineConnection, index: str, replicas: int) -> str:
    """The name of the index that takes its place. Raises SearchViewError if it does not become whole."""
    actions = shrunk(connection, index, replicas)
    connection.succeed("POST", "/_aliases", {"actions": actions})
    return index + SHRUNK


def shrunk(connection: EngineConnection, index: str, replicas: int) -> list[dict[str, Any]]:
    """Make the index that takes its place; by which change of aliases it does. Raises as `shrink`."""
    source, target = f"/{quoted(index)}", f"/{quoted(index + SHRUNK)}"
    ((_, told),) = connection.succeed("GET", f"{source}?flat_settings=true").items()
    if not _is_whole(connection, index, index + SHRUNK):
        connection.request("DELETE", target)  # of an attempt that was cut off
        gather(connection, index)
        connection.succeed("PUT", f"{source}/_settings", {"index.blocks.write": True})
        settings = {
            "index.number_of_shards": 1,
            "index.number_of_replicas": replicas,
            "index.routing.allocation.require._name": None,
            "index.blocks.write": None,
        }
        body = {"settings": settings}
        connection.succeed("POST", f"{source}/_shrink{target}", body, timeout_seconds=_MOVING_SECONDS)
        health = f"/_cluster/health{target}?wait_for_status=yellow&timeout=10m"
        connection.succeed("GET", health, timeout_seconds=_MOVING_SECONDS)
        if not _is_whole(connection, index, index + SHRUNK):
            raise SearchViewError(
                f"{index} could not be shrunk: the new index holds {_held(connection, index + SHRUNK)} documents,"
                f" and not {_held(connection, index)}",
                where=connection.address.place,
                remedy="see the engine's log; the old index stays",
            )
    taken: list[dict[str, Any]] = [
        {"add": {"index": index + SHRUNK, "alias": alias, **_without_writing(each)}}
        for alias, each in told["aliases"].items()
    ]
    return [*taken, {"remove_index": {"index": index}}]


def gather(connection: EngineConnection, index: str) -> None:
    """Note when the index was made, and have a copy of every shard on one machine. It is still written to."""
    source = f"/{quoted(index)}"
    ((_, told),) = connection.succeed("GET", f"{source}?flat_settings=true").items()
    meta = told["mappings"].get("_meta", {})
    if CREATED not in meta:
        noted = {"_meta": {**meta, CREATED: told["settings"]["index.creation_date"]}}
        connection.succeed("PUT", f"{source}/_mapping", noted)
    shards = connection.succeed("GET", f"/_cat/shards{source}?format=json&h=shard,prirep,node")
    node = next(each["node"] for each in shards if each["prirep"] == "p")
    gathered = {"index.routing.allocation.require._name": node}
    connection.succeed("PUT", f"{source}/_settings", gathered)
    moved = f"/_cluster/health{source}?wait_for_no_relocating_shards=true&timeout=30m"
    connection.succeed("GET", moved, timeout_seconds=_MOVING_SECONDS)


def _without_writing(alias: dict[str, Any]) -> dict[str, Any]:
    """An alias as it was, but not as the one of several indices that is written to."""
    return {**alias, "is_write_index": False} if "is_write_index" in alias else alias


def _is_whole(connection: EngineConnection, source: str, target: str) -> bool:
    return _held(connection, source) == _held(connection, target)


def _held(connection: EngineConnection, index: str) -> tuple[int, int] | None:
    """Documents, and shards that did not count theirs; None where the index is not there or does not answer."""
    connection.request("POST", f"/{quoted(index)}/_refresh", timeout_seconds=_MOVING_SECONDS)
    answer = connection.request("GET", f"/{quoted(index)}/_count")
    return (answer.body["count"], answer.body["_shards"]["failed"]) if answer.well else None
