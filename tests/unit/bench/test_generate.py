"""The generated Cowrie logs: what a reader, a benchmark and a detector may rely on."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import shapes
from bench.generate import Plan, blocks, main, write
from bench.lines import Clock, command, login
from bench.sampling import DAY, NETWORKS

EVENTS = 60_000

OWN_FIELDS = {
    "cowrie.session.connect": {"src_port", "dst_ip", "dst_port"},
    "cowrie.client.version": {"version"},
    "cowrie.client.kex": {"hassh", "hasshAlgorithms", "kexAlgs", "keyAlgs", "encCS", "macCS", "compCS", "langCS"},
    "cowrie.client.size": {"width", "height"},
    "cowrie.client.var": {"name", "value"},
    "cowrie.client.fingerprint": {"username", "fingerprint", "key", "type"},
    "cowrie.login.failed": {"username"},
    "cowrie.login.success": {"username", "password"},
    "cowrie.session.params": {"arch"},
    "cowrie.command.input": {"input"},
    "cowrie.command.failed": {"input"},
    "cowrie.session.file_download": {"outfile", "shasum"},
    "cowrie.session.file_upload": {"filename", "outfile", "shasum"},
    "cowrie.direct-tcpip.request": {"dst_ip", "dst_port", "src_port"},
    "cowrie.direct-tcpip.data": {"dst_ip", "dst_port", "data", "id"},
    "cowrie.log.closed": {"ttylog", "size", "shasum", "duplicate", "duration"},
    "cowrie.session.closed": {"duration"},
}
EVERYWHERE = {"eventid", "message", "sensor", "uuid", "timestamp", "src_ip", "session", "protocol"}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    folder = tmp_path_factory.mktemp("bench")
    arguments = ["--events", str(EVENTS), "--days", "3", "--sensors", "3"]
    assert main([*arguments, "--out", str(folder / "log.json"), "--truth", str(folder / "truth.json")]) == 0
    lines = (folder / "log.json").read_bytes().splitlines()
    return [orjson.loads(line) for line in lines], orjson.loads((folder / "truth.json").read_bytes())


Log = tuple[list[dict[str, Any]], dict[str, Any]]


def by_session(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    sessions: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        sessions[event["session"]].append(event)
    return sessions


def test_exactly_as_many_events_as_asked_for(log: Log) -> None:
    assert len(log[0]) == EVENTS


def test_every_event_has_the_fields_cowrie_gives_it(log: Log) -> None:
    seen = set()
    for event in log[0]:
        assert event.keys() >= EVERYWHERE | OWN_FIELDS[event["eventid"]]
        assert ("password" in event or "key" in event) == event["eventid"].startswith(
            ("cowrie.login", "cowrie.client.f")
        )
        assert len(event["session"]) == 12
        assert datetime.fromisoformat(event["timestamp"]).utcoffset() is not None
        seen.add(event["eventid"])
    assert seen == OWN_FIELDS.keys()


def test_keys_stand_in_the_order_in_which_cowrie_writes_them(log: Log) -> None:
    tails = {
        "cowrie.session.connect": ["session", "protocol", "message", "sensor", "uuid", "timestamp"],
        "cowrie.login.failed": ["message", "sensor", "uuid", "timestamp", "src_ip", "session", "protocol"],
        "cowrie.direct-tcpip.request": ["src_port", "message", "sensor", "uuid", "timestamp", "session", "protocol"],
    }
    for event in log[0]:
        tail = tails.get(event["eventid"], [])
        assert list(event)[len(event) - len(tail) :] == tail
        assert next(iter(event)) == "eventid"


def test_lines_are_in_time_order_and_sessions_interleave(log: Log) -> None:
    stamps = [event["timestamp"] for event in log[0]]
    assert stamps == sorted(stamps)
    neighbours = sum(one["session"] != two["session"] for one, two in zip(log[0], log[0][1:], strict=False))
    assert neighbours > 1.3 * len(by_session(log[0]))


def test_sessions_begin_with_connect_and_end_with_closed(log: Log) -> None:
    unfinished = 0
    for events in by_session(log[0]).values():
        assert events[0]["eventid"] == "cowrie.session.connect"
        assert len({event["src_ip"] for event in events}) == 1
        unfinished += events[-1]["eventid"] != "cowrie.session.closed"
    assert unfinished < 20


def test_shape_of_traffic_is_as_described(log: Log) -> None:
    sessions = by_session(log[0])
    assert 7 < EVENTS / len(sessions) < 9.5
    kinds = [{event["eventid"] for event in events} for events in sessions.values()]
    scans = sum(not any(name.startswith("cowrie.login") for name in kind) for kind in kinds)
    shells = sum("cowrie.session.params" in kind for kind in kinds)
    telnet = sum(events[0]["protocol"] == "telnet" for events in sessions.values())
    assert 0.15 < scans / len(sessions) < 0.26
    assert 0.14 < shells / len(sessions) < 0.30
    assert 0.06 < telnet / len(sessions) < 0.13


def test_log_spans_the_days_asked_for_with_sessions_over_midnight(log: Log) -> None:
    days = {event["timestamp"][:10] for event in log[0]}
    assert {"2025-01-01", "2025-01-02", "2025-01-03"} <= days
    assert len(days) <= 4
    sessions = by_session(log[0]).values()
    assert any(events[0]["timestamp"][:10] != events[-1]["timestamp"][:10] for events in sessions)


def test_nights_are_quieter_than_days(log: Log) -> None:
    hours = Counter(e["timestamp"][11:13] for e in log[0] if e["eventid"] == "cowrie.session.connect")
    assert hours["14"] > 1.5 * hours["02"]


def test_few_sources_and_pairs_make_most_of_the_traffic(log: Log) -> None:
    sources = Counter(event["src_ip"] for event in log[0] if event["eventid"] == "cowrie.session.connect")
    top = sum(count for _, count in sources.most_common(len(sources) // 10))
    assert top > 0.4 * sources.total()
    pairs = Counter((e["username"], e["password"]) for e in log[0] if "password" in e)
    assert pairs.most_common(1)[0][0] == ("root", "123456")
    assert len(pairs) > 1_000


def test_source_addresses_are_synthetic_and_public(log: Log) -> None:
    assert {int(event["src_ip"].split(".")[0]) for event in log[0]} == set(NETWORKS)
    assert len({event["sensor"] for event in log[0]}) == 3


def test_campaign_members_appear_and_show_what_truth_says(log: Log) -> None:
    events, truth = log
    assert {entry["kind"] for entry in truth.values()} == {
        "credentials",
        "commands",
        "payload",
        "client",
        "timing",
        "infrastructure",
    }
    for entry in truth.values():
        evidence, members = entry["evidence"], set(entry["sources"])
        assert shapes.CAMPAIGN_MEMBERS[0] <= len(members) <= shapes.CAMPAIGN_MEMBERS[1]
        assert members <= {event["src_ip"] for event in events}
        marks: dict[str, Callable[[dict[str, Any], Any], bool]] = {
            "shasum": lambda e, v: e["eventid"] == "cowrie.session.file_download" and e["shasum"] == v,
            "hassh": lambda e, v: e.get("hassh") == v,
            "credentials": lambda e, v: [e.get("username"), e.get("password")] in v,
            "commands": lambda e, v: e.get("input") in v,
        }
        for name, shows in marks.items():
            if name in evidence:
                # The rare thing is shown by every member and by nobody else.
                assert {event["src_ip"] for event in events if shows(event, evidence[name])} == members


def test_timed_campaign_comes_in_waves(log: Log) -> None:
    events, truth = log
    entry = next(entry for entry in truth.values() if entry["kind"] == "timing")
    start = datetime.fromisoformat(shapes.START + "+00:00")
    for wave in entry["evidence"]["waves"]:
        present = {
            event["src_ip"]
            for event in events
            if 0 <= (datetime.fromisoformat(event["timestamp"]) - start).total_seconds() - wave <= 90
            and event["eventid"] == "cowrie.session.connect"
        }
        assert set(entry["sources"]) <= present


@pytest.mark.parametrize("change", [{"seed": 8}, {"days": 4}, {"sensors": 2}, {"campaigns": 2}])
def test_same_arguments_same_bytes_and_others_differ(tmp_path: Path, change: dict[str, int]) -> None:
    plan = Plan(8_000)
    write(plan, tmp_path / "one", tmp_path / "truth-one")
    write(plan, tmp_path / "two", tmp_path / "truth-two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "truth-one").read_bytes() == (tmp_path / "truth-two").read_bytes()
    assert (tmp_path / "one").read_bytes() != b"".join(blocks(Plan(8_000, **change)))


@pytest.mark.parametrize("events", [1, 7, 1_000, 40_000])
def test_any_size_is_met_exactly(events: int) -> None:
    assert b"".join(blocks(Plan(events, campaigns=0))).count(b"\n") == events


def test_nonsense_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--events", "0", "--out", str(tmp_path / "log")])
    assert "at least 1" in capsys.readouterr().err
    assert not (tmp_path / "log").exists()


@given(st.text(), st.text(), st.booleans())
def test_whatever_attackers_type_stays_one_json_line(name: str, password: str, succeeded: bool) -> None:
    head = login(name, password, succeeded=succeeded)
    assert "\n" not in head
    assert orjson.loads(head + "}")["username"] == name
    assert orjson.loads(command(password) + "}")["input"] == password


def moments() -> Iterator[int]:
    yield from (0, 1, DAY - 1, DAY, 59 * DAY + 1)


@settings(max_examples=200)
@given(st.integers(min_value=0, max_value=400 * DAY))
def test_timestamps_are_the_moment_they_stand_for(moment: int) -> None:
    clock = _CLOCK
    for each in (moment, *moments()):
        passed = datetime.fromisoformat(clock.text(each)) - datetime.fromisoformat(shapes.START + "+00:00")
        assert passed.days * DAY + passed.seconds * 1_000_000 + passed.microseconds == each


_CLOCK = Clock()
