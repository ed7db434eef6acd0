import numpy as np
import polars as pl
import pytest

from clew.analysis.coordination import analyze, verdict
from clew.analysis.coordination.commonplace import plain_command
from clew.analysis.coordination.dependence import own
from clew.analysis.coordination.digests import mix
from clew.analysis.coordination.kinds import BY_NAME
from clew.analysis.coordination.weighing import Weighed
from tests.support.attack_frames import GROUP, Sheet

COMMAND, CREDENTIAL, CLIENT = (BY_NAME[name].number for name in ("command", "credential", "client"))
NOTHING = pl.DataFrame()
DIGESTS = mix(np.arange(1_000, dtype=np.uint64), 7)


def habits(*held: tuple[int, range]) -> pl.DataFrame:
    """Rows of habits: each a kind, and which sources have it."""
    rows = [
        (source, kind, number, number + 1_000, float(len(sources)))
        for number, (kind, sources) in enumerate(held)
        for source in sources
    ]
    schema = {"source": pl.UInt32, "kind": pl.UInt8, "id": pl.UInt32, "habit": pl.UInt64, "sources": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(exclusive=pl.col("sources") <= 40)


def left(*held: tuple[int, range]) -> dict[int, float]:
    """What is a habit's own, by its place."""
    return dict(own(habits(*held), DIGESTS, 40, 1_000).iter_rows())


def test_a_rare_habit_of_strangers_is_all_its_own() -> None:
    assert left((CREDENTIAL, range(10)))[0] == pytest.approx(np.log(100))


def test_the_last_words_of_a_public_list_are_explained_by_the_words_before_them() -> None:
    found = left(*((CREDENTIAL, range(count)) for count in (10, 15, 22, 33, 50, 75)))
    assert max(found.values()) < 0.6


def test_what_an_operator_adds_to_a_tool_of_many_is_news() -> None:
    found = left((CREDENTIAL, range(10)), (COMMAND, range(200)))
    assert found[0] == pytest.approx(np.log(20))


def test_a_client_explains_no_word_list() -> None:
    assert left((CREDENTIAL, range(10)), (CLIENT, range(15)))[0] == pytest.approx(np.log(100))


def test_parts_of_one_operators_kit_do_not_explain_each_other_away() -> None:
    found = left((CREDENTIAL, range(10)), (COMMAND, range(16)))
    assert found[0] == pytest.approx(found[1]) == pytest.approx(np.log(1_000 / 16))


def test_heavy_users_stand_less_apart_than_a_group_of_its_own() -> None:
    table = habits((COMMAND, range(30)), (CREDENTIAL, range(100, 112))).with_columns(
        own=pl.lit(0.0), rarity=pl.lit(0.0)
    )
    apart = verdict.cohesions([list(range(12)), list(range(100, 112))], Weighed(table, NOTHING, NOTHING, 1_000, 1_000))[
        :, 0
    ]
    assert apart[0] == pytest.approx(np.log(30 / 12))
    assert apart[1] == pytest.approx(np.log(1_000 / 12))


def test_plain_commands_are_known_and_what_names_something_is_not() -> None:
    plain = ["uname -a", "cat /proc/cpuinfo", "free -m", "cd /tmp", "rm -rf /tmp/*", "enable", "/bin/busybox <name>"]
    plain += [
        "sh bins.sh",
        "chmod <number> x86",
        "chmod +x ./arm7",
        "./mips",
        "rm -rf x86.sh",
        "wget -q <url>",
        "sh <name>",
    ]
    telling = [
        "sh /opt/x/run.sh",
        "wget <url> -O /var/cache/upd",
        "./x86 --donate 1",
        "cat /opt/agent.conf",
        "./kworkerd -o run",
        "apt-get install -y nc jq",
        "mkdir -p /var/tmp/.<name>",
    ]
    frame = pl.DataFrame({"text": plain + telling}).select(plain_command(pl.col("text")))
    assert frame.to_series().to_list() == [True] * len(plain) + [False] * len(telling)


def test_a_small_record_shows_a_group_of_its_own_and_nobody_else() -> None:
    for ordinary in (60, 150):
        assert analyze(Sheet().ordinary(ordinary).frame()).communities == ()
        (community,) = analyze(Sheet().ordinary(ordinary).group().frame()).communities
        assert community.source_ips == GROUP
        assert community.confidence >= verdict.CAMPAIGN


@pytest.mark.slow
def test_one_address_with_a_million_sessions_is_one_source() -> None:
    sheet = Sheet().ordinary(100).group()
    row = pl.DataFrame([sheet.rows[0]], schema=sheet.frame().schema)
    many = row.join(pl.DataFrame({"copy": range(1_000_000)}), how="cross").with_columns(
        pl.format("copy-{}", "copy").alias("session_id"),
        pl.lit("66.6.6.6").alias("source_ip"),
        (pl.col("started_at") + pl.duration(milliseconds=100 * pl.col("copy"))).alias("started_at"),
    )
    found = analyze(pl.concat([sheet.frame(), many.drop("copy")]))
    assert found.sessions == sheet.frame().height + 1_000_000
    assert [community.source_ips for community in found.communities] == [GROUP]
