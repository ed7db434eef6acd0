"""Those who fetch from a host are its operator's if nobody else does, and whoever has an operator's host is of it."""

import numpy as np
import polars as pl
import pytest

from clew.analysis.coordination import CAMPAIGN, Community, Decisions, Depth, Stages, analyze, background_of
from clew.analysis.coordination.kinds import BY_NAME
from clew.analysis.coordination.leaks import own
from tests.support.attack_frames import DAY, Sheet

HOST, COMMAND = (BY_NAME[name].number for name in ("host", "command"))
NOBODY = np.array([], dtype=np.int64)


def linked(have: int, sources: float, members: int, kind: int = HOST, number: int = 5) -> pl.DataFrame:
    """Community 0 of so many members, of which some have a habit that so many sources have."""
    return pl.DataFrame(
        [(0, source, kind, number, have, sources, members, 1.0, sources <= 20) for source in range(have)],
        schema=["label", "source", "kind", "id", "have", "sources", "members", "rarity", "exclusive"],
        orient="row",
    )


def test_a_host_is_own_as_far_as_its_users_are_members() -> None:
    assert own(linked(10, 10.0, 10), 1, NOBODY).tolist() == [1.0]
    assert own(linked(10, 16.0, 10), 1, NOBODY) == pytest.approx([10 / 16])
    assert own(linked(8, 8.0, 16), 1, NOBODY) == pytest.approx([3 / 4])
    assert own(pl.concat([linked(9, 9.0, 10), linked(10, 20.0, 10)]), 1, NOBODY).tolist() == [1.0]


def test_members_who_fetch_elsewhere_as_well_are_not_settled() -> None:
    mine = linked(12, 12.0, 12)
    assert own(pl.concat([mine, linked(4, 70.0, 12, number=6)]), 1, NOBODY).tolist() == [1.0]
    assert own(pl.concat([mine, linked(8, 70.0, 12, number=6)]), 1, NOBODY) == pytest.approx([1 / 2])
    assert own(pl.concat([mine, linked(8, 9.0, 12, number=6)]), 1, NOBODY).tolist() == [1.0]


def test_what_rests_on_something_else_is_not_asked() -> None:
    assert own(linked(10, 16.0, 10, COMMAND), 1, NOBODY).tolist() == [1.0]
    assert own(linked(4, 16.0, 10), 1, NOBODY).tolist() == [1.0]
    assert own(linked(10, 16.0, 10), 1, np.array([0])).tolist() == [1.0]


def fetchers(
    sheet: Sheet, count: int, *, host: str = "198.51.100.7", logins: tuple[str, ...] = (), first: int = 20
) -> set[str]:
    """That many sources that fetch files of their own from one host, and try these logins."""
    sources = {f"{first + number // 200}.7.{number % 200}.3" for number in range(count)}
    for source in sorted(sources):
        for _ in range(2):
            sheet.add(
                source, sheet.random.uniform(0, 3 * DAY), urls=[f"http://{host}/{source}"],
                downloads=[f"{sheet.random.getrandbits(256):064x}"], credentials=["root\x00123456", *logins],
            )  # fmt: skip
    return sources


def told(sheet: Sheet) -> list[Community]:
    """Campaigns of a sheet."""
    return [each for each in analyze(sheet.frame()).communities if each.confidence >= CAMPAIGN]


LOGINS = ("svc\0zz-41c", "adm\0qq-77e", "ops\0yy-90b")


def test_an_operators_host_and_list_are_no_less_its_own_for_having_many_sources() -> None:
    sheet = Sheet(7).ordinary(1_500)
    many = fetchers(sheet, 50, logins=LOGINS)
    assert [set(each.source_ips) for each in told(sheet)] == [many]


def test_a_popular_host_or_a_popular_list_alone_is_nobodys() -> None:
    host = Sheet(7).ordinary(1_500)
    fetchers(host, 50)
    assert told(host) == []
    listed = Sheet(7).ordinary(1_500)
    for number in range(50):
        fetchers(listed, 1, host=f"198.51.100.{number}", logins=LOGINS, first=20 + number)
    assert told(listed) == []


def test_strangers_who_fetch_here_and_there_are_no_campaign_and_an_operators_host_among_them_is() -> None:
    sheet = Sheet(3).ordinary(1_200)
    popular = [1 / (rank + 1) for rank in range(120)]
    for number in range(300):
        for rank in sheet.random.choices(range(120), popular, k=sheet.random.choice((1, 1, 2, 4))):
            address = f"{30 + number // 200}.7.{number % 200}.3"
            sheet.add(
                address, sheet.random.uniform(0, 3 * DAY), urls=[f"http://192.0.2.{rank}/x86"],
                downloads=[f"{rank:064x}"], credentials=["root\x00123456"],
            )  # fmt: skip
    mine = fetchers(sheet, 12)
    assert [set(each.source_ips) for each in told(sheet)] == [mine]


def test_members_outside_the_stretch_that_is_looked_at_are_not_others() -> None:
    sheet = Sheet(7).ordinary(1_500)
    mine = sorted(fetchers(sheet, 20))
    everything = sheet.frame()
    stretch = everything.filter(~pl.col("source_ip").is_in(mine[10:]))
    stages = Stages(stretch, Depth.STANDARD, background_of(everything), Decisions(), partial=True)
    (community,) = stages.tell(stages.weigh()).communities
    assert list(community.source_ips) == mine[:10]
    assert community.confidence >= CAMPAIGN
