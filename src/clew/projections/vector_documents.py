"""From rows of the record to texts that are embedded: which rows, into which collection, and what of them.

Only what is said about a thing belongs into its text. How a tool came to know it is the same for everything that the
tool found, and would make all of that alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from clew.projections.search.fields import DocumentSet
from clew.projections.search_documents.prose import text_of
from clew.projections.search_documents.tables import Shown
from clew.projections.vectors.port import LONGEST_EXCERPT, Collection, Subject

LONGEST_TEXT: Final = 32_768
_ABOUT_PROFILES: Final = (
    "username",
    "display_name",
    "full_name",
    "name",
    "bio",
    "biography",
    "description",
    "about",
    "location",
    "website",
)
_ABOUT_DOMAINS: Final = ("title", "description", "registrant", "registrant_name", "registrant_organization")
_KNOWLEDGE: Final = ("attack_pattern", "campaign", "document", "malware", "software", "threat_actor", "vulnerability")
PROFILE_KINDS: Final = ("social_profile", "username")
DOMAIN_KINDS: Final = ("domain",)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """A table whose rows are embedded into a collection."""

    collection: Collection
    shown: Shown


def _microseconds(*columns: str) -> str:
    """Times as microseconds since 1970; what is infinite is none."""
    return ", ".join(
        f"CASE WHEN isfinite({column}) THEN (extract(epoch FROM {column}) * 1000000)::bigint END" for column in columns
    )


def _typed(kinds: tuple[str, ...]) -> str:
    return f"entity_type IN ({', '.join(repr(kind) for kind in kinds)})"


def profile(row: Row) -> Mapping[str, Any]:
    """A user name or a profile, with what it says of itself."""
    _, identifier, _, kind, name, properties, first_seen, last_seen = row
    text = _lines(name, *_said(properties, _ABOUT_PROFILES))
    return _material(identifier, "entities", kind, name, text, _platform(properties), first_seen, last_seen)


def domain(row: Row) -> Mapping[str, Any]:
    """A domain, with the title of its page and who registered it."""
    _, identifier, _, kind, name, properties, first_seen, last_seen = row
    return _material(
        identifier,
        "entities",
        kind,
        name,
        _lines(name, *_said(properties, _ABOUT_DOMAINS)),
        None,
        first_seen,
        last_seen,
    )


def knowledge(row: Row) -> Mapping[str, Any]:
    """Something that is known about the world: what it is called, and all that is said of it."""
    _, identifier, _, kind, name, properties, first_seen, last_seen = row
    return _material(
        identifier,
        "entities",
        kind,
        name,
        _lines(name, text_of(properties)),
        _platform(properties),
        first_seen,
        last_seen,
    )


def investigation(row: Row) -> Mapping[str, Any]:
    """A case with what it is about."""
    _, identifier, _, name, description, scope, findings, first_seen, last_seen, targets = row
    text = _lines(name, description, text_of(scope), text_of(findings), *targets)
    return _material(identifier, "investigations", "investigation", name, text, None, first_seen, last_seen)


def post(row: Row) -> Mapping[str, Any] | None:
    """What somebody posted; None for a post without words."""
    _, identifier, _, platform, content, posted_at = row
    if not (content or "").strip():
        return None
    name = content.strip().partition("\n")[0][:120]
    return _material(identifier, "social_posts", "social_post", name, content, platform, posted_at, posted_at)


def item(row: Row) -> Mapping[str, Any] | None:
    """A collected item by its text; None for one without."""
    _, identifier, _, kind, raw_data, collected_at = row
    text = text_of(raw_data)
    if text is None:
        return None
    name = text.partition("\n")[0][:120]
    return _material(identifier, "collection_items", kind, name, text, None, collected_at, collected_at)


def _entities(collection: Collection, kinds: tuple[str, ...], shape: Any) -> Source:
    return Source(
        collection,
        Shown(
            "entities",
            DocumentSet.OSINT_ENTITIES,
            f"entity_type, name, properties, {_microseconds('first_seen', 'last_seen')}",
            "SELECT * FROM entities WHERE entities.organization_id = k.o AND entities.id = k.i",
            shape,
            only=_typed(kinds),
        ),
    )


SOURCES: Final = (
    _entities(Collection.SOCIAL_PROFILES, PROFILE_KINDS, profile),
    _entities(Collection.DOMAINS, DOMAIN_KINDS, domain),
    _entities(Collection.KNOWLEDGE, _KNOWLEDGE, knowledge),
    Source(
        Collection.INVESTIGATIONS,
        Shown(
            "investigations",
            DocumentSet.OSINT_ENTITIES,
            "name, description, scope, key_findings,"
            f" {_microseconds('coalesce(started_at, created_at)', 'coalesce(completed_at, updated_at)')},"
            " ARRAY(SELECT value FROM targets WHERE targets.organization_id ="
            " shown.organization_id AND targets.investigation_id = shown.id ORDER BY id LIMIT 1000)",
            "SELECT * FROM investigations WHERE investigations.organization_id = k.o AND investigations.id = k.i",
            investigation,
        ),
    ),
    Source(
        Collection.CONTENT,
        Shown(
            "social_posts",
            DocumentSet.OSINT_ENTITIES,
            f"platform, content, {_microseconds('CASE WHEN NOT impossible_time THEN posted_at END')}",
            "SELECT social_posts.* FROM social_post_keys AS key CROSS JOIN LATERAL (SELECT * FROM social_posts"
            " WHERE social_posts.organization_id = key.organization_id AND social_posts.posted_at = key.posted_at"
            " AND social_posts.id = key.id OFFSET 0) AS social_posts WHERE key.organization_id = k.o AND key.id = k.i",
            post,
        ),
    ),
    Source(
        Collection.CONTENT,
        Shown(
            "collection_items",
            DocumentSet.DOCUMENTS,
            f"item_type, raw_data, {_microseconds('collected_at')}",
            "SELECT collection_items.* FROM collection_item_hashes AS key CROSS JOIN LATERAL (SELECT * FROM"
            " collection_items WHERE collection_items.organization_id = key.organization_id AND"
            " collection_items.collected_at = key.collected_at AND collection_items.id = key.collection_item_id"
            " OFFSET 0) AS collection_items WHERE key.organization_id = k.o AND key.collection_item_id = k.i",
            item,
            only="item_type IS DISTINCT FROM 'file'",
        ),
    ),
)


def collection_of_kind(kind: str) -> Collection | None:
    """The collection that entities of that type are embedded into; None if they are not."""
    if kind in PROFILE_KINDS:
        return Collection.SOCIAL_PROFILES
    if kind in DOMAIN_KINDS:
        return Collection.DOMAINS
    return Collection.KNOWLEDGE if kind in _KNOWLEDGE else None


def hash_of(text: str) -> str:
    """What stands for a text: 128 bits of BLAKE2b, as hexadecimal digits."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _material(
    identifier: str,
    table: str,
    kind: str | None,
    name: str,
    text: str,
    platform: str | None,
    first_seen: int | None,
    last_seen: int | None,
) -> Mapping[str, Any]:
    embedded = text[:LONGEST_TEXT]
    subject = Subject(
        id=UUID(identifier),
        table=table,
        kind=kind or "item",
        name=name,
        content_hash=hash_of(embedded),
        excerpt=embedded[:LONGEST_EXCERPT],
        platform=platform,
        first_seen=first_seen,
        last_seen=last_seen,
    )
    return {"id": identifier, "subject": subject, "text": embedded}


def _platform(properties: Mapping[str, Any]) -> str | None:
    value = properties.get("platform")
    return value if isinstance(value, str) and value else None


def _said(properties: Mapping[str, Any], keys: tuple[str, ...]) -> list[str | None]:
    return [text_of(properties[key]) for key in keys if key in properties]


def _lines(*parts: str | None) -> str:
    """The parts that are there, a line each, each once."""
    return "\n".join(dict.fromkeys(part for part in parts if part))
