"""A rare habit crowded into one network is evidence; in networks that are as everybody is, it is none."""

import math
from collections.abc import Iterable
from typing import Any

import polars as pl
import pytest

from clew.analysis.coordination import Community, analyze, explain
from clew.analysis.coordination.kinds import BY_NAME
from clew.analysis.coordination.neighbours import MOST, crowds, lifts, of_pairs
from tests.support.attack_frames import DAY, Sheet

PREFIX, CREDENTIAL, CLIENT = (BY_NAME[name].number for name in ("prefix", "credential", "client"))
LOGINS = ["postgres\0qwe-1", "postgres\0qwe-2", "postgres\0qwe-3"]


def crowded(holders: Iterable[int], inside: Iterable[int], size: int, kind: int = CREDENTIAL) -> pl.DataFrame:
    """What `crowds` says of one habit, one network and so many sources in all."""
    some, network = list(holders), list(inside)
    habits = pl.DataFrame(
        {"source": some, "kind": kind, "id": 1, "habit": 5, "session": 0, "sources": 1.0 * len(some),
         "exclusive": True},
        schema={"source": pl.UInt32, "kind": pl.UInt8, "id": pl.UInt32, "habit": pl.UInt64, "session": pl.UInt32,
                "sources": pl.Float64, "exclusive": pl.Boolean},
    )  # fmt: skip
    traits = pl.DataFrame(
        {"source": network, "kind": PREFIX, "value": 9},
        schema={"source": pl.UInt32, "kind": pl.UInt8, "value": pl.UInt64},
    )
    counts = pl.DataFrame(
        {"kind": PREFIX, "value": 9, "sources": float(len(network))},
        schema={"kind": pl.UInt8, "value": pl.UInt64, "sources": pl.Float64},
    )
    return crowds(habits, traits, counts, size)


def test_the_bound_is_that_of_the_binomial_tail_and_pays_for_what_was_looked_at() -> None:
    found = crowded(range(12), (0, 1, 2, *range(20, 25)), 200)
    assert found["source"].to_list() == [0, 1, 2]
    assert found["nats"].unique().to_list() == pytest.approx([-math.log(math.comb(8, 3) * (12 / 200) ** 3)])
    assert found.select("crowd", "inside", "sources").row(0) == (3, 8, 12)


def test_two_sources_are_no_crowd_and_a_client_is_no_habit() -> None:
    assert crowded(range(12), (0, 1, *range(20, 25)), 200).is_empty()
    assert crowded(range(12), range(6), 200, CLIENT).is_empty()


def test_a_network_that_is_as_everybody_is_says_nothing() -> None:
    assert crowded(range(100), range(97, 107), 300).is_empty()


def test_more_than_enough_is_no_surer() -> None:
    assert crowded(range(30), range(30), 10_000)["nats"].unique().to_list() == [MOST]


def test_pairs_have_what_both_have() -> None:
    found = crowded(range(12), (0, 1, 2, *range(20, 25)), 200)
    pairs = pl.DataFrame({"first": [0, 0, 3], "second": [1, 3, 4]}, schema={"first": pl.UInt32, "second": pl.UInt32})
    assert of_pairs(pairs, found).to_list() == [found["nats"][0], 0.0, 0.0]


def test_a_community_is_lifted_by_what_is_crowded_around_half_of_it() -> None:
    found = crowded(range(12), (0, 1, 2, *range(20, 25)), 200)

    def lift(*members: int) -> list[float]:
        inside = pl.DataFrame({"source": members, "label": 4}, schema={"source": pl.UInt32, "label": pl.UInt32})
        return lifts(found, inside, 200, 0.5)["lift"].to_list()

    assert lift(0, 1, 2, 50) == pytest.approx([math.log(3 / 8 * 200 / 12)])
    assert lift(0, 50, 51) == []


def guessers(*sources: str) -> Sheet:
    """Ordinary sources, strangers who try a few rare logins once, and sources who try the same."""
    sheet = Sheet(4).ordinary(600)
    strangers = [f"172.{number}.3.4" for number in range(5)]
    for source in (*strangers, *sources):
        shown: dict[str, Any] = {"protocol": "postgresql", "target_port": 5432, "client": None}
        sheet.add(source, sheet.random.uniform(0, 3 * DAY), credentials=LOGINS, **shown)
    return sheet


def communities(sheet: Sheet) -> tuple[Community, ...]:
    return analyze(sheet.frame()).communities


def test_neighbours_who_guess_by_one_list_are_found_and_why_is_said() -> None:
    together = tuple(f"196.251.91.{number}" for number in range(9))
    (found,) = communities(guessers(*together))
    assert found.source_ips == together
    (told,) = [each for each in found.evidence if each.kind == "neighbours"]
    assert "9 of 9 sources of 196.251.91.0/24 tried the same login, which 14 sources in all do" in told.text
    assert set(told.refs) >= {"196.251.91.0/24"}
    assert set(told.refs) & set(found.session_ids)


def test_the_same_guessers_anywhere_are_no_campaign() -> None:
    apart = tuple(f"{number}.251.{number}.7" for number in range(20, 29))
    assert communities(guessers(*apart)) == ()


def test_the_explanation_of_two_neighbours_says_it() -> None:
    together = tuple(f"196.251.91.{number}" for number in range(9))
    sessions = guessers(*together).frame()
    near, far = explain(sessions, *together[:2]), explain(sessions, together[0], "172.1.3.4")
    assert near.probability > 0.9
    assert far.probability < 0.5
    assert "neighbours" in {each.kind for each in near.evidence}
    assert "neighbours" not in {each.kind for each in far.evidence}
