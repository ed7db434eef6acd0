"""The rule by which campaigns stay themselves, whatever order communities come in."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID

from clew.analysis.coordination import Community, Indicator, Scores
from clew.domains.campaigns.tracking import Calendar, Known, Split, kept_apart, track

NOON = datetime(2025, 3, 9, 12, tzinfo=UTC)
OLD, NEW = UUID(int=1), UUID(int=2)


def community(*members: str, hashes: tuple[str, ...] = ()) -> Community:
    return Community(
        source_ips=tuple(sorted(members)),
        session_ids=(),
        confidence=0.9,
        member_confidence=dict.fromkeys(members, 0.9),
        scores=Scores(),
        evidence=(),
        indicators=tuple(Indicator("hash", each, 1.0, 1, NOON, NOON) for each in hashes),
        first_seen=NOON,
        last_seen=NOON,
    )


def known(identifier: UUID, *members: str, hashes: tuple[str, ...] = (), is_rejected: bool = False) -> Known:
    traits = frozenset(("hash", each) for each in hashes)
    first = NOON - timedelta(days=3 - identifier.int)
    return Known(identifier, first, frozenset(members), traits, is_rejected=is_rejected)


def test_members_go_before_evidence_and_evidence_before_nothing() -> None:
    moved = community("x", "y", "z", hashes=("f1",))
    stayed = community("a", "b", "c", hashes=("f1",))
    tracked = track([moved, stayed], [known(OLD, "a", "b", "c", hashes=("f1",))])
    assert {each.community.source_ips: each.campaign for each in tracked.tracks} == {
        moved.source_ips: None,
        stayed.source_ips: OLD,
    }
    (alone,) = track([moved], [known(OLD, "a", "b", "c", hashes=("f1",))]).tracks
    assert alone.campaign == OLD
    (stranger,) = track([community("p", "q", "r", hashes=("f2",))], [known(OLD, "a", hashes=("f1",))]).tracks
    assert (stranger.campaign, stranger.split_from) == (None, None)


def test_merges_and_splits_are_told() -> None:
    campaigns = [known(OLD, "a", "b", "c", "d"), known(NEW, "e", "f", "g")]
    (joined,) = track([community(*"abcdefg")], campaigns).tracks
    assert (joined.campaign, joined.merged) == (OLD, (NEW,))
    parts = track([community("a", "b"), community("c", "d")], campaigns).tracks
    assert sorted((each.campaign, each.split_from) for each in parts if each.campaign) == [(OLD, None)]
    assert [each.split_from for each in parts if each.campaign is None] == [OLD]


def test_what_is_kin_to_a_rejected_campaign_is_none() -> None:
    tracked = track([community("a", "b", "c")], [known(OLD, "a", "b", "c", is_rejected=True)])
    assert (tracked.tracks, tracked.rejected) == ((), 1)


def test_the_order_of_communities_and_campaigns_decides_nothing() -> None:
    communities = [community("a", "b", "c"), community("c", "d", "e"), community("e", "f", "a")]
    campaigns = [known(OLD, "a", "c", "e"), known(NEW, "b", "d", "f")]
    outcomes = {
        tuple((each.community.source_ips, each.campaign, each.merged) for each in track(order, some).tracks)
        for order in itertools.permutations(communities)
        for some in itertools.permutations(campaigns)
    }
    assert len(outcomes) == 1


def test_sides_of_a_split_are_kept_apart_and_lone_sources_dropped() -> None:
    split = Split(frozenset("abc"), frozenset("de"))
    apart = kept_apart([community(*"abcdex"), community("a", "d")], [split])
    assert [each.source_ips for each in apart] == [("a", "b", "c", "x"), ("d", "e")]


def test_silence_makes_dormant_then_concluded_but_for_what_is_pinned() -> None:
    calendar = Calendar(NOON)
    days = {days: NOON - timedelta(days=days) for days in (1, 8, 31)}
    assert [calendar.status(at, is_pinned=False) for at in days.values()] == ["active", "dormant", "concluded"]
    assert [calendar.status(at, is_pinned=True) for at in days.values()] == ["active", "monitoring", "monitoring"]
