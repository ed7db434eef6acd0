"""Names of people, organizations, places, documents, malware, threat actors and campaigns.

People, organizations, places and documents are never merged by name alone: they need a discriminator of the form
"authority:identifier" that says who tells them apart and how, such as "tiktok:6812…", "gb-coh:01234567" or
"geo:51.5,-0.12". The discriminator alone is the identity, so a person who changes name stays one entity. Malware,
threat actors and campaigns are identified by their folded name, or by a discriminator where the source has one.
"""

import re
from typing import Final

from clew.ontology.text import clean_name, fold_name
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, is_shortened, normalized, shortened

_NEEDS_DISCRIMINATOR: Final = frozenset(
    {EntityType.PERSON, EntityType.ORGANIZATION, EntityType.LOCATION, EntityType.DOCUMENT}
)
_PLACEHOLDER: Final = re.compile(
    r"[\W_]*|n/?a|n\.a\.|unknown|unbekannt|inconnu|desconocido|none|null|nil|nan|undefined|no name|nobody|someone"
    r"|not (?:available|applicable|known)|anonymous|anon|admin|administrator|root|user|username|guest|example|sample"
    r"|test(?:er|ing| ?user)?\d*|demo|default|name|full name|first ?name(?: last ?name)?|your name|me|tba|tbd"
    r"|to be (?:announced|determined)|deleted(?: user)?|\[deleted\]|redacted(?: for privacy)?|private|x+|asdf+|foo|bar"
    r"|foobar|john doe|jane doe|max mustermann|everywhere|earth|world|worldwide|internet|here|untitled|document"
)
_GEO: Final = re.compile(
    r"geo:\s*([+-]?\d{1,2}(?:\.\d{1,15})?)\s*,\s*([+-]?\d{1,3}(?:\.\d{1,15})?)", re.ASCII | re.IGNORECASE
)
_DISCRIMINATOR: Final = re.compile(r"([^\s:]{1,64}):(.+)", re.DOTALL)


def normalize(entity_type: EntityType, value: str, qualifier: str | None = None) -> NormalizedValue:
    """The cleaned name, and the folded one for search. `qualifier` is the discriminator.

    Raises InvalidValueError: empty, too_long, missing_discriminator, unscoped_discriminator, invalid_coordinates.
    """
    name = clean_name(value)
    if not name:
        raise InvalidValueError("empty", "an empty name")
    folded = name if is_shortened(name) else (fold_name(name) or name)
    flags = ("placeholder",) if is_placeholder(folded) else ()
    discriminator = clean_name(qualifier) if qualifier is not None else ""
    if discriminator:
        identity, properties = _identity(discriminator)
        properties["discriminator"] = identity
        return normalized(entity_type, folded, name=name, identity=identity, flags=flags, properties=properties)
    if entity_type in _NEEDS_DISCRIMINATOR:
        raise InvalidValueError(
            "missing_discriminator",
            f"a {entity_type} is not identified by its name",
            remedy="give a source record id, registry number or coordinates as authority:identifier",
        )
    return normalized(entity_type, folded, name=name, identity=unqualified(folded), flags=flags)


def is_placeholder(folded: str) -> bool:
    """Whether a folded name stands for "no name": n/a, unknown, test, john doe and the like."""
    return bool(_PLACEHOLDER.fullmatch(folded))


def unqualified(normalized_name: str) -> str:
    """Identity of a name without qualifier; a leading colon keeps it apart from a qualified one ("a:b")."""
    key = shortened(normalized_name)
    return f":{key}" if ":" in key else key


def _identity(discriminator: str) -> tuple[str, dict[str, PropertyValue]]:
    """The discriminator with its authority in lower case; coordinates to six decimals (11 cm)."""
    geo = _GEO.fullmatch(discriminator)
    if geo:
        latitude, longitude = float(geo[1]), float(geo[2])
        if abs(latitude) > 90 or abs(longitude) > 180:
            raise InvalidValueError("invalid_coordinates", "latitude is within 90 degrees, longitude within 180")
        return f"geo:{round(latitude, 6) + 0.0:.6f},{round(longitude, 6) + 0.0:.6f}", {}
    scoped = _DISCRIMINATOR.fullmatch(discriminator)
    if not scoped or not scoped[2].strip():
        raise InvalidValueError(
            "unscoped_discriminator",
            "a discriminator says whose identifier it is",
            remedy="write authority:identifier, such as tiktok:12345",
        )
    return shortened(f"{scoped[1].lower()}:{scoped[2].strip()}"), {}
