"""When sources become active, and how regularly: values of time that the rest treats like any other value.

A moment counts only where a source becomes active after a pause: the sessions of one burst say once that it is there,
not a hundred times. Moments are numbered in slices of three minutes, which holds a wave of ninety seconds together five
times of six.
"""

from typing import Final

import polars as pl

SLICE_SECONDS: Final = 180
PAUSE_SECONDS: Final = 1_800
"""Silence after which a source becomes active anew."""

MOST_MOMENTS_FOR_ENCOUNTERS: Final = 10
"""Of how many moments the pairs are formed, chosen by digest so that two sources choose alike."""

LEAST_GAPS: Final = 5
STEADY: Final = 0.08
"""Largest median deviation of gaps, relative to their median, that counts as a pace kept."""

_EPOCH: Final = pl.col("started_at").dt.epoch("s")


def onsets(sessions: pl.DataFrame) -> pl.DataFrame:
    """`source` and `slice` (Int64) for each time a source becomes active. Expects prepared sessions."""
    times = sessions.select("source", _EPOCH.alias("second"))
    pause = pl.col("second").diff().over("source")
    return (
        times.filter(pause.is_null() | (pause >= PAUSE_SECONDS))
        .select("source", (pl.col("second") // SLICE_SECONDS).alias("slice"))
        .unique()
    )


def activity(sessions: pl.DataFrame) -> pl.DataFrame:
    """`source` and `slice` (Int64) for each slice in which a source began a session: what does not depend on splits."""
    return sessions.select("source", (_EPOCH // SLICE_SECONDS).alias("slice")).unique()


def cadences(sessions: pl.DataFrame) -> pl.DataFrame:
    """`source` and `cadence` (seconds between sessions, rounded to an eighth of an octave) of sources that keep one."""
    gaps = (
        sessions.select("source", _EPOCH.diff().over("source").alias("gap"))
        .filter(pl.col("gap") >= 60)
        .group_by("source")
        .agg(
            pl.len().alias("gaps"),
            pl.col("gap").median().alias("median"),
            (pl.col("gap") - pl.col("gap").median()).abs().median().alias("deviation"),
        )
    )
    steady = gaps.filter(pl.col("gaps") >= LEAST_GAPS, pl.col("deviation") <= STEADY * pl.col("median"))
    octave = (pl.col("median").log(2) * 8).round() / 8
    return steady.select("source", (2**octave).round().cast(pl.Int64).alias("cadence"))


def spans(sessions: pl.DataFrame) -> pl.DataFrame:
    """First and last second of each source, in order of `source`.

    A session without an end counts as its start; one that seems to last more than a day has a broken clock.
    """
    begun = pl.col("started_at")
    ended = pl.col("ended_at").fill_null(begun).clip(begun, begun + pl.duration(days=1)).dt.epoch("s")
    return sessions.group_by("source").agg(_EPOCH.min().alias("first"), ended.max().alias("last")).sort("source")
