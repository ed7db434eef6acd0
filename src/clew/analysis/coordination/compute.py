"""Where the parts of an analysis that grow with its sessions are worked out; the same bits come of it everywhere.

`LOCAL` is Polars in this process. `daft_compute.DaftCompute` says the same as Daft dataframes, which this machine or a
Ray cluster runs. What comes after (weights, fusion, communities, words) needs all sources at once and stays here.
"""

from typing import Protocol

import polars as pl

from clew.analysis.coordination import circles, minhash, sketches
from clew.analysis.coordination.traits import Observed, observe


class Compute(Protocol):
    """The steps that can be shared out. No result depends on the order of rows, nor has one."""

    def observe(self, sessions: pl.DataFrame, *, timed: bool) -> Observed:
        """What prepared sessions show, as `traits.observe`."""
        ...

    def sketched(self, postings: pl.DataFrame) -> pl.DataFrame:
        """The postings that a background keeps, as `sketches.sketched`, sorted."""
        ...

    def counted(self, postings: pl.DataFrame) -> pl.DataFrame:
        """How many sources have each value, as `sketches.counted`."""
        ...

    def alike(self, postings: pl.DataFrame) -> pl.DataFrame:
        """Values that nearly the same sources have, as `minhash.alike`."""
        ...

    def buckets(self, commands: pl.DataFrame) -> pl.DataFrame:
        """LSH buckets of the commands of each source, as `minhash.buckets`."""
        ...

    def partners(self, linking: pl.DataFrame, digest_of: pl.Series) -> pl.DataFrame:
        """Candidate pairs, as `circles.partners`, sorted."""
        ...


class LocalCompute:
    """Polars and numpy in this process."""

    def observe(self, sessions: pl.DataFrame, *, timed: bool) -> Observed:
        """See `Compute`."""
        return observe(sessions, timed=timed)

    def sketched(self, postings: pl.DataFrame) -> pl.DataFrame:
        """See `Compute`."""
        return sketches.sketched(postings)

    def counted(self, postings: pl.DataFrame) -> pl.DataFrame:
        """See `Compute`."""
        return sketches.counted(postings)

    def alike(self, postings: pl.DataFrame) -> pl.DataFrame:
        """See `Compute`."""
        return minhash.alike(postings)

    def buckets(self, commands: pl.DataFrame) -> pl.DataFrame:
        """See `Compute`."""
        return minhash.buckets(commands)

    def partners(self, linking: pl.DataFrame, digest_of: pl.Series) -> pl.DataFrame:
        """See `Compute`."""
        return circles.partners(linking, digest_of)


LOCAL: Compute = LocalCompute()
