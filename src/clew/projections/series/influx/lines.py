"""Points and roll-ups as line protocol, and back. Columns throughout: a million lines are made in about a second.

system_metrics,organization=…,series=…,field=cpu,host=a value=0.5 1700000000000000
system_metrics_1h,organization=…,series=…,field=cpu,host=a count=60i,sum=30.0,…,bins="…" 1700000000000000
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import numpy as np
import polars as pl

from clew.projections.series.influx.bins import bins_in, texts_of
from clew.projections.series.influx.connection import Rows
from clew.records.series.model import Series
from clew.records.series.rollups import POINT, ROLLUP, Array

_WHOLE: Final = ("count", "first_at", "last_at")
FIELDS: Final = tuple(name for name in ROLLUP.names or () if name not in {"series", "time"})
_IN_TAGS: Final = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})


def heads(organization_id: UUID, catalogue: Iterable[Series], suffix: str = "") -> dict[int, str]:
    """What lines of each series begin with."""
    return {each.number: _head(organization_id, each, suffix) for each in catalogue}


def point_lines(points: Array, heads_of: Mapping[int, str]) -> bytes:
    """Lines of points (POINT)."""
    if not len(points):
        return b""
    frame = pl.DataFrame({name: np.ascontiguousarray(points[name]) for name in ("series", "time", "value")})
    return _joined(frame, heads_of, [pl.lit("value="), pl.col("value").cast(pl.String)])


def rollup_lines(rollups: Array, heads_of: Mapping[int, str], bins: Array | None = None) -> bytes:
    """Lines of roll-ups (ROLLUP), with their bins where there are any."""
    if not len(rollups):
        return b""
    frame = pl.DataFrame({name: np.ascontiguousarray(rollups[name]) for name in rollups.dtype.names or ()})
    pieces: list[pl.Expr] = []
    for name in FIELDS:
        whole = "i" if name in _WHOLE else ""
        pieces += [pl.lit(f"{name}="), pl.col(name).cast(pl.String), pl.lit(f"{whole},")]
    if bins is None:
        pieces[-1] = pl.lit("")
    else:
        frame = frame.join(_packed(bins), on=["series", "time"], how="left", maintain_order="left")
        pieces += [pl.lit('bins="'), pl.col("bins").fill_null(""), pl.lit('"')]
    return _joined(frame, heads_of, pieces)


def read_points(answer: Sequence[Rows]) -> Array:
    """The points (POINT) of an answer of `value`."""
    parts = []
    for rows in answer:
        part = np.empty(len(rows.values), POINT)
        part["series"] = number_of(rows)
        part["time"] = [row[0] for row in rows.values]
        part["value"] = [row[1] for row in rows.values]
        parts.append(part)
    return _put_together(parts, POINT)


def read_rollups(answer: Sequence[Rows]) -> Array:
    """The roll-ups (ROLLUP) of an answer of FIELDS. What lacks one of them is none of ours, and shows as zero."""
    parts = []
    for rows in answer:
        part = np.zeros(len(rows.values), ROLLUP)
        part["series"] = number_of(rows)
        for place, name in enumerate(("time", *FIELDS)):
            part[name] = [0 if row[place] is None else row[place] for row in rows.values]
        parts.append(part)
    return _put_together(parts, ROLLUP)


def read_bins(answer: Sequence[Rows]) -> Array:
    """The bins (BIN) of an answer of `bins`."""
    rows = [(number_of(each), time, text) for each in answer for time, text in each.values]
    made = bins_in(rows)
    return made[np.lexsort((made["time"], made["series"]))]


def number_of(rows: Rows) -> int:
    """The series that rows are of; 0 for one that somebody else made."""
    text = rows.tags.get("series", "")
    return int(text) if text.isdecimal() and len(text) < 20 else 0


def _head(organization_id: UUID, series: Series, suffix: str) -> str:
    tags = [("organization", str(organization_id)), ("series", str(series.number)), ("field", series.field)]
    written = ",".join(f"{name.translate(_IN_TAGS)}={_tag(value)}" for name, value in [*tags, *series.tags])
    return f"{series.measurement}{suffix},{written} "


def _tag(value: str) -> str:
    """A value as line protocol takes it: a backslash at its end would swallow what follows."""
    escaped = value.translate(_IN_TAGS)
    return f"{escaped}\u200b" if escaped.endswith("\\") else escaped


def _packed(bins: Array) -> pl.DataFrame:
    """Series, time and their bins as text."""
    if not len(bins):
        return pl.DataFrame(schema={"series": pl.Int64, "time": pl.Int64, "bins": pl.String})
    starts, texts = texts_of(bins)
    return pl.DataFrame({"series": bins["series"][starts], "time": bins["time"][starts], "bins": texts})


def _joined(frame: pl.DataFrame, heads_of: Mapping[int, str], pieces: list[pl.Expr]) -> bytes:
    known = pl.DataFrame(
        {"series": list(heads_of), "head": list(heads_of.values())}, schema={"series": pl.Int64, "head": pl.String}
    )
    joined = frame.join(known, on="series", how="inner", maintain_order="left")
    line = pl.concat_str(pl.col("head"), *pieces, pl.lit(" "), pl.col("time").cast(pl.String))
    lines: Any = joined.select(line.alias("line"))["line"]
    return "\n".join(lines.to_list()).encode() + b"\n"


def _put_together(parts: list[Array], kind: "np.dtype[Any]") -> Array:
    if not parts:
        return np.empty(0, kind)
    rows = np.concatenate(parts)
    return rows[np.lexsort((rows["time"], rows["series"]))]
