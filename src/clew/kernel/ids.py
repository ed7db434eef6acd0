"""Ids made by the application: time-ordered for new rows, derived from content for facts."""

import hashlib
import os
import time
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID


class IdMaker(Protocol):
    """Makes ids for new rows."""

    def __call__(self) -> UUID:
        """A fresh id."""
        ...


def new_id() -> UUID:
    """A time-ordered UUIDv7 (RFC 9562): Unix milliseconds, a 4096th of one (its method 3), then random bits.

    So ids that one process makes one after the other, with anything between them, are in that order.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") >> 2
    return UUID(int=milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | random)


def new_ids(count: int) -> list[str]:
    """`count` time-ordered ids of the same millisecond as hex text, for bulk rows."""
    milliseconds = time.time_ns() // 1_000_000
    prefix = f"{milliseconds:012x}"
    random = os.urandom(10 * count).hex()
    chunks = (random[start : start + 20] for start in range(0, 20 * count, 20))
    return [f"{prefix}7{chunk[1:4]}{_VARIANT[chunk[4]]}{chunk[5:]}" for chunk in chunks]


def content_ids(namespace: bytes, contents: Iterable[bytes]) -> list[str]:
    """Ids that follow from content: UUIDv8 of SHA-256(namespace, content), as hex text.

    The same bytes in the same namespace always get the same id, whatever file they came in.
    """
    fork = hashlib.sha256(len(namespace).to_bytes(4, "big") + namespace).copy
    ids: list[str] = []
    for content in contents:
        digest = fork()
        digest.update(content)
        text = digest.hexdigest()
        ids.append(f"{text[:12]}8{text[13:16]}8{text[17:32]}")
    return ids


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
