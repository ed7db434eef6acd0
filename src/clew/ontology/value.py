"""The outcome of normalising one value: a `NormalizedValue`, or an `InvalidValueError` and nothing else."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from clew.kernel.errors import InputError
from clew.ontology.types import EntityType

PropertyValue = str | int | bool

MAXIMUM_CHARACTERS: Final = 65_536
"""A longer value is refused: nothing an investigator names is that long, and it would only hide in an index."""

MAXIMUM_KEY_BYTES: Final = 512
"""Names of more UTF-8 bytes are kept shortened: a PostgreSQL index row holds less than 2,704 bytes."""

_KEPT_BYTES: Final = 400
_SHORTENED: Final = re.compile(r".{100,400}…[0-9a-f]{64}", re.DOTALL)


class InvalidValueError(InputError):
    """A value that cannot be of the type it is said to be. `reason` is a stable code in snake_case."""

    code = "invalid_value"

    def __init__(self, reason: str, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class NormalizedValue:
    """One value as the record keeps it.

    `identity` identifies the entity within its type and organization; `normalized_name` is what people search for by
    equality; `name` is what they read. `flags` (sorted) mark values that are kept but must not join what has nothing
    to do with each other, such as "private" addresses or "placeholder" names. `properties` follow from the value.
    """

    entity_type: EntityType
    name: str
    normalized_name: str
    identity: str
    flags: tuple[str, ...] = ()
    properties: dict[str, PropertyValue] = field(default_factory=dict)


def normalized(
    entity_type: EntityType,
    normalized_name: str,
    *,
    name: str | None = None,
    identity: str | None = None,
    flags: Iterable[str] = (),
    properties: dict[str, PropertyValue] | None = None,
) -> NormalizedValue:
    """Put a value together; `name` and `identity` default to the normalised name.

    What is too long for an index is shortened, the display form then being the key, and kept whole as the property
    `full_value`.
    """
    known = {} if properties is None else properties
    shown = normalized_name if name is None else name
    key = shortened(normalized_name)
    if key != normalized_name or shortened(shown) != shown:
        known["full_value"] = shown
        shown = key
    return NormalizedValue(
        entity_type, shown, key, key if identity is None else identity, tuple(sorted(set(flags))), known
    )


def shortened(text: str) -> str:
    """The text itself up to 512 UTF-8 bytes, else its first 400 bytes, an ellipsis and its SHA-256."""
    if len(text) * 4 <= MAXIMUM_KEY_BYTES:
        return text
    encoded = text.encode()
    if len(encoded) <= MAXIMUM_KEY_BYTES:
        return text
    return f"{encoded[:_KEPT_BYTES].decode(errors='ignore')}…{hashlib.sha256(encoded).hexdigest()}"


def is_shortened(text: str) -> bool:
    """Whether the text is what `shortened` makes of a longer one, and so must be taken as it stands."""
    if len(text) < 100 or not _SHORTENED.fullmatch(text):
        return False
    kept = len(text[:-65].encode("utf-8", "surrogatepass"))
    return _KEPT_BYTES - 3 <= kept <= _KEPT_BYTES
