"""The documents themselves: one function for each kind of row, from a tuple of its columns to a dictionary.

Rows begin with the organization, the id as text and whether the row is absent; other ids and times are text, too.
What is absent is left out, so that equal rows are equal text.
"""

from collections.abc import Iterable
from typing import Any, Final

from clew.projections.search.port import Document
from clew.projections.search_documents.prose import (
    country_of,
    is_placed,
    place_of,
    point_of,
    spelt_otherwise,
    text_at,
    text_of,
    texts_at,
)

_ATTACK: Final = (
    "id",
    "timestamp",
    "ended_at",
    "source_ip",
    "destination_ip",
    "port",
    "source_port",
    "protocol",
    "payload",
    "payload_hash",
    "honeypot_id",
    "attack_type",
    "source",
    "client",
    "fingerprint",
    "event_count",
    "login_failures",
    "login_successes",
)
# Properties by which a tool says how it came to a relationship, not what there is to it.
HOW_TOLD: Final = ("record", "record_type", "source", "sources")
_ENTITY: Final = (
    "id",
    "doc_type",
    "entity_type",
    "name",
    "normalized_name",
    "username",
    "content",
    "platform",
    "country",
    "location",
    "location_name",
    "hashtags",
    "mentions",
    "tags",
    "flags",
    "sources",
    "risk_score",
    "confidence",
    "first_seen",
    "last_seen",
    "created_at",
    "updated_at",
    "properties",
)
_ACCOUNTS: Final = frozenset({"username", "social_profile"})


def entity(row: tuple[Any, ...]) -> Document:
    """An entity, or a social profile."""
    (_, identifier, _, entity_type, name, normalized_name, properties, tags, flags, risk_score, confidence, first_seen,
     last_seen, created_at, updated_at, sources) = row  # fmt: skip
    placed = is_placed(properties)
    values = (
        identifier,
        "social_profile" if entity_type == "social_profile" else "entity",
        entity_type,
        name,
        normalized_name,
        name if entity_type in _ACCOUNTS else text_at(properties, "username"),
        _lines(text_of(properties), spelt_otherwise(entity_type, name, properties)),
        text_at(properties, "platform"),
        country_of(properties) if placed else None,
        point_of(properties) if placed else None,
        name if entity_type == "location" else place_of(properties) if placed else None,
        texts_at(properties, "hashtags") if "hashtags" in properties else None,
        texts_at(properties, "mentions") if "mentions" in properties else None,
        tags,
        flags,
        sources,
        risk_score,
        confidence,
        first_seen,
        last_seen,
        created_at,
        updated_at,
        properties,
    )
    return _named(_ENTITY, values)


def relationship(row: tuple[Any, ...]) -> Document | None:
    """A relationship that says something of its own; others are found through the entities they join."""
    (_, identifier, _, relationship_type, source, target, properties, confidence, first_seen, last_seen, created_at,
     updated_at) = row  # fmt: skip
    content = text_of({name: value for name, value in properties.items() if name not in HOW_TOLD})
    if content is None:
        return None
    return _present(
        id=identifier,
        doc_type="relationship",
        name=relationship_type,
        relationship_type=relationship_type,
        source_entity_id=source,
        target_entity_id=target,
        content=content,
        confidence=confidence,
        first_seen=first_seen,
        last_seen=last_seen,
        created_at=created_at,
        updated_at=updated_at,
        properties=properties,
    )


def investigation(row: tuple[Any, ...]) -> Document:
    """A case with what it is about."""
    (_, identifier, _, name, description, status, scope, key_findings, risk_score, started_at, completed_at, created_at,
     updated_at, targets) = row  # fmt: skip
    return _present(
        id=identifier,
        doc_type="investigation",
        name=name,
        status=status,
        content=_lines(description, text_of(scope), text_of(key_findings), *targets),
        risk_score=risk_score,
        first_seen=started_at or created_at,
        last_seen=completed_at or updated_at,
        created_at=created_at,
        updated_at=updated_at,
    )


def social_post(row: tuple[Any, ...]) -> Document:
    """What somebody posted."""
    (_, identifier, _, platform, profile, content, hashtags, mentions, language, location, stats, posted_at, created_at,
     updated_at) = row  # fmt: skip
    return _present(
        id=identifier,
        doc_type="social_post",
        name=(content or "").partition("\n")[0][:120],
        platform=platform,
        source_entity_id=profile,
        content=content,
        hashtags=hashtags,
        mentions=mentions,
        language=language,
        location_name=location,
        first_seen=posted_at,
        last_seen=posted_at,
        created_at=created_at,
        updated_at=updated_at,
        properties=stats,
    )


def attack(row: tuple[Any, ...]) -> Document:
    """An attack session."""
    return _named(_ATTACK, row[1:2] + row[3:])


def document(row: tuple[Any, ...]) -> Document:
    """A collected item: a file by its name, a result row by its text."""
    (_, identifier, _, collection, item_type, raw_data, digest, parent, file_name, line, collected_at, sources) = row
    return _present(
        id=identifier,
        collection_id=collection,
        document_type=item_type,
        content=None if item_type == "file" else text_of(raw_data),
        file_name=file_name or text_at(raw_data, "file_name"),
        line=line,
        source=sources[0] if sources else None,
        created_at=collected_at,
        metadata=_present(hash=digest, parent_id=parent),
    )


def _present(**fields: Any) -> dict[str, Any]:
    return _named(fields.keys(), fields.values())


def _named(names: Iterable[str], values: Iterable[Any]) -> dict[str, Any]:
    # 0 and False are present; None, "" and empty lists are not.
    return {name: value for name, value in zip(names, values, strict=True) if value or value == 0}


def _lines(*parts: str | None) -> str | None:
    return "\n".join(_filled(parts)) or None


def _filled(parts: Iterable[str | None]) -> Iterable[str]:
    return (part for part in parts if part)
