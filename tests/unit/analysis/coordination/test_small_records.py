"""In a small record what a few share looks rare: one thing is not enough, two that fall on the same sources are."""

import math
from random import Random

import polars as pl
import pytest

from bench import sample_cowrie
from bench.coordination.cowrie_frame import parsed
from clew.analysis.coordination import CAMPAIGN, analyze
from clew.analysis.coordination.corroboration import SIDES, on_trust
from clew.analysis.coordination.kinds import BY_NAME
from clew.analysis.coordination.weighing import LEAST_SIZE
from tests.support.attack_frames import DAY, Sheet

OWED = SIDES * math.log(200 / 40)


def owed(*habits: tuple[str, int, int], size: int = 200) -> float:
    """What a community of eight in a record of forty owes, of which members and others have these habits."""
    rows = [(0, BY_NAME[kind].number, have, float(sources), 8) for kind, have, sources in habits]
    schema = {"label": pl.UInt32, "kind": pl.UInt8, "have": pl.UInt32, "sources": pl.Float64, "members": pl.UInt32}
    return float(on_trust(pl.DataFrame(rows, schema=schema, orient="row"), 1, size, 40)[0])


def test_two_groups_of_evidence_on_the_same_sources_owe_nothing() -> None:
    assert owed(("download", 6, 6), ("credential", 5, 7)) == 0
    assert owed(("moment", 5, 6), ("moment", 4, 5)) == 0
    assert owed(("download", 8, 8), ("prefix", 8, 9)) == 0


@pytest.mark.parametrize(
    "habits",
    [
        [],
        [("download", 8, 8), ("url", 8, 8), ("key", 8, 8)],
        [("download", 8, 8), ("credential", 3, 3)],
        [("download", 8, 8), ("credential", 8, 17)],
        [("credential", 8, 8), ("secret", 8, 8), ("template", 8, 8)],
        [("download", 8, 8), ("country", 8, 8)],
        [("download", 8, 8), ("command", 8, 8)],
        [("moment", 8, 8)],
    ],
)
def test_one_group_is_taken_on_trust(habits: list[tuple[str, int, int]]) -> None:
    assert owed(*habits) == pytest.approx(OWED)


def test_a_record_that_is_large_enough_owes_nothing() -> None:
    assert owed(("download", 8, 8), size=40) == 0


@pytest.mark.parametrize("seed", [3, 10, 11])
def test_other_noise_like_that_of_the_sample_case_is_no_campaign(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_cowrie, "SEED", seed)
    sessions = parsed(b"".join(sample_cowrie.cowrie_logs().values()))
    found = analyze(sessions).communities
    assert [set(each.source_ips) for each in found if each.confidence >= CAMPAIGN] == [set(sample_cowrie.MEMBERS)]
    noise = sessions.filter(~pl.col("source_ip").is_in([*sample_cowrie.MEMBERS, sample_cowrie.STAGING]))
    assert [each for each in analyze(noise).communities if each.confidence >= CAMPAIGN] == []


def crowd(logins: int) -> pl.DataFrame:
    """Thirty sources, twenty of them in one network; that many of these try a login that nobody else tries."""
    sheet = Sheet(6)
    for number in range(30):
        address = f"203.0.113.{number}" if number < 20 else f"10.{number}.0.1"
        tried = ["root\0123456", *(["svc\0hunter-22"] if number < logins else [])]
        sheet.add(address, Random(number).uniform(0, 3 * DAY), credentials=tried)
    return sheet.frame()


def test_a_login_of_a_few_in_a_network_that_is_most_of_the_record_is_no_crowd() -> None:
    """Seven who share it all come from where two of three come from; measured by a record of 200 that was a crowd."""
    assert LEAST_SIZE > 30
    assert analyze(crowd(7)).communities == ()
