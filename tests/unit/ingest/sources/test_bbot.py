"""BBOT's events of three versions: hosts, ports, URLs, findings, accounts."""

import json
from datetime import UTC, datetime

import pytest

from clew.ingest.sources.bbot import CONFIDENCE, BbotSource
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

SOURCE = BbotSource()


def event(kind: str, data: object, **fields: object) -> bytes:
    return json.dumps({"type": kind, "id": f"{kind}:1", "data": data, "timestamp": 1717243200.0, **fields}).encode()


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (
            "output1.json",
            {
                ("www.example.com", "RESOLVES_TO", "192.0.2.10"),
                ("www.example.com", "SUBDOMAIN_OF", "example.com"),
                ("www.example.com", "INDICATES", "CVE-2021-44228"),
            },
        ),
        (
            "output2.ndjson",
            {
                ("api.example.com", "RESOLVES_TO", "192.0.2.11"),
                ("api.example.com", "SUBDOMAIN_OF", "example.com"),
                ("gone.example.com", "SUBDOMAIN_OF", "example.com"),
                ("api.example.com", "USES", "nginx"),
            },
        ),
        (
            "output3.ndjson",
            {
                ("api.example.com", "RESOLVES_TO", "192.0.2.11"),
                ("api.example.com", "INDICATES", "CVE-2023-12345"),
            },
        ),
    ],
)
def test_events_of_each_version(name: str, found: set[tuple[str, str, str]]) -> None:
    facts = read_fixture(SOURCE, name)
    assert links(facts) == found
    assert facts.rejects.is_empty()
    assert_consistent(facts)


def test_accounts_addresses_and_urls() -> None:
    assert entities(read_fixture(SOURCE, "output2.ndjson")) >= {
        ("social_profile", "quietheron42", "github"),
        ("email", "press@example.com", None),
        ("url", "https://api.example.com/", None),
    }
    assert ("url", "https://api.example.com/v1", None) in entities(read_fixture(SOURCE, "output3.ndjson"))
    assert ("asn", "64496", None) in entities(read_fixture(SOURCE, "output3.ndjson"))


def test_times_in_every_spelling() -> None:
    first = read_fixture(SOURCE, "output1.json").mentions["first_seen"][0]
    assert first == datetime(2023, 7, 5, 3, 3, 42, 723366, tzinfo=UTC)
    facts = read_fixture(SOURCE, "output2.ndjson")
    assert facts.mentions["first_seen"][0] == datetime(2024, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
    assert facts.warnings, "one of them has no zone"


def test_what_resolved_is_believed_more_than_what_was_heard_of() -> None:
    facts = read_fixture(SOURCE, "output2.ndjson")
    names = facts.mentions.filter(entity_type="domain", record=0)["confidence"].to_list()
    assert names == [pytest.approx(CONFIDENCE["resolved"])] * 2
    gone = facts.mentions.filter(value="gone.example.com")["confidence"].to_list()
    assert gone == [pytest.approx(CONFIDENCE["heard"])]


def test_each_open_port_is_its_own_property() -> None:
    lines = [event("OPEN_TCP_PORT", f"192.0.2.1:{port}") for port in (22, 443)]
    lines.append(event("OPEN_TCP_PORT", "[2001:db8::1]:443"))
    facts = read_bytes(SOURCE, "output.json", b"\n".join(lines))
    told = facts.mentions.select("value", "properties").rows()
    assert [(value, json.loads(text)) for value, text in told] == [
        ("192.0.2.1", {"open_tcp_22": True}),
        ("192.0.2.1", {"open_tcp_443": True}),
        ("2001:db8::1", {"open_tcp_443": True}),
    ]


def test_bodies_are_left_out_of_records() -> None:
    (response,) = [row for row in contents(read_fixture(SOURCE, "output2.ndjson")) if row["type"] == "HTTP_RESPONSE"]
    assert response["data"]["body"] == "(18 characters omitted)"
    assert response["data"]["status_code"] == 200


def test_siem_friendly_data_is_unwrapped() -> None:
    data = event("DNS_NAME", {"DNS_NAME": "www.example.com"}, resolved_hosts=["192.0.2.1"], host="www.example.com")
    assert ("www.example.com", "RESOLVES_TO", "192.0.2.1") in links(read_bytes(SOURCE, "output.json", data))


def test_virtual_hosts_resolve_to_the_address_they_were_found_on() -> None:
    data = event("VHOST", {"host": "192.0.2.1", "vhost": "shop.example.com"}, host="192.0.2.1")
    assert links(read_bytes(SOURCE, "output.json", data)) == {("shop.example.com", "RESOLVES_TO", "192.0.2.1")}


def test_events_that_cannot_be_read_are_rejected_alone() -> None:
    lines = [
        event("DNS_NAME", "www.example.com"),
        event("DNS_NAME", "www.example.com", timestamp="never"),
        event("DNS_NAME", "www.example.com", timestamp=1e20),
        event("DNS_NAME", None),
        event("dns name", "www.example.com"),
        event("DNS_NAME", "www.example.com", host=7),
        b"{",
        b"[]",
        event("DNS_NAME", "a\0b"),
        event("DNS_NAME", "api.example.com"),
        event("DNS_NAME", "vpn.example.com"),
        *(event("DNS_NAME", f"h{number}.example.com") for number in range(8)),
    ]
    facts = read_bytes(SOURCE, "output.json", b"\n".join(lines))
    assert [reason for _, _, reason in rejects(facts)] == [
        "invalid_timestamp",
        "invalid_timestamp",
        "missing_field",
        "wrong_type",
        "wrong_type",
        "invalid_json",
        "wrong_type",
        "nul_character",
    ]
    assert_consistent(facts)


def test_other_events_are_not_claimed() -> None:
    assert (
        SOURCE.recognise(sample("a.json", b'{"type": "login", "id": "login:1", "data": "x", "timestamp": 1}\n')) is None
    )
