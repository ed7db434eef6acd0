"""The steps that grow with sessions as Daft dataframes: the same on this machine and on a Ray cluster.

Which of the two runs them is Daft's runner, which is set once for a process (`domains/campaigns/computing`). What is
relational is Daft's expressions; what is not, is a kernel (`daft_kernels`) that Daft maps over batches. Every result is
a set of rows of whole numbers and texts, so that neither partitions nor their order can change it.
"""

from functools import reduce
from operator import add
from typing import Any, Final

import polars as pl

from clew.analysis.coordination import daft_kernels as kernels
from clew.analysis.coordination.circles import MOST_PARTNERS, PARTNERS, REACH
from clew.analysis.coordination.minhash import ALIKE, BUCKETS, COMMANDS, HOLDERS, LEAST_STEPS, SAME, Scheme
from clew.analysis.coordination.sketches import POSTINGS, SKETCH
from clew.analysis.coordination.traits import GLOSSARY, TRAITS, Observed, Shown, observed
from clew.analysis.coordination.untracked import daft, functions

ROWS_OF_A_PART: Final = 250_000
"""Rows of a table that are handed to Daft as one partition."""
SESSIONS_OF_A_BLOCK: Final = 20_000
"""Sessions, about, whose sources are looked at together."""

# Expressions are what comparing them gives, which the types of Python's operators do not say.
col: Any = daft.col
lit: Any = daft.lit
Window: Any = daft.Window
row_number: Any = functions.row_number
unnest: Any = functions.unnest
when: Any = functions.when

_SEQUENCES: Final = pl.Schema({"session": pl.UInt32(), "steps": pl.List(pl.UInt64())})


class DaftCompute:
    """Daft, on whichever runner the process has."""

    def __init__(self, block: int = SESSIONS_OF_A_BLOCK) -> None:
        self._block = block

    def observe(self, sessions: pl.DataFrame, *, timed: bool) -> Observed:
        """See `Compute`."""
        blocks = max(1, -(-sessions.height // self._block))
        rows = sessions.with_row_index("session").with_columns((pl.col("source") % blocks).alias("block"))
        kernel = kernels.shown_rows(timed=timed)
        told = (
            daft.from_arrow([part.to_arrow() for part in rows.partition_by("block")] or [rows.to_arrow()])
            .groupby("block")
            .map_groups(kernel(*(col(name) for name in kernels.ROWS)).alias("shown"))
            .select(unnest(col("shown")))
            .collect(num_preview_rows=None)
        )
        tables = {
            name: told.where(col("table") == number).select(*TRAITS.names())
            for number, name in enumerate(kernels.TABLES[:3])
        }
        glossary = told.where(col("table") == 3).groupby("kind", "value").agg(col("text").min())
        sequences = told.where(col("table") == 4).select(*_SEQUENCES.names())
        return observed(
            Shown(
                **{name: _collected(table, TRAITS) for name, table in tables.items()},
                glossary=_collected(glossary, GLOSSARY),
                sequences=_collected(sequences, _SEQUENCES),
            )
        )

    def sketched(self, postings: pl.DataFrame) -> pl.DataFrame:
        """See `Compute`."""
        rank = row_number().over(Window().partition_by("kind", "value").order_by("source"))
        kept = _given(postings).distinct().with_column("rank", rank).where(col("rank") <= SKETCH)
        return _collected(kept.select(*POSTINGS.names()), POSTINGS).sort(POSTINGS.names())

    def counted(self, postings: pl.DataFrame) -> pl.DataFrame:
        """See `Compute`."""
        counts = _given(postings).groupby("kind", "value").agg(col("source").count().alias("kept"), col("source").max())
        schema = pl.Schema({"kind": pl.UInt8(), "value": pl.UInt64(), "kept": pl.UInt32(), "source": pl.UInt64()})
        return _collected(counts, schema)

    def alike(self, postings: pl.DataFrame) -> pl.DataFrame:
        """See `Compute`."""
        signed = _signed(_given(postings), ["kind", "value"], "source", HOLDERS).collect(num_preview_rows=None)
        proposed = _banded(signed, HOLDERS, [0] * HOLDERS.bands, "kind", "value")
        first = proposed.groupby("kind", "band", "key").agg(
            col("value").min().alias("first"), col("value").count().alias("held")
        )
        paired = (
            proposed.join(first.where(col("held") > 1), on=["kind", "band", "key"])
            .where(col("first") != col("value"))
            .select("kind", "first", "value")
            .distinct()
        )
        names = _signature(HOLDERS)
        firsts = signed.select(
            col("kind"), col("value").alias("first"), col("count").alias("first count"),
            *(col(name).alias(f"first {name}") for name in names),
        )  # fmt: skip
        # Held between the joins: else they are reordered into one by kind alone, which is every value with every other.
        half = paired.join(firsts, on=["kind", "first"]).collect(num_preview_rows=None)
        both = half.join(signed, on=["kind", "value"])
        same = reduce(add, [(col(name) == col(f"first {name}")).cast(daft.DataType.int64()) for name in names])
        fewer = when(col("count") < col("first count"), col("count")).otherwise(col("first count"))
        more = when(col("count") < col("first count"), col("first count")).otherwise(col("count"))
        real = daft.DataType.float64()
        agreed = both.where((same >= lit(SAME * HOLDERS.hashes)) & (fewer.cast(real) / more.cast(real) >= lit(SAME)))
        return _collected(agreed.select(*ALIKE.names()), ALIKE)

    def buckets(self, commands: pl.DataFrame) -> pl.DataFrame:
        """See `Compute`."""
        signed = _signed(_given(commands), ["source"], "value", COMMANDS).where(col("count") >= LEAST_STEPS)
        banded = _banded(signed, COMMANDS, list(range(COMMANDS.bands)), "source")
        return _collected(banded.select("source", col("key").alias("bucket")), BUCKETS)

    def partners(self, linking: pl.DataFrame, digest_of: pl.Series) -> pl.DataFrame:
        """See `Compute`."""
        pairs = _neighbours(linking, digest_of)
        summed = pairs.groupby("first", "second").agg(
            col("worth").sum(), col("first digest").min(), col("second digest").min()
        )
        ranked = summed.with_column("tie", kernels.mixed(12)(col("first digest"), col("second digest")))
        for side in ("first", "second"):
            best = Window().partition_by(side).order_by("worth", "tie", desc=[True, False])
            ranked = ranked.with_column(f"rank {side}", row_number().over(best))
        kept = ranked.where((col("rank first") <= MOST_PARTNERS) | (col("rank second") <= MOST_PARTNERS))
        return _collected(kept.select(*PARTNERS.names()), PARTNERS).sort(PARTNERS.names())


def _given(table: pl.DataFrame) -> Any:
    """A table of Polars as a Daft dataframe, in parts that can be shared out."""
    return daft.from_arrow([part.to_arrow() for part in table.iter_slices(ROWS_OF_A_PART)] or [table.to_arrow()])


def _collected(table: Any, schema: pl.Schema) -> pl.DataFrame:
    """A Daft dataframe as a table of Polars with just these columns, in any order of rows."""
    found = pl.from_arrow(table.select(*schema.names()).to_arrow())
    if not isinstance(found, pl.DataFrame):
        raise TypeError("a table came as a column")
    return found.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _signature(scheme: Scheme) -> list[str]:
    return [f"hash {number}" for number in range(scheme.hashes)]


def _signed(table: Any, by: list[str], column: str, scheme: Scheme) -> Any:
    """`by`, the MinHash of the column's values in each group, and `count`."""
    names = _signature(scheme)
    hashes = {name: kernels.hashed(scheme, number)(col(column)) for number, name in enumerate(names)}
    return (
        table.with_columns(hashes)
        .groupby(*by)
        .agg(*(col(name).min() for name in names), col(column).count().alias("count"))
    )


def _banded(signed: Any, scheme: Scheme, starts: list[int], *keep: str) -> Any:
    """`keep`, `band` and its `key`, a row for every band of every signature."""
    names = _signature(scheme)
    bands = []
    for band in range(scheme.bands):
        part = names[band * scheme.rows : (band + 1) * scheme.rows]
        key = kernels.band_key(scheme, starts[band])(*(col(name) for name in part))
        bands.append(signed.select(*keep, lit(band).alias("band"), key.alias("key")))
    return reduce(lambda all_bands, one: all_bands.concat(one), bands)


def _neighbours(linking: pl.DataFrame, digest_of: pl.Series) -> Any:
    """`first`, `second`, `worth` and both digests for each habit's neighbours in its circle, as `circles` has it."""
    digests = digest_of.gather(linking["source"]).alias("digest")
    habit = ("kind", "habit")
    circle = _given(linking.with_columns(digests)).with_column("order", kernels.mixed(11)(col("digest"), col("habit")))
    place = row_number().over(Window().partition_by(*habit).order_by("order", "source"))
    whole = daft.DataType.int64()
    placed = circle.with_columns({"place": place.cast(whole) - 1})
    sizes = placed.groupby(*habit).agg(col("source").count().cast(whole).alias("size")).where(col("size") > 1)
    steps = daft.from_pydict({"step": list(range(1, REACH + 1))})
    mine = (
        placed.join(sizes, on=list(habit))
        .join(steps, how="cross")
        .where(col("size") >= col("step") * 2)
        .with_column("place", (col("place") + col("step")) % col("size"))
        .select(*habit, "place", *(col(name).alias(f"my {name}") for name in ("source", "worth", "digest")))
    )
    both = mine.join(placed, on=[*habit, "place"])
    ahead = col("my source") < col("source")
    return both.select(
        when(ahead, col("my source")).otherwise(col("source")).alias("first"),
        when(ahead, col("source")).otherwise(col("my source")).alias("second"),
        when(col("my worth") < col("worth"), col("my worth")).otherwise(col("worth")).alias("worth"),
        when(ahead, col("my digest")).otherwise(col("digest")).alias("first digest"),
        when(ahead, col("digest")).otherwise(col("my digest")).alias("second digest"),
    )
