"""Dionaea, Heralding and Honeytrap: from the files they write to facts."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.ingest.archives import ArchiveLimits, InputFile, open_inputs
from clew.ingest.facts import ATTACK_TYPES, Facts
from clew.ingest.framing import FramingLimits, frame
from clew.ingest.sources.base import Framing, ReadContext, Recognition, RecordBatch, Sample, Source
from clew.ingest.sources.dionaea import DionaeaSource
from clew.ingest.sources.heralding import HeraldingSource
from clew.ingest.sources.honeytrap import HoneytrapSource
from clew.ingest.sources.times import NO_TIME_ZONE_WARNING

ROOT = Path(__file__).parents[4]
FIXTURES = ROOT / "tests/fixtures"
SOURCES: tuple[Source, ...] = (DionaeaSource(), HeraldingSource(), HoneytrapSource())


def read(path: Path, **context: Any) -> Facts:
    content = path.read_bytes()
    source, recognition = recognised(path.name, content)
    (batch,) = [one.batch for one in frame(io.BytesIO(content), recognition.framing, FramingLimits())]
    facts = source.read(batch, ReadContext(path.name, recognition.variant, **context))
    kept, lost = facts.records["record"].to_list(), facts.rejects["record"].to_list()
    assert set(facts.mentions["record"]) | set(facts.events["record"]) <= set(kept)
    assert not set(kept) & set(lost)
    assert facts.events["attack_type"].is_in(ATTACK_TYPES).all()
    return facts


def recognised(name: str, content: bytes) -> tuple[Source, Recognition]:
    sample = Sample(name, content[: 64 << 10], len(content) <= 64 << 10)
    claims = [(source, claim) for source in SOURCES if (claim := source.recognise(sample))]
    assert len(claims) == 1
    return claims[0]


def values(facts: Facts, entity_type: str) -> set[str]:
    return set(facts.mentions.filter(pl.col("entity_type") == entity_type)["value"])


def links(facts: Facts) -> set[tuple[str, str, str]]:
    return set(facts.links.select("source_value", "relationship_type", "target_value").iter_rows())


def test_dionaea_connections_become_events() -> None:
    facts = read(FIXTURES / "dionaea/log_json.json")
    events = facts.events.to_dicts()
    assert [event["protocol"] for event in events] == ["smb", "ftp", "mssql", "https", "ftp-data"]
    assert [event["attack_type"] for event in events] == [
        "connection",
        "command",
        "brute_force",
        "connection",
        "connection",
    ]
    assert [event["source_ip"] for event in events] == [
        "192.0.2.10",
        "192.0.2.11",
        "192.0.2.12",
        "2001:db8::10",
        None,
    ]
    assert events[1]["payload"] == "USER ftpuser\nPASS letmein\nSTOR x.bin"
    assert json.loads(events[2]["properties"]) == {
        "credentials": [["sa", ""], ["sa", "sql2025"]],
        "login_attempts": 3,
        "service": "mssqld",
        "transport": "tcp",
    }
    assert events[2]["login_failures"] is None, "Dionaea does not say whether a login succeeded"
    assert [event["session"] is None for event in events] == [False, False, False, False, True]
    assert values(facts, "credential") == {"ftpuser:letmein", "sa:", "sa:sql2025"}
    assert ("192.0.2.11", "USES", "ftpuser:letmein") in links(facts)
    assert ("192.0.2.10", "TARGETS", "198.51.100.20") in links(facts)
    assert facts.rejects["reason"].to_list() == ["missing_field", "invalid_timestamp"]
    assert facts.rejects["line"].to_list() == [6, 7]
    assert facts.warnings == (NO_TIME_ZONE_WARNING,)


def test_a_dionaea_session_is_keyed_by_the_bytes_of_its_record() -> None:
    path = FIXTURES / "dionaea/log_json.json"
    first = path.read_bytes().split(b"\n")[0]
    assert read(path).events["session"][0] == hashlib.sha256(first).hexdigest()


def test_dionaea_incidents_tell_of_downloads_and_commands() -> None:
    facts = read(FIXTURES / "dionaea/log_incident.json")
    events = facts.events
    assert events["attack_type"].to_list() == ["connection", "download", "download", "command", "brute_force"]
    assert events["payload"].to_list() == [None, None, None, "select @@version", None]
    assert events["session"].n_unique() == 2, "incidents of one connection are one session"
    assert values(facts, "url") == {"http://malware.example.net/a.exe"}
    assert values(facts, "file_hash") == {"0123456789abcdef0123456789abcdef"}
    assert values(facts, "domain") == {"malware.example.net"}
    assert {
        ("192.0.2.30", "USES", "0123456789abcdef0123456789abcdef"),
        ("0123456789abcdef0123456789abcdef", "ASSOCIATED_WITH", "http://malware.example.net/a.exe"),
        ("192.0.2.31", "USES", "sa:sql2025"),
    } <= links(facts)


def test_a_merged_dionaea_file_loses_nothing_to_its_broken_separator() -> None:
    facts = read(FIXTURES / "dionaea/merged.json")
    assert facts.events["source_ip"].to_list() == ["192.0.2.40", "192.0.2.41", "192.0.2.42"]
    assert facts.records["line"].to_list() == [1, 2, 4]


def test_heralding_sessions_count_their_attempts() -> None:
    facts = read(FIXTURES / "heralding/log_session.json")
    events = facts.events.to_dicts()
    assert [event["login_failures"] for event in events] == [2, 1, 0]
    assert [event["attack_type"] for event in events] == ["brute_force", "brute_force", "connection"]
    assert events[0]["session"] == "11111111-1111-4111-8111-111111111111"
    assert events[0]["client"] == "SSH-2.0-TestClient_1.0"
    assert events[2]["destination_ip"] is None
    assert values(facts, "credential") == {"root:pass:word", "admin:admin"}
    assert values(facts, "software") == {"SSH-2.0-TestClient_1.0"}
    parts = facts.mentions.filter(pl.col("value") == "root:pass:word").row(0, named=True)
    assert json.loads(parts["properties"]) == {"username": "root", "password": "pass:word"}
    assert parts["first_seen"].isoformat() == "2025-03-01T08:00:01+00:00"
    assert facts.rejects["reason"].to_list() == ["invalid_ip_address", "invalid_port"]


def test_heralding_tables_of_every_age_are_read() -> None:
    facts = read(FIXTURES / "heralding/log_auth.csv")
    assert facts.events["session"].to_list() == ["s1", "s2"]
    assert facts.records["line"].to_list() == [2, 3], "the heading is no record"
    assert values(facts, "credential") == {'root:a,"b"', "root:"}
    assert json.loads(facts.events["properties"][1]) == {
        "credentials": [["root", ""]],
        "password_hash": "$mysqlna$0a0b",
    }
    assert facts.rejects["reason"].to_list() == ["invalid_row"]
    old = read(FIXTURES / "heralding/log_auth_2016.csv")
    assert old.events.select("source_port", "target_port", "protocol").rows() == [(40000, 23, "telnet")]
    assert json.loads(old.events["properties"][0]) == {"auth_type": "plaintext", "credentials": [["guest", "guest"]]}
    sessions = read(FIXTURES / "heralding/log_session.csv")
    assert sessions.events.select("kind", "login_failures", "attack_type").rows() == [
        ("heralding.session", 3, "brute_force")
    ]


def test_a_time_zone_that_was_set_is_applied_without_a_warning() -> None:
    facts = read(FIXTURES / "heralding/log_session.csv", timezone=ZoneInfo("Europe/Berlin"))
    assert facts.events["occurred_at"][0].isoformat() == "2025-03-01T07:00:00+00:00"
    assert facts.warnings == ()


def test_honeytrap_attacks_tell_their_protocol_by_what_was_sent() -> None:
    facts = read(FIXTURES / "honeytrap/attackers.json")
    events = facts.events.to_dicts()
    assert [event["protocol"] for event in events] == ["tcp", "http", "ssh", "udp", "ip", "tcp"]
    assert [event["attack_type"] for event in events] == [
        "connection",
        "reconnaissance",
        "reconnaissance",
        "reconnaissance",
        "connection",
        "download",
    ]
    assert events[1]["payload"].startswith("GET / HTTP/1.1\r\n")
    assert events[3]["payload"] == "hex:0001fffe"
    assert events[4]["target_port"] is None
    assert events[4]["occurred_at"].year == 1970, "kept, and flagged by the record"
    assert values(facts, "user_agent") == {"probe/1.0 (test)"}
    assert values(facts, "software") == {"SSH-2.0-Test"}
    assert values(facts, "url") == {"ftp://192.0.2.99:21/bot.sh"}
    assert values(facts, "file_hash") == {hashlib.sha512(b"bot").hexdigest(), hashlib.md5(b"bot").hexdigest()}
    assert values(facts, "credential") == {"anon:anon@"}
    assert "payload_sha512" in json.loads(events[1]["properties"])
    confidence = facts.mentions.filter(pl.col("value").is_in(["192.0.2.72", "192.0.2.73"]))["confidence"].to_list()
    assert confidence[0] > confidence[1], "the source of a datagram may be forged"
    assert facts.warnings == ()
    assert facts.rejects.is_empty()


def test_honeytrap_local_times_are_read_in_the_zone_that_was_set() -> None:
    path = FIXTURES / "honeytrap/armedpot.json"
    naive = read(path)
    assert [moment.hour for moment in naive.events["occurred_at"]] == [12, 12]
    assert naive.warnings == (NO_TIME_ZONE_WARNING,)
    set_ = read(path, timezone=ZoneInfo("Europe/Berlin"))
    assert [moment.hour for moment in set_.events["occurred_at"]] == [10, 12], "the second says UTC itself"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\x00\xff",
        b'{"eventid": "cowrie.session.connect", "src_ip": "192.0.2.1", "timestamp": "2025-01-01T00:00:00Z"}',
        b'{"timestamp": "2025-01-01T00:00:00.000000+0000", "event_type": "alert", "src_ip": "192.0.2.1"}',
        b'{"timestamp": "x", "protocol": "tcp", "source_ip": "192.0.2.1", "session_id": "1"}',
        b"timestamp,username,password\n",
    ],
)
def test_files_of_other_tools_are_not_claimed(content: bytes) -> None:
    assert [source.recognise(Sample("x", content, True)) for source in SOURCES] == [None] * 3


@given(st.binary(max_size=200))
def test_recognition_never_raises(content: bytes) -> None:
    for head in (content, b'{"connection": ' + content, b"timestamp," + content):
        for source in SOURCES:
            source.recognise(Sample("x", head, True))


json_noise = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("2025-01-01 00:00:00"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["protocol", "payload"]), inner),
    max_leaves=5,
)
FIELDS = [
    "timestamp",
    "src_ip",
    "dst_ip",
    "src_port",
    "dst_port",
    "connection",
    "credentials",
    "ftp",
    "session_id",
    "source_ip",
    "source_port",
    "protocol",
    "auth_attempts",
    "auxiliary_data",
    "attack_connection",
    "start_time",
    "downloads",
    "name",
    "origin",
    "data",
]


@given(st.dictionaries(st.sampled_from(FIELDS), json_noise) | json_noise)
def test_every_record_ends_in_one_place_whatever_it_holds(value: object) -> None:
    batch = RecordBatch([json.dumps(value).encode()], [7], 3)
    for source in SOURCES:
        for variant in ("json", "csv:timestamp,session_id,source_ip"):
            facts = source.read(batch, ReadContext("x", variant))
            assert facts.records["record"].to_list() + facts.rejects["record"].to_list() == [3]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "source", "records"),
    [
        ("dioneae_20k", "dionaea", 20_799),
        ("honeytrap_5k", "honeytrap", 4_999),
        ("heralding_82k_raw", "heralding", 82_393),
    ],
)
def test_of_the_real_files_every_record_is_read(realdata: Path, name: str, source: str, records: int) -> None:
    for item in open_inputs(realdata / "honeypot" / f"{name}.json.tar.gz", ArchiveLimits()):
        assert isinstance(item, InputFile)
        content = item.open().read()
        reader, recognition = recognised(item.name, content)
        assert (reader.name, recognition.framing) == (source, Framing.JSON_VALUES)
        kept = 0
        for one in frame(io.BytesIO(content), recognition.framing, FramingLimits(batch_bytes=4 << 20)):
            facts = reader.read(one.batch, ReadContext(item.name, recognition.variant))
            assert facts.rejects.is_empty()
            kept += facts.records.height
        assert kept == records
