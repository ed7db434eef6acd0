"""theHarvester's reports: lists of what was found around a domain, in JSON and XML of several versions."""

import json

import pytest

from clew.ingest.facts import Facts
from clew.ingest.sources.base import ReadContext, RecordBatch
from clew.ingest.sources.harvester_items import HostItem, read_host, target_of
from clew.ingest.sources.theharvester import CONFIDENCE, TheHarvesterSource
from tests.support.tool_reports import (
    FIXTURES,
    assert_consistent,
    contents,
    entities,
    links,
    read_bytes,
    read_fixture,
    rejects,
    sample,
)

SOURCE = TheHarvesterSource()
HOSTS = {
    ("www.example.com", "SUBDOMAIN_OF", "example.com"),
    ("www.example.com", "RESOLVES_TO", "192.0.2.10"),
    ("shop.example.com", "SUBDOMAIN_OF", "example.com"),
    ("shop.example.com", "RESOLVES_TO", "192.0.2.10"),
}


@pytest.mark.parametrize("name", ["report.json", "report.xml", "report3.xml"])
def test_every_version_gives_hosts_with_their_addresses(name: str) -> None:
    facts = read_fixture(SOURCE, name)
    assert links(facts) >= HOSTS
    assert ("email", "press@example.com", None) in entities(facts)
    assert_consistent(facts)


def test_json_lists_become_what_they_are() -> None:
    facts = read_fixture(SOURCE, "report.json")
    assert entities(facts) >= {
        ("asn", "AS64496", None),
        ("ip_address", "2001:db8::5", None),
        ("url", "https://trello.com/b/example/board", None),
        ("social_profile", "@quietheron42", "x"),
        ("social_profile", "https://www.linkedin.com/in/quiet-heron-example", "linkedin"),
    }
    assert not {kind for kind, _, _ in entities(facts)} & {"person", "organization"}, "a name identifies nobody"
    assert facts.records.height == 17
    assert [row["value"] for row in contents(facts) if row["list"] == "linkedin_people"] == ["Quiet Heron - Archivist"]


def test_the_searched_domain_is_the_commands_and_nothing_without_it() -> None:
    assert ("press@example.com", "ASSOCIATED_WITH", "example.com") in links(read_fixture(SOURCE, "report.json"))
    older = read_fixture(SOURCE, "report40.json")
    assert {kind for _, kind, _ in links(older)} == {"SUBDOMAIN_OF", "RESOLVES_TO"}


def test_an_address_that_was_not_escaped_is_rejected_alone() -> None:
    facts = read_fixture(SOURCE, "report3.xml")
    assert [reason for _, _, reason in rejects(facts)] == ["invalid_xml"]
    assert facts.records.height == 5
    assert ("192.0.2.10", "USES", "nginx") in links(facts)


def test_a_resolved_host_is_believed_more() -> None:
    facts = read_fixture(SOURCE, "report.json")
    found = dict(facts.mentions.select("value", "confidence").rows())
    assert found["www.example.com"] == pytest.approx(CONFIDENCE["resolved"])
    assert found["old.example.com"] == pytest.approx(CONFIDENCE["reported"])


def test_items_that_are_none_are_rejected_one_by_one() -> None:
    report = {"cmd": "-d example.com", "hosts": ["www.example.com", "", "not a host", 7], "emails": None, "shodan": []}
    facts = read_json(json.dumps(report).encode())
    assert [reason for _, _, reason in rejects(facts)] == [
        "missing_field",
        "invalid_domain",
        "wrong_type",
        "wrong_type",
    ]
    assert facts.records.height == 1
    assert_consistent(facts)


def read_json(data: bytes) -> Facts:
    return SOURCE.read(RecordBatch([data], [1], 0), ReadContext("report.json", "json"))


@pytest.mark.parametrize("data", [b'{"hosts": [', b"[]", b"7", b"[" * 100_000, b'{"hosts": NaN}', b"\xff"])
def test_what_is_no_report_is_one_reject(data: bytes) -> None:
    facts = read_json(data)
    assert facts.records.is_empty()
    assert facts.rejects.height == 1


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("www.example.com", HostItem("www.example.com", ())),
        ("www.example.com:192.0.2.1", HostItem("www.example.com", ("192.0.2.1",))),
        ("www.example.com:192.0.2.1, 192.0.2.2", HostItem("www.example.com", ("192.0.2.1", "192.0.2.2"))),
        ("www.example.com:2001:db8::1", HostItem("www.example.com", ("2001:db8::1",))),
        ("www.example.com:empty", HostItem("www.example.com", ())),
        ("192.0.2.1:www.example.com", HostItem("www.example.com", ("192.0.2.1",))),
        ("2001:db8::1", HostItem(None, ("2001:db8::1",))),
        ("<em>www.example.com</em>", HostItem("www.example.com", ())),
        ("nothing here", None),
        ("", None),
    ],
)
def test_hosts_as_they_are_listed(text: str, item: HostItem | None) -> None:
    assert read_host(text) == item


@pytest.mark.parametrize(
    ("command", "target"),
    [
        ("-d example.com -b all", "example.com"),
        ("--domain=example.com", "example.com"),
        ("-dexample.com", "example.com"),
        ('-b all --domain "example.com"', "example.com"),
        ("-d 'Example Company'", None),
        ("-b all -d", None),
        ("", None),
        ("'", None),
    ],
)
def test_the_target_of_a_command(command: str, target: str | None) -> None:
    assert target_of(command) == target


def test_other_lists_of_hosts_are_not_claimed() -> None:
    assert SOURCE.recognise(sample("a.json", b'{"hosts": ["www.example.com"]}')) is None
    assert SOURCE.recognise(sample("a.json", b'{"cmd": "-d x", "hosts": [1]}')) is None
    assert read_bytes(SOURCE, "a", b'{"cmd": "-d example.com", "hosts": [], "shodan": []}').records.is_empty()


def test_json_lines_are_read_with_the_times_of_the_search() -> None:
    facts = read_fixture(SOURCE, "report.jsonl")
    assert_consistent(facts)
    assert (facts.records.height, facts.rejects.height) == (10, 0)
    assert facts.records["line"].to_list() == list(range(2, 12))
    assert {
        ("email", "office@example.com", None),
        ("domain", "shop.example.com", None),
        ("domain", "old.example.com", None),
        ("ip_address", "192.0.2.11", None),
        ("asn", "AS64500", None),
        ("url", "https://www.example.com/login", None),
    } <= entities(facts)
    assert not any("Keeper" in value for _, value, _ in entities(facts)), "a name identifies nobody"
    assert ("www.example.com", "SUBDOMAIN_OF", "example.com") in links(facts)
    assert {str(moment) for moment in facts.mentions["last_seen"]} == {"2026-02-03 10:05:00+00:00"}


def test_lines_that_are_damaged_are_rejected_alone() -> None:
    whole = (FIXTURES / "theharvester" / "report.jsonl").read_bytes().splitlines()
    spoiled = [whole[0], b'{"type":"hostname","value":"not a host"}', b"{", b'{"type":"ip"}', b"7", whole[2]]
    facts = read_bytes(SOURCE, "report.jsonl", b"\n".join(spoiled))
    assert (facts.records.height, facts.rejects.height) == (1, 4)
    assert {reason for _, _, reason in rejects(facts)} == {
        "invalid_domain", "invalid_json", "missing_field", "wrong_type"
    }  # fmt: skip
