"""What is to be done to indices as they grow old, at any hour and after any interruption."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from clew.projections.search.elastic.lifecycle import (
    ATTACK_POLICY,
    DAILY_POLICY,
    VIEW_POLICY,
    IndexFacts,
    Step,
    closed_at,
    next_step,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)
FRESH = IndexFacts("x-000001", NOW, None, 1_000, 10, 5, 9, read_only=False)


def days(count: float) -> datetime:
    return NOW - timedelta(days=count)


@pytest.mark.parametrize(
    ("facts", "step"),
    [
        (FRESH, None),
        (replace(FRESH, created_at=days(6.9)), None),
        (replace(FRESH, created_at=days(7)), Step.ROLLOVER),
        (replace(FRESH, created_at=days(99), documents=0), None),  # an empty one is rolled over for nothing
        (replace(FRESH, bytes=50 << 30), Step.ROLLOVER),
        (replace(FRESH, created_at=days(20), closed_at=days(6)), None),
        (replace(FRESH, created_at=days(20), closed_at=days(7)), Step.SHRINK),
        (replace(FRESH, created_at=days(20), closed_at=days(7), shards=1), Step.MERGE),
        (replace(FRESH, created_at=days(20), closed_at=days(7), shards=1, segments=1), None),
        (replace(FRESH, created_at=days(40), closed_at=days(30)), Step.SHRINK),  # what was missed comes first
        (replace(FRESH, created_at=days(40), closed_at=days(30), shards=1, segments=1), Step.READ_ONLY),
        (replace(FRESH, created_at=days(40), closed_at=days(30), shards=1, segments=1, read_only=True), None),
        (replace(FRESH, created_at=days(99), closed_at=days(90)), Step.DELETE),
    ],
)
def test_attack_indices_follow_their_policy(facts: IndexFacts, step: Step | None) -> None:
    assert next_step(facts, ATTACK_POLICY, NOW) is step


def test_attacks_of_the_view_go_with_their_rows_and_not_with_time() -> None:
    old = replace(FRESH, created_at=days(4_000), closed_at=days(3_990), shards=1, segments=8, read_only=True)
    assert next_step(old, VIEW_POLICY, NOW) is None
    assert next_step(replace(old, segments=9), VIEW_POLICY, NOW) is Step.MERGE
    assert next_step(replace(old, read_only=False), VIEW_POLICY, NOW) is Step.READ_ONLY  # it was written to
    assert next_step(replace(old, documents=0), VIEW_POLICY, NOW) is Step.DELETE
    assert next_step(replace(FRESH, created_at=days(99), documents=0), VIEW_POLICY, NOW) is None  # the newest stays


def test_days_are_archived_in_the_end() -> None:
    day = replace(FRESH, created_at=days(365))
    assert next_step(day, DAILY_POLICY, NOW) is Step.ARCHIVE
    assert next_step(replace(day, created_at=days(6)), DAILY_POLICY, NOW) is None


def test_an_index_ages_from_when_the_next_one_began() -> None:
    found = closed_at([("b", days(3)), ("a", days(9)), ("c", days(1))])
    assert found == {"a": days(3), "b": days(1), "c": None}
