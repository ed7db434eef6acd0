"""Domain names, with their place under the public suffixes.

A leading "*." is dropped, for a certificate's wildcard is about the domain. The suffix list is the one inside the
installed tldextract: no network, no cache on disk. `registered_domain` is what a registry sold; `site` differs from it
where the operator of a suffix such as github.io gives names to others.
"""

import functools
from typing import TYPE_CHECKING

from clew.ontology.text import identifier, refanged
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, normalized
from clew.ontology.values import host

if TYPE_CHECKING:
    import tldextract


def normalize(entity_type: EntityType, value: str, _qualifier: str | None = None) -> NormalizedValue:
    """The name in lower-case ASCII (A-labels); `name` shows it in Unicode. A qualifier is ignored.

    Raises InvalidValueError: not_fully_qualified, and those of `identifier` and `host.to_ascii`.
    """
    ascii_name = host.to_ascii(refanged(identifier(value)).removeprefix("*."))
    suffix, properties = _registration(ascii_name)
    special = host.is_special_use(ascii_name)
    if "." not in ascii_name and not special and not suffix:
        raise InvalidValueError("not_fully_qualified", "a single word is no domain name")
    flags = [flag for flag, holds in (("reserved", special), ("public_suffix", suffix == ascii_name)) if holds]
    unicode_name = host.to_unicode(ascii_name)
    if unicode_name != ascii_name:
        properties["unicode"] = unicode_name
    return normalized(entity_type, ascii_name, name=unicode_name, flags=flags, properties=properties)


def _registration(ascii_name: str) -> tuple[str, dict[str, PropertyValue]]:
    """The public suffix ("" where unknown), and what is registered under it."""
    parts = suffixes().extract_str(ascii_name, include_psl_private_domains=True)
    properties: dict[str, PropertyValue] = {}
    if parts.suffix:
        properties["public_suffix"] = parts.suffix
    if parts.top_domain_under_registry_suffix:
        properties["registered_domain"] = parts.top_domain_under_registry_suffix
    site = parts.top_domain_under_public_suffix
    if site and site != parts.top_domain_under_registry_suffix:
        properties["site"] = site
    return parts.suffix, properties


@functools.cache
def suffixes() -> "tldextract.TLDExtract":
    """What splits a host name at its public suffix."""
    import tldextract  # noqa: PLC0415  with its client for lists on the network, 0.1 s; none is asked for here

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
