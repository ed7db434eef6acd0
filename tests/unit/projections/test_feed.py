from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.projections.attempts import LONGEST_PAUSE_SECONDS, pause
from clew.projections.feed import Position, Snapshot

XIDS = st.integers(min_value=3, max_value=2**63 - 1)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    xmin, width = draw(XIDS), draw(st.integers(min_value=0, max_value=1000))
    inside = st.integers(min_value=xmin, max_value=xmin + max(0, width - 1))
    open_ = draw(st.lists(inside, unique=True, max_size=5)) if width else []
    return Snapshot(xmin, xmin + width, tuple(sorted(open_)))


@given(snapshots())
def test_a_snapshot_is_read_as_it_was_written(snapshot: Snapshot) -> None:
    assert Snapshot.parse(str(snapshot)) == snapshot


@given(snapshots(), snapshots() | st.none(), XIDS, XIDS, st.text(max_size=40))
def test_a_position_is_read_as_it_was_written(
    snapshot: Snapshot, target: Snapshot | None, xid: int, sequence: int, token: str
) -> None:
    position = Position(UUID(int=7), snapshot, target, (xid, sequence), token)
    assert Position.decode(position.encode()) == position


@pytest.mark.parametrize(
    "text", ["", "{}", "null", "[1]", '{"epoch": "x"}', "\x00", '{"epoch": null, "snapshot": "1:2:"}']
)
def test_any_other_text_is_no_position(text: str) -> None:
    assert Position.decode(text) is None


def test_what_was_open_or_began_later_is_not_seen() -> None:
    snapshot = Snapshot.parse("10:20:10,15")
    assert [xid for xid in range(8, 23) if not snapshot.sees(xid)] == [10, 15, 20, 21, 22]


def test_pauses_grow_and_stay_bounded() -> None:
    assert all(0 < pause(failures) <= LONGEST_PAUSE_SECONDS for failures in range(1, 2000))
    assert min(pause(12) for _ in range(50)) > max(pause(1) for _ in range(50))
