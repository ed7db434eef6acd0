"""Daft on this machine gives the bits that the process itself gives, whatever the size of its parts."""

from datetime import timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from clew.analysis.coordination import Depth, analyze, daft_compute
from clew.analysis.coordination.compute import LOCAL
from clew.analysis.coordination.daft_compute import DaftCompute
from clew.analysis.coordination.digests import mix
from clew.analysis.coordination.sessions import empty, prepare
from tests.support.attack_frames import GROUP, Sheet

SESSIONS = Sheet().ordinary(300).group().frame()
DIGESTS = pl.Series("source", mix(pl.Series(range(400), dtype=pl.UInt64).to_numpy(), 5))


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daft_compute, "ROWS_OF_A_PART", 300)


def same(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.height > 0, "nothing was compared"
    assert_frame_equal(one.sort(pl.all()), other.sort(pl.all()))


def postings(*held: range) -> pl.DataFrame:
    """Values 0, 1, 2 … of one kind, each with its holders."""
    rows = [(7, value, int(DIGESTS[source])) for value, sources in enumerate(held) for source in sources]
    return pl.DataFrame(rows, schema={"kind": pl.UInt8, "value": pl.UInt64, "source": pl.UInt64}, orient="row")


@pytest.mark.parametrize("depth", [Depth.MINIMAL, Depth.DEEP])
def test_an_analysis_by_daft_is_the_same(depth: Depth) -> None:
    here, there = (analyze(SESSIONS, depth=depth, compute=compute) for compute in (LOCAL, DaftCompute(block=100)))
    assert [community.source_ips for community in here.communities] == [GROUP]
    assert here == there
    assert here.background == there.background
    assert here.background.to_bytes() == there.background.to_bytes()


def test_what_sources_show_does_not_depend_on_blocks() -> None:
    odd = Sheet(3).group(("198.51.100.1", "2001:db8:1::7")).frame()
    odd = odd.with_columns(
        pl.lit([None, "", "ls \x1f; é\u2028"]).alias("commands"), started_at=odd["started_at"] - timedelta(days=9)
    )
    ready = prepare(pl.concat([SESSIONS, odd.with_columns(pl.col("session_id") + "-odd")]))
    here = LOCAL.observe(ready, timed=True)
    for block in (50, 10_000):
        there = DaftCompute(block).observe(ready, timed=True)
        for name in ("traits", "paired", "glossary"):
            same(getattr(here, name), getattr(there, name))
        assert_frame_equal(here.sequences.sort("session"), there.sequences.sort("session"))


def test_no_sessions_are_no_trouble() -> None:
    assert analyze(empty(), compute=DaftCompute()) == analyze(empty())


def test_a_sketch_keeps_the_least_digests_and_each_once() -> None:
    some = postings(range(200), range(64), range(63), range(1))
    twice = pl.concat([some, some.reverse()])
    here, there = LOCAL.sketched(twice), DaftCompute().sketched(twice)
    assert here.group_by("value").len().sort("value")["len"].to_list() == [64, 64, 63, 1]
    assert here.equals(there)
    same(LOCAL.counted(here), DaftCompute().counted(here))


def test_values_with_nearly_the_same_holders_are_alike() -> None:
    some = postings(range(60), range(58), range(30), range(100, 160), range(100, 159), range(61), range(5, 9))
    here = LOCAL.alike(some)
    assert {0, 1, 5} <= {*here["first"], *here["value"]}
    assert 2 not in {*here["first"], *here["value"]}
    same(here, DaftCompute().alike(some))


def test_near_duplicates_fall_into_the_same_buckets() -> None:
    rows = [(source, step * 31) for source in range(40) for step in range(2 + source % 9)]
    commands = pl.DataFrame(rows, schema={"source": pl.UInt32, "value": pl.UInt64}, orient="row")
    same(LOCAL.buckets(commands), DaftCompute().buckets(commands))


def test_partners_in_small_and_large_circles_are_the_same() -> None:
    held = {1: range(2), 2: range(3), 3: range(25), 4: range(26), 5: range(300), 6: range(7, 8)}
    rows = [(source, habit % 2, habit * 17, 1_000_000 * habit // 3) for habit, some in held.items() for source in some]
    schema = {"source": pl.UInt32, "kind": pl.UInt8, "habit": pl.UInt64, "worth": pl.Int64}
    linking = pl.DataFrame(rows, schema=schema, orient="row")
    here = LOCAL.partners(linking, DIGESTS)
    assert here.height > 300
    assert here.equals(DaftCompute().partners(linking, DIGESTS))
