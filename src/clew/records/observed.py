"""Properties that may change: per key the value observed last wins, whatever the order in which they arrive."""

import json
from collections.abc import Mapping
from typing import Any

Observed = tuple[Mapping[str, Any], Mapping[str, int]]
"""Properties, and for those observed at a known time the microseconds since 1970."""


def merge_observed(one: Observed, other: Observed) -> tuple[dict[str, Any], dict[str, int]]:
    """The union of both sides' properties; associative, commutative and idempotent.

    A value observed at a time beats one observed at none, a later time an earlier, and at equal times the greater
    text decides. PostgreSQL's merge_observed() does the same for what is already in the record.
    """
    properties: dict[str, Any] = dict(one[0])
    observed: dict[str, int] = dict(one[1])
    for key, value in other[0].items():
        seen = other[1].get(key)
        if key not in properties or _rank(seen, value) > _rank(observed.get(key), properties[key]):
            properties[key] = value
            observed.pop(key, None)
            if seen is not None:
                observed[key] = seen
    return properties, observed


def _rank(seen: int | None, value: Any) -> tuple[bool, int, bytes]:
    return (seen is not None, seen or 0, _sortable(value))


def _sortable(value: Any) -> bytes:
    """The text PostgreSQL gives a jsonb value, so that both sides decide alike."""
    return json.dumps(_ordered(value), ensure_ascii=False).encode()


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: (len(key.encode()), key))}
    if isinstance(value, list):
        return [_ordered(member) for member in value]
    return value
