"""SpiderFoot's CSV: events by type, from its web page and its command line."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from clew.ingest.facts import Facts
from clew.ingest.sources.spiderfoot import SpiderFootSource
from tests.support.tool_reports import (
    assert_consistent,
    contents,
    entities,
    links,
    read_bytes,
    read_fixture,
    rejects,
    sample,
)

SOURCE = SpiderFootSource()
HEADER = "Updated,Type,Module,Source,F/P,Data\n"


def read_row(row: str) -> Facts:
    return read_bytes(SOURCE, "SpiderFoot.csv", f"{HEADER}{row}\n".encode())


def test_events_of_a_scan_become_entities_and_relations() -> None:
    facts = read_fixture(SOURCE, "SpiderFoot.csv")
    assert links(facts) == {
        ("www.example.com", "SUBDOMAIN_OF", "example.com"),
        ("www.example.com", "RESOLVES_TO", "192.0.2.10"),
        ("192.0.2.10", "USES", "SSH-2.0-OpenSSH_9.6p1"),
        ("192.0.2.10", "INDICATES", "CVE-2024-6387"),
        ("press@example.com", "ASSOCIATED_WITH", "example.com"),
        ("example.com", "USES", "ns1.example.net"),
        ("shop.example.org", "RESOLVES_TO", "192.0.2.10"),
    }
    assert entities(facts) >= {
        ("asn", "64496", None),
        ("social_profile", "https://github.com/quietheron42", "GitHub"),
        ("url", "https://www.example.com/about", None),
    }
    assert facts.records.height == 15
    assert facts.rejects.is_empty()
    assert_consistent(facts)


def test_a_false_positive_says_nothing() -> None:
    facts = read_fixture(SOURCE, "SpiderFoot.csv")
    marked = [row for row in contents(facts) if row.get("false_positive")]
    assert [row["data"] for row in marked] == ["not,an address@example.com"]
    assert "not,an address@example.com" not in set(facts.mentions["value"])


def test_names_of_people_stay_records() -> None:
    facts = read_fixture(SOURCE, "SpiderFoot.csv")
    assert "HUMAN_NAME" in {row["type"] for row in contents(facts)}
    assert "Quiet Heron" not in set(facts.mentions["value"])


def test_all_open_ports_of_an_address_are_one_property() -> None:
    facts = read_fixture(SOURCE, "SpiderFoot.csv")
    told = [json.loads(text) for text in facts.mentions.filter(value="192.0.2.10")["properties"].drop_nulls()]
    assert [properties for properties in told if "open_ports" in properties] == [
        {"open_ports": ["22/tcp", "443/tcp"]},
        {"open_ports": ["22/tcp", "443/tcp"]},
    ]
    assert {"reported_malicious_by": "AbuseIPDB"} in told


def test_times_are_the_servers_local_ones() -> None:
    assert read_fixture(SOURCE, "SpiderFoot.csv").warnings
    data = f"{HEADER}2024-06-01 12:00:00,INTERNET_NAME,sfp_crt,example.com,0,www.example.com\n".encode()
    facts = read_bytes(SOURCE, "a.csv", data, timezone=ZoneInfo("Europe/Berlin"))
    assert facts.mentions["first_seen"][0] == datetime(2024, 6, 1, 10, 0, tzinfo=UTC)
    assert facts.warnings == ()


def test_several_scans_in_one_file() -> None:
    facts = read_fixture(SOURCE, "SpiderFoot_scans.csv")
    assert [row["scan"] for row in contents(facts)] == ["First scan", "Second scan"]
    assert ("example.org", "RESOLVES_TO", "198.51.100.7") in links(facts)


def test_the_command_lines_words_mean_the_same_types() -> None:
    facts = read_fixture(SOURCE, "console.csv")
    assert links(facts) == {("example.com", "RESOLVES_TO", "192.0.2.10"), ("example.com", "USES", "nginx/1.24.0")}
    assert ("social_profile", "https://github.com/quietheron42", "GitHub") in entities(facts)
    assert facts.records.height == 5
    assert facts.rejects.is_empty()


def test_unquoted_data_may_hold_the_delimiter_where_it_stands_last() -> None:
    facts = read_fixture(SOURCE, "console3.csv")
    assert ("url", "https://www.example.com/list?a=1,2,3", None) in entities(facts)
    rows = b"sfp_a,Internet Name,example.com,www.example.com\nsfp_a,Linked URL - Internal,a,b,c\n"
    data = b"Source,Type,Source Data,Data\n" + rows
    assert rejects(read_bytes(SOURCE, "a.csv", data)) == [(1, 3, "invalid_csv")]


def test_tabs() -> None:
    assert links(read_fixture(SOURCE, "console_tab.txt")) == {
        ("example.com", "RESOLVES_TO", "2001:db8::5"),
        ("api.example.com", "SUBDOMAIN_OF", "example.com"),
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("yesterday,INTERNET_NAME,sfp_crt,example.com,0,www.example.com", "invalid_timestamp"),
        ("2024-06-01 12:00:00,,sfp_crt,example.com,0,www.example.com", "missing_field"),
        ("2024-06-01 12:00:00,INTERNET_NAME,sfp_crt,example.com,0,", "missing_field"),
        ("2024-06-01 12:00:00,INTERNET_NAME,sfp_crt", "invalid_csv"),
    ],
)
def test_rows_that_cannot_be_read_are_rejected(row: str, reason: str) -> None:
    facts = read_row(row)
    assert [found for _, _, found in rejects(facts)] == [reason]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("TCP_PORT_OPEN", "nowhere"),
        ("VULNERABILITY_CVE_LOW", "no number"),
        ("SOCIAL_MEDIA", "GitHub"),
        ("MADE_UP", "x"),
    ],
)
def test_data_that_identifies_nothing_is_a_record_only(kind: str, data: str) -> None:
    facts = read_row(f"2024-06-01 12:00:00,{kind},sfp_x,example.com,0,{data}")
    assert facts.records.height == 1
    assert facts.mentions.is_empty()


def test_common_column_names_alone_are_not_claimed() -> None:
    assert SOURCE.recognise(sample("a.csv", b"Source,Type,Data\nshop,Order,17\n")) is None
