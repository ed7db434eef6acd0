from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from clew.analysis.coordination import (
    SCHEMA,
    Analysis,
    AnalysisCancelledError,
    Decisions,
    Depth,
    analyze,
    background_of,
    explain,
)
from tests.support.attack_frames import DAY, GROUP, Sheet

SESSIONS = Sheet().ordinary().group().frame()
FOUND = analyze(SESSIONS)


def sources(analysis: Analysis) -> list[tuple[str, ...]]:
    return [community.source_ips for community in analysis.communities]


def test_a_group_with_tools_of_its_own_is_found_and_nobody_else() -> None:
    assert sources(FOUND) == [GROUP]
    assert FOUND.sessions == SESSIONS.height
    (community,) = FOUND.communities
    assert set(community.member_confidence) == set(GROUP)
    assert {"credential", "download", "host"} <= {evidence.kind for evidence in community.evidence}
    assert all(set(evidence.refs) for evidence in community.evidence if evidence.kind == "download")
    assert ("hash", "ab" * 32, 8) in {(each.type, each.value, each.count) for each in community.indicators}
    assert all(FOUND.versions[evidence.kind] == evidence.version for evidence in community.evidence)


def test_common_habits_link_nobody_and_are_named() -> None:
    analysis = analyze(Sheet().ordinary().frame())
    assert sources(analysis) == []
    assert analysis.confidence == 0
    assert ("command", "uname -a") in {(hub.kind, hub.value) for hub in analysis.suppressed}


@pytest.mark.parametrize("depth", Depth)
def test_every_depth_finds_it(depth: Depth) -> None:
    analysis = analyze(SESSIONS, depth=depth)
    assert sources(analysis) == [GROUP]
    (community,) = analysis.communities
    assert len(community.pairs) == (28 if depth is Depth.FORENSIC else 0)
    assert ("permutation" in {each.kind for each in community.evidence}) == (depth is Depth.FORENSIC)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.permutations(("north", "south", "west")))
def test_neither_order_nor_names_of_sensors_change_the_result(seed: int, names: list[str]) -> None:
    other = SESSIONS.sample(fraction=1, shuffle=True, seed=seed).with_columns(
        pl.col("sensor").replace({"north": names[0], "south": names[1]})
    )
    assert analyze(other) == FOUND


@settings(max_examples=5, deadline=None, phases=(Phase.generate,))
@given(st.lists(st.integers(0, 3), min_size=SESSIONS.height, max_size=SESSIONS.height))
def test_how_the_background_was_added_up_does_not_change_the_result(parts: list[int]) -> None:
    part = pl.Series(parts)
    known = background_of(SESSIONS.filter(part == 0))
    for number in (2, 1, 3, 1):
        known += background_of(SESSIONS.filter(part == number))
    assert known == background_of(SESSIONS)
    assert analyze(SESSIONS, background=known) == FOUND


def test_what_was_common_before_links_nobody_later() -> None:
    everyone = Sheet(2).group(tuple(f"77.{number}.0.1" for number in range(250))).frame()
    later = analyze(SESSIONS, background=background_of(everyone))
    assert explain(SESSIONS, *GROUP[:2], background=background_of(everyone)).probability < 0.5
    assert sources(later) == []


def test_ten_thousand_identical_sessions_are_one_source_that_repeats_itself() -> None:
    sheet = Sheet().ordinary(100).group()
    row = sheet.rows[-1]
    frame = pl.concat(
        [
            sheet.frame(),
            pl.DataFrame([row], schema=SCHEMA)
            .join(pl.DataFrame({"copy": range(10_000)}), how="cross")
            .with_columns(pl.format("copy-{}", "copy").alias("session_id"))
            .drop("copy"),
        ]
    )
    assert sources(analyze(frame)) == [GROUP]


def test_ten_thousand_sources_that_do_the_same_are_a_habit() -> None:
    sheet = Sheet()
    for number in range(10_000):
        sheet.add(f"10.{number // 250}.{number % 250}.1", number * 20.0, commands=["cat /x"], credentials=["a\0b-c"])
    analysis = analyze(sheet.frame())
    assert sources(analysis) == []
    assert analysis.candidate_pairs <= 24 * 10_000


def test_candidates_grow_no_faster_than_sources() -> None:
    some = [analyze(Sheet().ordinary(number).group().frame()) for number in (500, 2_000)]
    assert some[1].candidate_pairs / some[1].sources <= 2 * some[0].candidate_pairs / some[0].sources + 1


def test_one_address_that_tries_everything_joins_nobody() -> None:
    sheet = Sheet().ordinary().group()
    every = [f"svc\0zz-{number:06x}" for number in range(500)] + ["svc\0zz-q9f3a1", "adm\0qq-q9f3a1"]
    for number in range(2_000):
        sheet.add("66.6.6.6", number * 100.0, credentials=every[number % 50 :: 50])
    assert sources(analyze(sheet.frame())) == [GROUP]


def test_an_hour_wrong_at_one_sensor_costs_no_member() -> None:
    wrong = SESSIONS.with_columns(
        pl.when(pl.col("sensor") == "north")
        .then(pl.col("started_at") + timedelta(hours=1))
        .otherwise("started_at")
        .alias("started_at")
    )
    assert sources(analyze(wrong)) == [GROUP]


def test_sessions_without_end_and_with_absurd_ones() -> None:
    endless = SESSIONS.with_columns(pl.lit(None, pl.Datetime("us", "UTC")).alias("ended_at"))
    assert sources(analyze(endless)) == [GROUP]
    absurd = SESSIONS.with_columns((pl.col("started_at") + timedelta(days=9_000)).alias("ended_at"))
    assert sources(analyze(absurd)) == [GROUP]


def test_nothing_and_nearly_nothing() -> None:
    assert analyze(SESSIONS.clear()).communities == ()
    assert analyze(SESSIONS.head(1)).communities == ()
    silent = SESSIONS.head(50).with_columns(pl.lit("").alias("source_ip"))
    assert analyze(silent).sessions == 0


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="lack the columns keys"):
        analyze(SESSIONS.drop("keys"))


def test_what_was_rejected_stays_apart_and_what_was_pinned_together() -> None:
    apart = frozenset(GROUP[:2])
    for community in analyze(SESSIONS, decisions=Decisions(rejected=(apart,))).communities:
        assert len(apart & set(community.source_ips)) < 2
    pair = frozenset({"10.0.0.1", "10.1.0.1"})
    pinned = analyze(SESSIONS, decisions=Decisions(pinned=(pair,)))
    assert tuple(sorted(pair)) in sources(pinned)


def test_text_of_attackers_comes_out_as_printable_ascii() -> None:
    nasty = "echo \x1b[2J\u202eevil\x07 <script>alert(1)</script>\r\n\x00 q\ud7ff"
    sheet = Sheet().ordinary().group()
    for row in sheet.rows[-24:]:
        row["commands"] = [nasty, *row["commands"]]
        row["credentials"] = [f"\x1b]0;x\x07\0{nasty}", *row["credentials"]]
    (community,) = analyze(sheet.frame(), depth=Depth.FORENSIC).communities
    texts = [each.text for each in community.evidence] + [ref for each in community.evidence for ref in each.refs]
    texts += [each.value for each in community.indicators] + [e.text for pair in community.pairs for e in pair.evidence]
    assert all(text.isascii() and text.isprintable() for text in texts)
    assert any("\\x1b" in text for text in texts)


def test_an_analysis_can_be_watched_and_stopped() -> None:
    steps: list[tuple[str, float]] = []
    analyze(SESSIONS, observe=lambda name, done: steps.append((name, done)))
    assert [done for _, done in steps] == sorted(done for _, done in steps)
    with pytest.raises(AnalysisCancelledError):
        analyze(SESSIONS, cancelled=lambda: True)


def test_a_pair_is_explained_by_what_it_shares() -> None:
    told = explain(SESSIONS, GROUP[1], GROUP[0])
    assert told.probability > 0.5
    assert any("198.51.100.7" in evidence.text for evidence in told.evidence)
    assert explain(SESSIONS, GROUP[0], "10.0.0.1").probability < 0.1
    assert explain(SESSIONS, GROUP[0], "192.0.2.1").probability == 0


def test_surveyors_are_no_campaign() -> None:
    sheet = Sheet().ordinary()
    for number in range(20):
        for _ in range(4):
            shown: dict[str, Any] = {"client": "SSH-2.0-Survey", "fingerprints": ["hassh:77"]}
            sheet.add(f"66.240.1.{number}", sheet.random.uniform(0, 3 * DAY), **shown)
    assert sources(analyze(sheet.frame())) == []
