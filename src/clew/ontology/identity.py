"""Ids that follow from what they stand for, so that loading is idempotent and every store shares keys.

Ids are UUIDs of version 5 (RFC 9562, section 5.5) in the namespace of the organization. The hashed names are plain
text, so that anyone can recompute an id:

    entity        "entity:" + type + ":" + identity
    relationship  "relationship:" + type + ":" + source id + ":" + target id      (ids as 32 lower-case hex digits)

A type never contains a colon, so no two facts share a name.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID


def entity_id(organization_id: UUID, entity_type: str, identity: str) -> UUID:
    """The id of the entity with this type and `NormalizedValue.identity` in one organization."""
    return UUID(hex=entity_id_texts(organization_id, [entity_type], [identity])[0])


def relationship_id(organization_id: UUID, source_id: UUID, relationship_type: str, target_id: UUID) -> UUID:
    """The id of the relationship from source to target; the other direction has another id."""
    texts = relationship_id_texts(organization_id, [source_id.hex], [relationship_type], [target_id.hex])
    return UUID(hex=texts[0])


def entity_id_texts(organization_id: UUID, entity_types: Sequence[str], identities: Sequence[str]) -> list[str]:
    """`entity_id` for whole columns of equal length, as 32 hex digits each. Raises ValueError on unequal lengths."""
    names = [f"entity:{entity_type}:{identity}" for entity_type, identity in zip(entity_types, identities, strict=True)]
    return _name_based_texts(organization_id, names)


def relationship_id_texts(
    organization_id: UUID, source_ids: Sequence[str], types: Sequence[str], target_ids: Sequence[str]
) -> list[str]:
    """`relationship_id` for whole columns of equal length, ids being 32 hex digits each. Raises ValueError."""
    names = [
        f"relationship:{relationship_type}:{source}:{target}"
        for source, relationship_type, target in zip(source_ids, types, target_ids, strict=True)
    ]
    return _name_based_texts(organization_id, names)


_VARIANTS: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def _name_based_texts(namespace: UUID, names: Iterable[str]) -> list[str]:
    """UUIDv5 of each name: SHA-1 cut to 32 hex digits, of which one is the version and one tells the variant."""
    fork = hashlib.sha1(namespace.bytes, usedforsecurity=False).copy
    texts: list[str] = []
    for name in names:
        digest = fork()
        digest.update(name.encode("utf-8", "surrogatepass"))
        text = digest.hexdigest()
        texts.append(f"{text[:12]}5{text[13:16]}{_VARIANTS[text[16]]}{text[17:32]}")
    return texts
