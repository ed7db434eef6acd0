"""What strangers meet by is one coincidence, however many pairs it makes."""

from collections.abc import Sequence

import polars as pl
import pytest

from clew.analysis.coordination import CAMPAIGN, analyze, verdict
from tests.support.attack_frames import DAY, GROUP, Sheet

SURETY = verdict.TERMS.index("surety")
LONE = (3.0, 0.0, 0.0, 0.0)
CORROBORATED = (3.0, 0.0, 0.0, 1.0)


def surety(members: int, cohesion: Sequence[float], sure: float = 0.99) -> float:
    """That term of so many members, each as sure as given."""
    return float(verdict.terms(members, [sure] * members, pl.DataFrame(), 3_000, cohesion)[SURETY])


def test_sure_pairs_of_a_few_say_less_where_one_thing_makes_them_all() -> None:
    lone = [surety(members, LONE) for members in (3, 4, 5, 6)]
    assert lone == sorted(lone)
    assert lone[0] == pytest.approx(0)
    assert 0 < lone[1] < surety(4, CORROBORATED) / 2


@pytest.mark.parametrize("members", [6, 7, 30])
def test_from_six_on_nothing_is_taken_off(members: int) -> None:
    assert surety(members, LONE) == pytest.approx(surety(members, CORROBORATED))


def test_pairs_that_are_not_sure_are_not_made_surer() -> None:
    assert surety(3, LONE, 0.4) == pytest.approx(surety(3, CORROBORATED, 0.4))
    assert surety(3, LONE, 0.4) < 0


def confidence(members: tuple[str, ...], logins: list[str]) -> float:
    """Of the community among 2,000 ordinary sources whose members have one file, and logins where given."""
    sheet = Sheet(7).ordinary(2_000)
    for source in members:
        for _ in range(2):
            sheet.add(
                source, sheet.random.uniform(0, 3 * DAY), downloads=["cd" * 32], urls=["http://198.51.100.9/f"],
                credentials=["root\x00123456", *logins],
            )  # fmt: skip
    found = [each.confidence for each in analyze(sheet.frame()).communities if set(each.source_ips) == set(members)]
    return max(found, default=0.0)


def test_strangers_with_one_file_are_no_campaign_and_many_or_corroborated_are() -> None:
    own = ["svc\0zz-41c", "adm\0qq-77e", "ops\0yy-90b"]
    assert max(confidence(GROUP[:few], []) for few in (3, 4)) < CAMPAIGN
    assert confidence(GROUP, []) >= CAMPAIGN
    assert confidence(GROUP[:4], own) >= CAMPAIGN
