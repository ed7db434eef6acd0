"""64-bit digests of values: the same in every release, on every machine, so that stored backgrounds stay readable."""

from hashlib import blake2b
from typing import Final

import numpy as np
import polars as pl

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)


def digest(text: str) -> int:
    """BLAKE2b of the UTF-8 text, its first 8 bytes as an unsigned number."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def digests(texts: pl.Series) -> pl.Series:
    """`digest` of each text (UInt64); meant for distinct texts, of which there are few."""
    joined = b"".join([blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in texts])
    return pl.Series(texts.name, np.frombuffer(joined, dtype="<u8").astype(np.uint64), dtype=pl.UInt64)


def mix(numbers: np.ndarray, salt: int) -> np.ndarray:
    """Another digest of 64-bit numbers for each salt (multiply and shift, twice)."""
    with np.errstate(over="ignore"):
        mixed = (numbers ^ np.uint64(digest(f"salt {salt}"))) * _MULTIPLIER
        mixed = (mixed ^ (mixed >> _SHIFT)) * _MULTIPLIER
    return mixed ^ (mixed >> _SHIFT)


def followed(before: pl.Series, after: pl.Series) -> np.ndarray:
    """Digest of one value followed by another: order matters."""
    with np.errstate(over="ignore"):
        return mix(mix(before.to_numpy(), 1) + after.to_numpy(), 2)
