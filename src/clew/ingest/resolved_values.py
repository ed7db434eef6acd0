"""Values as the ontology has them, with the ids that follow from them."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson

from clew.ontology import InvalidValueError, NormalizedValue, entity_id_texts, normalize


@dataclass(frozen=True, slots=True)
class Resolved:
    """A normalised value with its id, ready for columns."""

    id: str | None
    name: str | None
    normalized_name: str | None
    derived: str | None
    flags: str | None  # joined by commas


INVALID: Final = Resolved(None, None, None, None, None)
"""What stands in columns for a value that is invalid."""


Key = tuple[str, str, str | None]
"""Entity type, value and qualifier, as a source says them."""


def resolve_values(organization_id: UUID, keys: Sequence[Key]) -> list[Resolved | InvalidValueError]:
    """What becomes of each value: itself with its id, or why it is invalid."""
    judged = [_judged(*key) for key in keys]
    sound = [
        (key[0], each.identity) for key, each in zip(keys, judged, strict=True) if isinstance(each, NormalizedValue)
    ]
    ids = iter(entity_id_texts(organization_id, [kind for kind, _ in sound], [identity for _, identity in sound]))
    return [
        each
        if isinstance(each, InvalidValueError)
        else Resolved(next(ids), each.name, each.normalized_name, _json(each.properties), ",".join(each.flags))
        for each in judged
    ]


def _judged(entity_type: str, value: str, qualifier: str | None) -> NormalizedValue | InvalidValueError:
    try:
        return normalize(entity_type, value, qualifier)
    except InvalidValueError as error:
        error.__traceback__ = error.__cause__ = error.__context__ = None  # they would keep the batch alive in the cache
        return error


@functools.lru_cache(maxsize=4096)
def _json_of_items(items: tuple[tuple[str, Any], ...]) -> str:
    return orjson.dumps(dict(items), option=orjson.OPT_SORT_KEYS).decode()


def _json(properties: dict[str, Any]) -> str:
    if "full_value" in properties:  # too large to be kept in a cache
        return orjson.dumps(properties, option=orjson.OPT_SORT_KEYS).decode()
    return _json_of_items(tuple(properties.items())) if properties else "{}"
