"""MinHash and LSH (Broder 1997; Leskovec, Rajaraman and Ullman, ch. 3).

Of values, to find those that nearly the same sources have; of sources, to find those with nearly the same commands.

A band that agrees proposes; of values the whole of their signatures and their numbers of holders have to agree as well,
else a chain of chance resemblances makes one habit of everything.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.digests import mix
from clew.analysis.coordination.sketches import starts_of

SAME: Final = 0.7
"""Share of two values' holders, as their MinHash estimates it, from which on they are one habit."""
LEAST_STEPS: Final = 3
"""Distinct commands below which a source has too few to be a near duplicate."""

ALIKE: Final = pl.Schema({"kind": pl.UInt8(), "first": pl.UInt64(), "value": pl.UInt64()})
BUCKETS: Final = pl.Schema({"source": pl.UInt32(), "bucket": pl.UInt64()})


@dataclass(frozen=True, slots=True)
class Scheme:
    """Bands of rows of hash functions, which are told apart by salts."""

    bands: int
    rows: int
    salt: int
    key_salt: int

    @property
    def hashes(self) -> int:
        """How many hash functions."""
        return self.bands * self.rows

    def hashed(self, numbers: np.ndarray, number: int) -> np.ndarray:
        """The numbers under one of the hash functions."""
        return mix(numbers, self.salt + number)

    def key(self, signature: list[np.ndarray], start: int) -> np.ndarray:
        """The key of a band from its part of the signature; `start` is what the key begins with."""
        key = np.full(len(signature[0]), start, dtype=np.uint64)
        for row in signature:
            key = mix(key ^ row, self.key_salt)
        return key


HOLDERS: Final = Scheme(bands=5, rows=3, salt=100, key_salt=99)
"""Of the sources that have a value."""
COMMANDS: Final = Scheme(bands=8, rows=4, salt=200, key_salt=98)
"""Of the commands that a source typed."""


def agree(same: pl.Expr, one: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether so many same hashes, and so many holders each, are those of one habit."""
    ratio = pl.min_horizontal(one, other) / pl.max_horizontal(one, other)
    return (same >= SAME * HOLDERS.hashes) & (ratio >= SAME)


def alike(postings: pl.DataFrame) -> pl.DataFrame:
    """Kind · first · value: values that nearly the same sources have, each with the least value of its bucket.

    `postings`: kind · value · source.
    """
    postings = postings.sort("kind", "value", "source")
    if not postings.height:
        return pl.DataFrame(schema=ALIKE)
    starts = starts_of(postings)
    sources = postings["source"].to_numpy()
    signatures = [np.minimum.reduceat(HOLDERS.hashed(sources, number), starts) for number in range(HOLDERS.hashes)]
    heads = postings[starts].select("kind", "value").with_row_index("node")
    holders = pl.Series("holders", np.diff(np.append(starts, postings.height)))
    found = []
    for band in range(HOLDERS.bands):
        key = HOLDERS.key(signatures[band * HOLDERS.rows : (band + 1) * HOLDERS.rows], 0)
        bucket = heads.select("node", "kind", pl.Series("key", key))
        bucket = bucket.filter(pl.len().over("kind", "key") > 1)
        paired = bucket.select("node", pl.col("node").min().over("kind", "key").alias("first"))
        found.append(paired.filter(pl.col("first") != pl.col("node")))
    edges = pl.concat(found).unique()
    one, other = edges["first"].to_numpy(), edges["node"].to_numpy()
    same = np.zeros(len(one), dtype=np.int64)
    for row in signatures:
        same += row[one] == row[other]
    compared = pl.DataFrame(
        {
            "kind": heads["kind"].gather(one), "first": heads["value"].gather(one),
            "value": heads["value"].gather(other), "same": same,
            "one": holders.gather(one), "other": holders.gather(other),
        }
    )  # fmt: skip
    return compared.filter(agree(pl.col("same"), pl.col("one"), pl.col("other"))).select(ALIKE.names())


def buckets(commands: pl.DataFrame) -> pl.DataFrame:
    """Source · bucket for every band of the sources that typed enough. `commands`: source · value, each once."""
    commands = commands.filter(pl.len().over("source") >= LEAST_STEPS).sort("source", "value")
    if not commands.height:
        return pl.DataFrame(schema=BUCKETS)
    sources, values = commands["source"].to_numpy(), commands["value"].to_numpy()
    starts = np.flatnonzero(np.diff(sources.astype(np.int64), prepend=-1))
    signatures = [np.minimum.reduceat(COMMANDS.hashed(values, number), starts) for number in range(COMMANDS.hashes)]
    found = []
    for band in range(COMMANDS.bands):
        key = COMMANDS.key(signatures[band * COMMANDS.rows : (band + 1) * COMMANDS.rows], band)
        found.append(pl.DataFrame({"source": sources[starts], "bucket": key}))
    return pl.concat(found)
