"""Digests that a sender gives with what it sends: Content-Digest and Repr-Digest (RFC 9530)."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar, Final

from clew.kernel.errors import InputError

ALGORITHMS: Final = {"sha-256": "sha256", "sha-512": "sha512"}
WANTED: Final = "sha-256=10, sha-512=3"
_MEMBER: Final = re.compile(r"[ \t]*([a-z*][a-z0-9_\-.*]*)=:([A-Za-z0-9+/=]*):[ \t]*")
_LONGEST: Final = 2000


class DigestError(InputError):
    """What arrived is not what its sender's digest says."""

    code: ClassVar[str] = "digest_mismatch"


def parse_digests(field: str | None, name: str) -> dict[str, str]:
    """The digests of a header field that are understood, in lower-case hexadecimal by algorithm.

    Raises InputError for a field that is none, or in which nothing is understood: its sender counts on a check.
    """
    if field is None:
        return {}
    found = {}
    for member in field[:_LONGEST].split(","):
        match = _MEMBER.fullmatch(member)
        if match is None:
            raise InputError("this is no list of digests", where=name, remedy="write sha-256=:BASE64:")
        algorithm, encoded = match.groups()
        if algorithm not in ALGORITHMS:
            continue
        try:
            digest = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            digest = b""
        if len(digest) != hashlib.new(ALGORITHMS[algorithm], usedforsecurity=True).digest_size:
            raise InputError(
                f"this is no digest of {algorithm}", where=name, remedy="write it in base64 between colons"
            )
        found[algorithm] = digest.hex()
    if not found:
        raise InputError("none of these digests can be checked", where=name, remedy="give sha-256 or sha-512")
    return found


class Digester:
    """Computes the digests of what it is given: SHA-256 always, others where they are asked for."""

    def __init__(self, algorithms: Iterable[str] = ()) -> None:
        self._hashers = {name: hashlib.new(ALGORITHMS[name]) for name in {"sha-256", *algorithms}}
        self.size = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Take in more."""
        for hasher in self._hashers.values():
            hasher.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        """SHA-256 so far, in hexadecimal."""
        return self._hashers["sha-256"].hexdigest()

    def knows(self, algorithms: Iterable[str]) -> bool:
        """Whether it computes all of these."""
        return set(algorithms) <= self._hashers.keys()

    def require(self, expected: Mapping[str, str], where: str) -> None:
        """Raises DigestError unless everything expected is what came out."""
        for algorithm, digest in expected.items():
            if self._hashers[algorithm].hexdigest() != digest:
                raise DigestError(
                    f"what arrived does not have the {algorithm} digest that was given",
                    where=where,
                    remedy="send it again, with the digest of its own bytes",
                )
