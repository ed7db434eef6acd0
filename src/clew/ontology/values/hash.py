"""File hashes: hexadecimal digests, told apart by length, and the similarity digests ssdeep and TLSH."""

import functools
import hashlib
import re
from typing import Final

from clew.ontology.text import identifier
from clew.ontology.types import EntityType
from clew.ontology.value import InvalidValueError, NormalizedValue, normalized

_ALGORITHMS: Final = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
_PREFIXED: Final = re.compile(
    r"(md5|sha-?1|sha-?224|sha-?256|sha-?384|sha-?512|ssdeep|tlsh)\s*[:=]\s*(.+)", re.IGNORECASE
)
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]+", re.IGNORECASE | re.ASCII)
_SSDEEP: Final = re.compile(r"\d{1,12}:[A-Za-z0-9+/]{1,64}:[A-Za-z0-9+/]{1,64}", re.ASCII)
_TLSH: Final = re.compile(r"(?:T1)?([0-9A-F]{70})", re.IGNORECASE | re.ASCII)


def normalize(entity_type: EntityType, value: str, _qualifier: str | None = None) -> NormalizedValue:
    """The digest in lower case without prefix (TLSH: upper case with T1; ssdeep as it is). A qualifier is ignored.

    Raises InvalidValueError: invalid_file_hash, hash_length_mismatch, and those of `identifier`.
    """
    text = identifier(value)
    prefixed = _PREFIXED.fullmatch(text)
    stated = prefixed[1].lower().replace("-", "") if prefixed else None
    digest = prefixed[2].strip() if prefixed else text
    algorithm, canonical = _recognised(digest)
    if stated is not None and stated != algorithm:
        raise InvalidValueError("hash_length_mismatch", f"not a digest of the length of {stated}")
    flags = ("placeholder",) if len(set(canonical)) == 1 or canonical in _empty_digests() else ()
    return normalized(entity_type, canonical, flags=flags, properties={"algorithm": algorithm})


def _recognised(digest: str) -> tuple[str, str]:
    """Algorithm and canonical text."""
    if _HEXADECIMAL.fullmatch(digest) and len(digest) in _ALGORITHMS:
        return _ALGORITHMS[len(digest)], digest.lower()
    if _SSDEEP.fullmatch(digest):
        return "ssdeep", digest
    tlsh = _TLSH.fullmatch(digest)
    if tlsh:
        return "tlsh", f"T1{tlsh[1].upper()}"
    raise InvalidValueError("invalid_file_hash", "not a digest of a known length")


@functools.cache
def _empty_digests() -> frozenset[str]:
    """Digests of an empty file: what failed downloads have in common."""
    return frozenset(hashlib.new(name, usedforsecurity=False).hexdigest() for name in _ALGORITHMS.values()) | {"3::"}
