"""Ids that follow from what they stand for, so that loading is idempotent and every store shares keys.

Ids are UUIDs of version 5 (RFC 9562, section 5.5) in the namespace of the organization. The hashed names are plain
text, so that anyone can recompute an id:

    entity        "entity:" + type + ":" + identity
    relationship  "relationship:" + type + ":" + source id + ":" + target id      (ids as 32 lower-case hex digits)

A type never contains a colon, so no two facts share a name.
"""

import hashlib
from collections.abc import Iterable, Sequence
from uuid import UUID


def entity_id(organization_id: UUID, entity_type: str, identity: str) -> UUID:
    """The id of the entity with this type and `NormalizedValue.identity` in one organization."""
    return UUID(bytes=entity_id_bytes(organization_id, [entity_type], [identity])[0])


def relationship_id(organization_id: UUID, source_id: UUID, relationship_type: str, target_id: UUID) -> UUID:
    """The id of the relationship from source to target; the other direction has another id."""
    return UUID(
        bytes=relationship_id_bytes(organization_id, [source_id.bytes], [relationship_type], [target_id.bytes])[0]
    )


def entity_id_bytes(organization_id: UUID, entity_types: Sequence[str], identities: Sequence[str]) -> list[bytes]:
    """`entity_id` for whole columns of equal length, as 16 bytes each. Raises ValueError on unequal lengths."""
    names = [f"entity:{entity_type}:{identity}" for entity_type, identity in zip(entity_types, identities, strict=True)]
    return _name_based_ids(organization_id, names)


def relationship_id_bytes(
    organization_id: UUID, source_ids: Sequence[bytes], types: Sequence[str], target_ids: Sequence[bytes]
) -> list[bytes]:
    """`relationship_id` for whole columns of equal length, as 16 bytes each. Raises ValueError on unequal lengths."""
    names = [
        f"relationship:{relationship_type}:{source.hex()}:{target.hex()}"
        for source, relationship_type, target in zip(source_ids, types, target_ids, strict=True)
    ]
    return _name_based_ids(organization_id, names)


def _name_based_ids(namespace: UUID, names: Iterable[str]) -> list[bytes]:
    """UUIDv5 bytes of each name: SHA-1 cut to 16 bytes with version and variant bits set."""
    prefix = namespace.bytes
    sha1 = hashlib.sha1
    identifiers: list[bytes] = []
    for name in names:
        digest = bytearray(sha1(prefix + name.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()[:16])
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        identifiers.append(bytes(digest))
    return identifiers
