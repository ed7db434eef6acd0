"""What an engine says of the indices of a series."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from clew.projections.search.elastic.connection import EngineConnection
from clew.projections.search.elastic.lifecycle import IndexFacts, Policy, closed_at
from clew.projections.search.elastic.shrinking import CREATED, base_name


def facts_of(
    connection: EngineConnection, target: str, policy: Policy, counts: Callable[[Mapping[str, Any]], bool]
) -> Iterator[IndexFacts]:
    """Every open index of the target that counts, by what the engine says of it. Raises SearchViewError."""
    told = _get(connection, f"{target}?flat_settings=true&expand_wildcards=open")
    series = {index: each for index, each in told.items() if counts(each)}
    if not series:
        return
    stats = _get(connection, f"{target}/_stats/docs,store,segments?expand_wildcards=open").get("indices", {})
    created = {index: _created(each) for index, each in series.items()}
    ordered = [(index, created[index]) for index in sorted(series, key=base_name)]
    closed = closed_at(ordered) if policy.rollover_days is not None else dict.fromkeys(series)
    for index, each in series.items():
        if index not in stats:
            continue
        held, settings = stats[index]["primaries"], each["settings"]
        yield IndexFacts(
            index,
            created[index],
            closed[index],
            held["store"]["size_in_bytes"],
            held["docs"]["count"],
            int(settings["index.number_of_shards"]),
            held["segments"]["count"],
            read_only=settings.get("index.blocks.write") == "true",
        )


def _get(connection: EngineConnection, target: str) -> dict[str, Any]:
    answer = connection.request("GET", target)
    if answer.status == 404:
        return {}
    if not answer.well:
        raise connection.failed(answer, target)
    found: dict[str, Any] = answer.body
    return found


def _created(told: Mapping[str, Any]) -> datetime:
    """When an index was made, or the one that it was shrunk from."""
    noted = told["mappings"].get("_meta", {}).get(CREATED)
    return datetime.fromtimestamp(int(noted or told["settings"]["index.creation_date"]) / 1000, UTC)
