"""SSH public keys, identified by their SHA-256 fingerprint as OpenSSH prints it."""

import base64
import binascii
import hashlib
import re
from typing import Final

from clew.ontology.text import identifier
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, PropertyValue, normalized

_FINGERPRINT: Final = re.compile(r"SHA256:([A-Za-z0-9+/]{43})=?", re.IGNORECASE | re.ASCII)
_MD5_FINGERPRINT: Final = re.compile(r"(?:MD5:)?((?:[0-9a-f]{2}:){15}[0-9a-f]{2})", re.IGNORECASE | re.ASCII)
_KEY_LINE: Final = re.compile(
    r"(?:\A|\s)((?:ssh|ecdsa|sk-ssh|sk-ecdsa)-[A-Za-z0-9@.-]{1,80})\s+([A-Za-z0-9+/]{20,}={0,2})(?:\s|\Z)", re.ASCII
)


def normalize(entity_type: EntityType, value: str, _qualifier: str | None = None) -> NormalizedValue:
    """The fingerprint of a public key line (options before and comment behind are dropped), or a fingerprint as given.

    An MD5 fingerprint stays one, because the key cannot be told from it. A qualifier is ignored.
    Raises InvalidValueError: invalid_ssh_key, and those of `identifier`.
    """
    text = identifier(value)
    fingerprint = _FINGERPRINT.fullmatch(text)
    if fingerprint:
        return normalized(entity_type, _sha256_fingerprint(_decode(fingerprint[1] + "=")))
    legacy = _MD5_FINGERPRINT.fullmatch(text)
    if legacy:
        return normalized(entity_type, f"MD5:{legacy[1].lower()}")
    line = _KEY_LINE.search(text)
    if not line:
        raise InvalidValueError("invalid_ssh_key", "not an OpenSSH public key line or fingerprint")
    key = _decode(line[2])
    if _first_field(key) != line[1].encode():
        raise InvalidValueError("invalid_ssh_key", "the key says another type than its line")
    digest = hashlib.sha256(key).digest()
    properties: dict[str, PropertyValue] = {
        "key_type": line[1],
        "public_key": f"{line[1]} {base64.b64encode(key).decode()}",
        "md5_fingerprint": hashlib.md5(key, usedforsecurity=False).hexdigest(),
    }
    return normalized(entity_type, _sha256_fingerprint(digest), properties=properties)


def _sha256_fingerprint(digest: bytes) -> str:
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise InvalidValueError("invalid_ssh_key", "damaged base64") from error


def _first_field(key: bytes) -> bytes:
    """The key type inside the key: a length of four bytes and the name (RFC 4253, section 6.6)."""
    return key[4 : 4 + int.from_bytes(key[:4], "big")]
