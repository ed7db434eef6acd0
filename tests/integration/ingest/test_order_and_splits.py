"""Any order and any split of the same records give the same facts, ids included."""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.generate import Plan, blocks
from clew import samples
from clew.kernel.database import Database
from tests.support.loading import empty, facts, line, load, log, small_batches
from tests.support.record import Tenant, new_organization

FEW = settings(
    max_examples=3,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a seed cannot be made simpler, and each try is a load
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SEEDS = st.integers(0, 2**32 - 1)

ODD_LINES = [
    line(
        "session.connect", session="border", timestamp="2025-02-28T23:59:58.500000Z", src_port=4000, dst_ip="10.1.1.2"
    ),
    line("command.input", session="border", timestamp="2025-02-28T23:59:59.999999Z", input="uname -a"),
    line("command.input", session="border", timestamp="2025-03-01T00:00:00.000000Z", input="id"),
    line("session.closed", session="border", timestamp="2025-04-01T00:00:00.000000Z", duration="9.0"),
    line("session.connect", session="clockless", timestamp="1970-01-01T00:00:03.000000Z"),
    line("login.failed", session="clockless", username="root", password="admin"),
    line("session.connect", session="roaming", src_ip="10.0.0.9", dst_ip="10.9.0.1"),
    line("session.connect", 1, session="roaming", src_ip="9.0.0.1", dst_ip="9.9.0.1"),
    line("session.connect", 2, session="roaming", src_ip="0.0.0.0"),
    line("session.connect", 3, session="roaming", src_ip="2001:db8::1"),
    line("login.success", 4, src_ip=None, session="roaming", username="a", password="b"),
    line("client.version", 5, session="roaming", version="SSH-2.0-OpenSSH_9.6"),
    line("client.version", 6, session="roaming", version="SSH-2.0-openssh_9.6"),
    line("session.file_download", 7, session="roaming", url="http://fetch.example/x.sh", shasum="ab" * 32),
    line("command.input", 8, session="same moment", input="second"),
    line("command.input", 8, session="same moment", input="first"),
    line("command.input", 8, session="same moment", input="first", protocol="telnet"),
    line("session.connect", 9, session=None, sensor=None, protocol=None),
    line("session.connect", 10, session="later", timestamp="2031-01-01T00:00:00.000000Z"),
    b'{"eventid": "cowrie.command.input", "timestamp": "not a time"}',
    b'{"eventid": "cowrie.command.input", "timest',
]


def pieces(items: Sequence[bytes], seed: int) -> list[list[bytes]]:
    """The items shuffled and dealt to one to four hands, a few of them to two."""
    chance = random.Random(seed)
    hands: list[list[bytes]] = [[] for _ in range(chance.randint(1, 4))]
    for item in chance.sample(items, len(items)):
        for _ in range(2 if chance.random() < 0.05 else 1):
            chance.choice(hands).append(item)
    return [hand for hand in hands if hand]


def difference(one: dict[str, list[str]], other: dict[str, list[str]]) -> dict[str, list[str]]:
    """Rows of either that the other lacks: short enough to be read where the whole would not be."""
    return {table: sorted(set(one[table]) ^ set(other[table]))[:6] for table in one if one[table] != other[table]}


class Whole:
    """A log loaded in one piece. No dataclass: Hypothesis would write out what it holds with every example."""

    def __init__(self, tenant: Tenant, lines: list[bytes], found: dict[str, list[str]]) -> None:
        self.tenant = tenant
        self.lines = lines
        self.facts = found


@pytest.fixture(scope="module")
def whole(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    generated = b"".join(blocks(Plan(events=400, seed=11, days=40))).splitlines()
    lines = generated + ODD_LINES + generated[:20] + ODD_LINES[:3]
    tenant = new_organization(database)
    load(database, tenant, log(tmp_path_factory.mktemp("whole") / "cowrie.json", lines))
    found = facts(database, tenant)
    assert len(found["events"]) == 400 + len(ODD_LINES) - 2
    assert all(rows for table, rows in found.items() if not table.startswith("social_post"))
    return Whole(tenant, lines, found)


@FEW
@given(seed=SEEDS)
def test_a_log_gives_the_same_facts_in_any_order_and_any_split(
    database: Database, whole: Whole, tmp_path: Path, seed: int
) -> None:
    empty(database, whole.tenant)
    for number, piece in enumerate(pieces(whole.lines, seed)):
        path = log(tmp_path / f"{seed}-{number}" / "cowrie.json", piece)
        # A piece may begin with what no source recognises.
        load(database, whole.tenant, path, settings=small_batches(database.settings), source="cowrie")

    assert difference(whole.facts, facts(database, whole.tenant)) == {}


SHERLOCK_HEADER = b"username,name,url_main,url_user,exists,http_status,response_time_s"
SHERLOCK_ROWS = [
    *(
        b"quietowl,Site%d,https://s%d.example,https://s%d.example/quietowl,Claimed,200,0.5" % (n, n, n)
        for n in range(9)
    ),
    b"quietowl,Site1,https://s1.example,https://s1.example/u/quietowl,Claimed,403,0.25",
    b"quietowl,site1,https://www.s1.example,https://s1.example/quietowl,Claimed,?,0.125",
    b"quietowl,Site2,https://s2.example,https://s2.example/quietowl,Available,404,1.5",
    b"QuietOwl,Site3,https://s3.example,https://s3.example/QuietOwl,Claimed,301,1.0",
    b"otherowl,Site3,https://s3.example,https://s3.example/otherowl,Claimed,200,1.0",
]


@FEW
@given(seed=SEEDS)
def test_result_rows_give_the_same_facts_in_any_order_and_any_split(
    database: Database, tmp_path: Path, seed: int
) -> None:
    tenant = new_organization(database)
    load(database, tenant, log(tmp_path / f"{seed}" / "quietowl.csv", [SHERLOCK_HEADER, *SHERLOCK_ROWS]))
    whole = facts(database, tenant)
    assert len(whole["entities"]) > 10
    empty(database, tenant)
    for number, piece in enumerate(pieces(SHERLOCK_ROWS, seed)):
        load(database, tenant, log(tmp_path / f"{seed}-{number}" / "quietowl.csv", [SHERLOCK_HEADER, *piece]))

    assert difference(whole, facts(database, tenant)) == {}


def tiktok_report(profile: dict[str, object], videos: list[dict[str, object]]) -> bytes:
    return json.dumps({"username": "quietowl", "profile": profile, "videos": videos}).encode()


@FEW
@given(seed=SEEDS)
def test_profiles_observed_differently_give_the_same_facts_in_any_order(
    database: Database, tmp_path: Path, seed: int
) -> None:
    videos: list[dict[str, object]] = [
        {
            "video_id": str(7_000 + number % 3),
            "create_time": 1_741_000_000 + number,
            "stats": {"views": value, "likes": number},
            "description": "seen with @otherowl at https://owls.example/",
        }
        for number, value in enumerate([1, 1.0, 1e5, -0.0, 9.5, "9.5"])
    ]
    profiles: list[dict[str, object]] = [
        {"followers": 10, "bio": "owl", "ratio": 1},
        {"followers": 9, "bio": "Owl", "ratio": 1.0},
        {"followers": 1e3, "verified": True, "links": [{"a": 1.0, "b": [0.0, -0.0]}]},
        {"followers": 1000, "verified": False, "links": [{"b": [0, 0], "a": 1}]},
    ]
    reports = [tiktok_report(profiles[number % 4], [video]) for number, video in enumerate(videos + videos[1:3])]
    tenant = new_organization(database)
    chance = random.Random(seed)
    found = []
    for attempt in range(2):
        for number, report in enumerate(chance.sample(reports, len(reports))):
            path = tmp_path / f"{seed}-{attempt}-{number:02}" / "quietowl.json"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(report)
        folders = sorted(tmp_path.glob(f"{seed}-{attempt}-*"))
        load(database, tenant, *folders)
        found.append(facts(database, tenant))
        empty(database, tenant)

    assert len(found[0]["entities"]) > 5
    assert difference(found[0], found[1]) == {}


def test_the_files_of_the_sample_case_give_the_same_facts_in_any_order(database: Database) -> None:
    folder = Path(samples.__file__).parent / "harbour-lantern"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    tenant = new_organization(database)
    load(database, tenant, folder)
    whole = facts(database, tenant)
    for seed in (1, 2):
        empty(database, tenant)
        load(database, tenant, *random.Random(seed).sample(files, len(files)))

        assert difference(whole, facts(database, tenant)) == {}
