"""User names and social profiles: who someone is on one platform.

The identity is "platform:name" where the platform is known, so a Sherlock hit and a profile read by another tool
are one entity. Without platform a user name stands alone, and a social profile must be a URL.
"""

import re
import unicodedata
from dataclasses import replace
from typing import Final

from clew.ontology.platforms import canonical_platform, handle_in_url
from clew.ontology.text import fold_case, identifier
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, is_shortened, normalized
from clew.ontology.values import url
from clew.ontology.values.name import is_placeholder, unqualified

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE | re.ASCII)
_AT: Final = "@\uff20\ufe6b "  # plain, full-width and small


def normalize(entity_type: EntityType, value: str, qualifier: str | None = None) -> NormalizedValue:
    """A user name or profile handle without @, or for a profile without platform its canonical URL.

    `qualifier` is the platform in any usual spelling. Raises InvalidValueError: empty, invalid_characters, too_long,
    invalid_platform, missing_platform, and for profile URLs those of `url.normalize`.
    """
    platform = None if qualifier is None or not qualifier.strip() else canonical_platform(qualifier)
    name = _without_at(identifier(value))
    folded = name if is_shortened(name) else fold_case(name)
    if entity_type is EntityType.SOCIAL_PROFILE and _URL.match(folded):
        address = url.normalize(EntityType.URL, name if _URL.match(name) else folded)
        handle = None if platform is None else handle_in_url(platform, address.normalized_name)
        if handle is None:
            return _profile(address, platform)
        name = _without_at(handle)
        folded = fold_case(name)
    if not folded:
        raise InvalidValueError("empty", "an empty user name")
    if platform is None and entity_type is EntityType.SOCIAL_PROFILE:
        raise InvalidValueError(
            "missing_platform", "a profile handle means nothing without its platform", remedy="give the platform or URL"
        )
    found = normalized(entity_type, folded, name=name, flags=("placeholder",) if is_placeholder(folded) else ())
    return _on_platform(found, platform)


def _profile(address: NormalizedValue, platform: str | None) -> NormalizedValue:
    """A profile known by its URL only."""
    return _on_platform(replace(address, entity_type=EntityType.SOCIAL_PROFILE), platform)


def _on_platform(found: NormalizedValue, platform: str | None) -> NormalizedValue:
    if platform is None:
        return replace(found, identity=unqualified(found.normalized_name))
    identity = f"{platform}:{found.normalized_name}"
    return replace(found, identity=identity, properties={**found.properties, "platform": platform})


def _without_at(text: str) -> str:
    """The name without the @ that people put before it, in whichever width, and without invisible characters."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf")
    return " ".join(" ".join(text.split()).lstrip(_AT).split())
