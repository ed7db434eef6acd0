"""Sessions are the sum of their events."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from clew.records.attack_sessions import MAXIMUM_ACTIVITY, MAXIMUM_ACTIVITY_BYTES, summarize
from clew.records.batch import EVENTS

NOON = datetime(2025, 3, 9, 12, tzinfo=UTC)


def events(*rows: dict[str, Any]) -> pl.DataFrame:
    plain = {"kind": "k", "session_id": "s", "session_key": "e:s", "login_failures": 0, "login_successes": 0}
    full = [
        {"record": n, "id": f"{n:032x}", "occurred_at": NOON + timedelta(seconds=n), **plain, **row}
        for n, row in enumerate(rows)
    ]
    return pl.DataFrame(full, schema=EVENTS)


def test_the_least_address_is_that_of_the_lowest_number_not_of_the_first_text() -> None:
    found = summarize(events({"source_ip": "10.0.0.9"}, {"source_ip": "9.0.0.1"}, {"source_ip": "2001:db8::1"}))
    assert found["source_ip"].to_list() == ["9.0.0.1"]


def test_an_unknown_address_gives_way_to_any_other() -> None:
    assert summarize(events({"source_ip": "0.0.0.0"}, {"source_ip": "9.0.0.1"}))["source_ip"].to_list() == ["9.0.0.1"]
    assert summarize(events({}, {}))["source_ip"].to_list() == ["0.0.0.0"]


def test_the_strongest_attack_and_the_sums() -> None:
    found = summarize(
        events(
            {"attack_type": "command", "login_failures": 2},
            {"attack_type": "connection", "login_failures": 1, "login_successes": 1},
        )
    ).row(0, named=True)
    assert found["attack_type"] == "command"
    assert (found["event_count"], found["login_failures"], found["login_successes"]) == (2, 3, 1)
    assert (found["started_at"], found["ended_at"]) == (NOON, NOON + timedelta(seconds=1))


def test_activity_is_in_order_of_time_then_event_and_its_text_is_hashed() -> None:
    same = NOON + timedelta(seconds=5)
    found = summarize(
        events(
            {"payload": 'b"\n\\', "occurred_at": same},
            {"payload": "c", "occurred_at": same},
            {"payload": "a", "occurred_at": NOON},
        )
    ).row(0, named=True)
    assert [entry[2] for entry in json.loads(found["activity"])] == ["a", 'b"\n\\', "c"]
    assert found["payload"] == 'a\nb"\n\\\nc'
    assert found["payload_hash"] == hashlib.sha256(found["payload"].encode()).hexdigest()


def test_a_session_without_activity_has_an_empty_payload() -> None:
    found = summarize(events({})).row(0, named=True)
    assert (found["activity"], found["payload"]) == (None, "")
    assert found["payload_hash"] == hashlib.sha256(b"").hexdigest()


def test_the_earliest_activity_is_kept_where_there_is_too_much() -> None:
    found = summarize(events(*({"payload": str(n)} for n in range(MAXIMUM_ACTIVITY + 5)))).row(0, named=True)
    assert len(json.loads(found["activity"])) == MAXIMUM_ACTIVITY
    assert found["event_count"] == MAXIMUM_ACTIVITY + 5


def test_no_activity_is_kept_behind_too_much_text() -> None:
    large = "x" * (MAXIMUM_ACTIVITY_BYTES // 2 + 1)
    found = summarize(events({"payload": large}, {"payload": large}, {"payload": "no more"})).row(0, named=True)
    assert [len(entry[2]) for entry in json.loads(found["activity"])] == [len(large)] * 2
    assert found["event_count"] == 3


def test_events_without_a_session_make_none() -> None:
    assert summarize(events({"session_id": None})).is_empty()
