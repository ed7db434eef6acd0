"""The kernels of the shared-out steps: what Polars and numpy do to a batch, as functions of Daft expressions.

Each is the very function that `LocalCompute` calls, and looks at nothing but its batch: `shown` at all sessions of
some sources, the others at one row at a time.
"""

from typing import Any, Final

import numpy as np
import polars as pl

from clew.analysis.coordination.digests import mix
from clew.analysis.coordination.minhash import Scheme
from clew.analysis.coordination.sessions import SCHEMA
from clew.analysis.coordination.traits import Shown, shown
from clew.analysis.coordination.untracked import daft

TABLES: Final = ("common", "counted", "compared", "glossary", "sequences")
"""Tables of `Shown`, by their number in a row of `SHOWN`."""
ROWS: Final = (*SCHEMA, "source", "session")

_SHOWN: Final = pl.Schema(
    {
        "table": pl.UInt8(), "source": pl.UInt32(), "kind": pl.UInt8(), "value": pl.UInt64(), "session": pl.UInt32(),
        "text": pl.String(), "steps": pl.List(pl.UInt64()),
    }
)  # fmt: skip
_TYPE: Final = daft.DataType.struct(
    {
        "table": daft.DataType.uint8(), "source": daft.DataType.uint32(), "kind": daft.DataType.uint8(),
        "value": daft.DataType.uint64(), "session": daft.DataType.uint32(), "text": daft.DataType.string(),
        "steps": daft.DataType.list(daft.DataType.uint64()),
    }
)  # fmt: skip


def polars(series: Any) -> pl.Series:
    """A Daft series as one of Polars, by Arrow."""
    found = pl.from_arrow(series.to_arrow())
    if not isinstance(found, pl.Series):
        raise TypeError("a column came as a table")
    return found


def shown_rows(*, timed: bool) -> Any:
    """Kernel: all sessions of a block of sources (columns as `ROWS`) → rows of `SHOWN`."""

    @daft.func.batch(return_dtype=_TYPE, use_process=False)
    def kernel(*columns: Any) -> Any:
        rows = pl.DataFrame([polars(column).alias(name) for name, column in zip(ROWS, columns, strict=True)])
        rows = rows.cast({"source": pl.UInt32, "session": pl.UInt32}).sort("session")
        told = shown(rows, timed=timed)
        tables = [_tagged(told, number) for number in range(len(TABLES))]
        return pl.concat(tables).to_struct("shown").to_arrow()

    return kernel


def _tagged(told: Shown, number: int) -> pl.DataFrame:
    table: pl.DataFrame = getattr(told, TABLES[number])
    tagged = table.with_columns(pl.lit(number, pl.UInt8).alias("table"))
    tagged = tagged.with_columns(pl.lit(None).alias(name) for name in _SHOWN if name not in tagged.columns)
    return tagged.select(pl.col(name).cast(kind) for name, kind in _SHOWN.items())


def hashed(scheme: Scheme, number: int) -> Any:
    """Kernel: numbers → their digests under one hash function of a scheme."""

    @daft.func.batch(return_dtype=daft.DataType.uint64(), use_process=False)
    def kernel(numbers: Any) -> Any:
        return pl.Series(scheme.hashed(_words(numbers), number), dtype=pl.UInt64).to_arrow()

    return kernel


def band_key(scheme: Scheme, start: int) -> Any:
    """Kernel: a band's part of the signature → its key."""

    @daft.func.batch(return_dtype=daft.DataType.uint64(), use_process=False)
    def kernel(*signature: Any) -> Any:
        return pl.Series(scheme.key([_words(row) for row in signature], start), dtype=pl.UInt64).to_arrow()

    return kernel


def mixed(salt: int) -> Any:
    """Kernel: the digest of two 64-bit numbers' exclusive or."""

    @daft.func.batch(return_dtype=daft.DataType.uint64(), use_process=False)
    def kernel(one: Any, other: Any) -> Any:
        return pl.Series(mix(_words(one) ^ _words(other), salt), dtype=pl.UInt64).to_arrow()

    return kernel


def _words(series: Any) -> np.ndarray:
    return polars(series).cast(pl.UInt64).to_numpy()
