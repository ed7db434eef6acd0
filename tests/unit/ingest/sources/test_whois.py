"""Whois as JSON: three writers, one registration; nobody becomes a hub."""

import json
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clew.ingest.facts import Facts
from clew.ingest.sources.base import ReadContext, RecordBatch
from clew.ingest.sources.redaction import is_privacy_address, is_withheld
from clew.ingest.sources.times import NO_TIME_ZONE_WARNING
from clew.ingest.sources.whois import WhoisSource
from tests.support.tool_reports import (
    FIXTURES,
    assert_consistent,
    entities,
    links,
    read_bytes,
    read_fixture,
    rejects,
    sample,
)

SOURCE = WhoisSource()


def domain_properties(facts: Facts) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(facts.mentions.filter(entity_type="domain")["properties"][0])
    return found


def test_python_whois() -> None:
    facts = read_fixture(SOURCE, "python_whois.json")
    assert_consistent(facts)
    assert links(facts) == {
        ("EXAMPLE.COM", "REGISTERED_WITH", "Example Registrar, Inc."),
        ("Example Registrar, Inc.", "ASSOCIATED_WITH", "abuse@registrar.example"),
        ("EXAMPLE.COM", "USES", "a.ns.example.net"),
        ("EXAMPLE.COM", "USES", "b.ns.example.net"),
        ("Heron Works Ltd", "OWNS", "EXAMPLE.COM"),
        ("Heron Works Ltd", "REGISTERED_WITH", "Example Registrar, Inc."),
        ("EXAMPLE.COM", "ASSOCIATED_WITH", "owner@example.org"),
    }
    known = domain_properties(facts)
    assert known["updated"] == "2025-08-15T07:01:39+00:00"
    assert known["status"] == ["clientDeleteProhibited", "clientTransferProhibited"]
    assert ("organization", "Heron Works Ltd", "registrant-of:example.com") in entities(facts)


def test_labels_are_the_same_fields() -> None:
    facts = read_fixture(SOURCE, "labels.json")
    assert ("organization", "Heron Works Ltd", "handle:C000000003-LROR") in entities(facts)
    assert ("organization", "Example Registrar, Inc.", "iana-registrar:9999") in entities(facts)
    assert domain_properties(facts)["expires"] == "2028-02-03T04:05:06+00:00"


def test_whoisxml_says_when_it_asked_and_the_registry_fills_the_gaps() -> None:
    facts = read_fixture(SOURCE, "whoisxml.json")
    assert_consistent(facts)
    assert {link[2] for link in links(facts) if link[1] == "USES"} == {"ns1.example.net", "ns2.example.net"}
    assert str(facts.mentions["first_seen"][0]) == "2026-02-03 04:05:06+00:00"
    assert ("phone", "+4930123456", None) in entities(facts)
    assert not any("Privacy" in value for _, value, _ in entities(facts))


def test_whoisxml_in_bulk_is_one_record_a_domain() -> None:
    record = json.loads((FIXTURES / "whois" / "whoisxml.json").read_bytes())["WhoisRecord"]
    bulk = {"requestId": "1", "whoisRecords": [{"domainName": "example.net", "whoisRecord": record}] * 2}
    facts = read_bytes(SOURCE, "bulk.json", json.dumps(bulk, indent=1).encode())
    assert facts.records.height == 2
    assert_consistent(facts)


def test_privacy_services_are_dropped_and_counted_and_a_free_domain_is_rejected() -> None:
    facts = read_fixture(SOURCE, "private.jsonl")
    assert_consistent(facts)
    values = {value for _, value, _ in entities(facts)}
    assert not any(is_withheld(value) for value in values)
    assert domain_properties(facts)["registrant_withheld"] is True
    assert "withheld or privacy-service values left out: 6" in facts.warnings
    assert rejects(facts) == [(1, 2, "missing_field")]
    assert ("Loud Crane", "ASSOCIATED_WITH", "EXAMPLE.BIZ") in links(facts)


def test_times_without_a_zone_are_read_in_the_one_given() -> None:
    data = (FIXTURES / "whois" / "private.jsonl").read_bytes()
    assert NO_TIME_ZONE_WARNING in read_bytes(SOURCE, "x", data).warnings
    there = read_bytes(SOURCE, "x", data, timezone=ZoneInfo("Asia/Tokyo"))
    assert domain_properties(there)["created"] == "2002-07-01T00:31:21+00:00"
    assert NO_TIME_ZONE_WARNING not in there.warnings
    assert NO_TIME_ZONE_WARNING not in read_bytes(SOURCE, "x", data, timezone=UTC).warnings


def test_two_registrants_of_one_name_stay_two() -> None:
    line = '{"domain_name":"%s","registrar":"R","creation_date":"2020-01-01","name":"Quiet Heron","name_servers":[]}\n'
    facts = read_bytes(SOURCE, "x", (line % "one.example" + line % "two.example").encode())
    people = {identity for kind, _, identity in entities(facts) if kind == "person"}
    assert people == {"registrant-of:one.example", "registrant-of:two.example"}


@pytest.mark.parametrize(
    "text",
    [
        "REDACTED FOR PRIVACY",
        "GDPR Masked",
        "Statutory Masking Enabled",
        "Data Protected",
        "Not Disclosed",
        "Domains By Proxy, LLC",
        "Whoisguard Protected",
        "Withheld for Privacy ehf",
        "Contact Privacy Inc. Customer 0123456",
        "Privacy service provided by Example",
        "Private Person",
        "On behalf of example.com owner",
        "n/a",
        "-",
        "",
    ],
)
def test_withheld(text: str) -> None:
    assert is_withheld(text)


@pytest.mark.parametrize(
    "text",
    [
        "Vienna Insurance",
        "Montana",
        "Ana",
        "Quiet Heron",
        "Proxima Ltd",
        "Privacy International",
        "Masken GmbH",
        "X Corp",
    ],
)
def test_not_withheld(text: str) -> None:
    assert not is_withheld(text)


@pytest.mark.parametrize(
    ("email", "private"),
    [
        ("a@example.org", False),
        ("0123@withheldforprivacy.com", True),
        ("example.com@domainsbyproxy.com", True),
        ("Please query the RDDS service", True),
        ("privacy@example.org", False),
    ],
)
def test_addresses_of_privacy_services(email: str, private: bool) -> None:
    assert is_privacy_address(email) is private


def test_what_the_command_prints_is_read_answer_by_answer() -> None:
    facts = read_fixture(SOURCE, "command.txt")
    assert_consistent(facts)
    assert (facts.records.height, facts.rejects.height) == (2, 0)
    assert facts.records["line"].to_list() == [1, 24]
    told = links(facts)
    assert ("harbour.example.com", "USES", "ns1.example.net") in told
    assert ("HARBOUR.EXAMPLE.COM", "USES", "ns2.example.net") in told
    assert ("HARBOUR.EXAMPLE.COM", "REGISTERED_WITH", "Example Registrar, Inc.") in told
    assert ("Example Harbour Ltd", "OWNS", "harbour.example.com") in told
    assert not any("REDACTED" in value for _, value, _ in entities(facts))


def test_the_labels_of_countries_registries_are_read() -> None:
    facts = read_fixture(SOURCE, "country.txt")
    assert_consistent(facts)
    assert (facts.records.height, facts.rejects.height) == (1, 0)
    assert ("lantern.example.org", "USES", "ns2.example.net") in links(facts)


@pytest.mark.parametrize(
    "text", ["No match for domain", "inetnum: 192.0.2.0 - 192.0.2.255\nnetname: TEST", "Domain Name: a.example", ""]
)
def test_text_that_tells_of_no_domain_is_not_claimed(text: str) -> None:
    assert SOURCE.recognise(sample("whois.txt", text.encode())) is None
    facts = SOURCE.read(RecordBatch([text.encode()], [1], 0), ReadContext("whois.txt", "text"))
    assert facts.records.height + facts.rejects.height == 1
