"""Properties that may change: per key the value observed last wins, whatever the order in which they arrive."""

import json
from collections.abc import Mapping
from decimal import Decimal
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


def plain_numbers(value: Any) -> Any:
    """A JSON value in which whole numbers are integers, so that equal numbers are equal text (1.0 is 1, -0.0 is 0)."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        return {key: plain_numbers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [plain_numbers(member) for member in value]
    return value


def _rank(seen: int | None, value: Any) -> tuple[bool, int, bytes]:
    return (seen is not None, seen or 0, _sortable(value))


def _sortable(value: Any) -> bytes:
    """The text PostgreSQL gives a jsonb value, so that both sides decide alike."""
    return _text(value).encode()


def _text(value: Any) -> str:
    """Keys by length, then bytes; numbers without exponent, and zero without sign."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: (len(key.encode()), key))
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_text(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, float):
        return format(Decimal(repr(value or 0.0)), "f")
    return json.dumps(value, ensure_ascii=False)
