"""Amass' output: hosts in JSON lines, relations in graph lines, names with addresses."""

import json

import pytest

from clew.ingest.sources.amass import CONFIDENCE, AmassSource
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

SOURCE = AmassSource()


@pytest.mark.parametrize("name", ["amass.json", "hosts_ip.txt", "hosts_src.txt"])
def test_hosts_lie_under_their_domain_and_resolve(name: str) -> None:
    facts = read_fixture(SOURCE, name)
    assert links(facts) >= {
        ("www.example.com", "SUBDOMAIN_OF", "example.com"),
        ("www.example.com", "RESOLVES_TO", "192.0.2.10"),
        ("api.example.com", "RESOLVES_TO", "192.0.2.11"),
    }
    assert facts.records.height == 3
    assert facts.rejects.is_empty()
    assert_consistent(facts)


def test_networks_of_json_lines() -> None:
    facts = read_fixture(SOURCE, "amass.json")
    assert ("192.0.2.10", "MEMBER_OF", "AS64496") in links(facts)
    assert {value for kind, value, _ in entities(facts) if kind == "asn"} == {"AS64496"}, "0 is no network"
    address = facts.mentions.filter(value="192.0.2.10")["properties"][0]
    assert json.loads(address) == {"netblock": "192.0.2.0/24"}


def test_each_kind_of_relation() -> None:
    facts = read_fixture(SOURCE, "graph.txt")
    assert links(facts) == {
        ("www.example.com", "SUBDOMAIN_OF", "example.com"),
        ("example.com", "USES", "ns1.example.net"),
        ("example.com", "USES", "mail.example.com"),
        ("www.example.com", "RESOLVES_TO", "edge.example.net"),
        ("edge.example.net", "RESOLVES_TO", "192.0.2.10"),
        ("edge.example.net", "RESOLVES_TO", "2001:db8::5"),
        ("host10.example.net", "RESOLVES_TO", "192.0.2.10"),
    }
    network = facts.mentions.filter(entity_type="asn")["properties"].drop_nulls()
    assert [json.loads(text) for text in network] == [{"description": "EXAMPLE-AS - Example Networks"}]
    assert not {value for _, value, _ in entities(facts) if value.endswith(".arpa")}
    assert_consistent(facts)


def test_colours_change_nothing() -> None:
    assert links(read_fixture(SOURCE, "graph_colour.txt")) == {
        ("api.example.com", "SUBDOMAIN_OF", "example.com"),
        ("api.example.com", "RESOLVES_TO", "192.0.2.11"),
        ("api.example.com", "RESOLVES_TO", "2001:db8::6"),
    }


def test_a_name_that_resolved_is_believed_more() -> None:
    facts = read_fixture(SOURCE, "amass.json")
    found = dict(facts.mentions.select("value", "confidence").rows())
    assert found["api.example.com"] == pytest.approx(CONFIDENCE["resolved"])
    assert found["old.example.com"] == pytest.approx(CONFIDENCE["reported"])


def test_lines_that_say_nothing_are_rejected_alone() -> None:
    data = b"""example.com (FQDN) --> node --> www.example.com (FQDN)
The enumeration has finished
www.example.com (FQDN) --> a_record --> 192.0.2.999 (IPAddress)
example.com (FQDN) --> node --> api.example.com (FQDN)
www.example.com (FQDN) --> a_record --> 192.0.2.1 (IPAddress)
\xff (FQDN) --> node --> api.example.com (FQDN)
"""
    facts = read_bytes(SOURCE, "graph.txt", data)
    assert rejects(facts) == [
        (1, 2, "unreadable_line"),
        (2, 3, "invalid_ip_address"),
        (5, 6, "invalid_encoding"),
    ]
    assert facts.records.height == 3


def test_json_fields_of_a_wrong_type_reject_their_line() -> None:
    lines = [
        {"name": "a.example.com", "domain": "example.com", "addresses": 7, "tag": "dns"},
        {"name": "a.example.com", "domain": "example.com", "addresses": ["192.0.2.1"], "tag": "dns"},
        {"name": "a.example.com", "domain": "example.com", "addresses": [{"cidr": "192.0.2.0/24"}], "tag": "dns"},
        {"name": "a.example.com", "domain": "example.com", "addresses": [], "sources": [1], "tag": "dns"},
        {"name": "b.example.com", "domain": "example.com", "addresses": [], "tag": "dns"},
    ]
    facts = read_bytes(SOURCE, "amass.json", b"\n".join(json.dumps(line).encode() for line in lines))
    assert [reason for _, _, reason in rejects(facts)] == ["wrong_type", "wrong_type", "missing_field", "wrong_type"]
    assert [row["name"] for row in contents(facts)] == ["b.example.com"]


@pytest.mark.parametrize("data", [b"www.example.com\napi.example.com\n", b"www.example.com,192.0.2.1\n", b"a --> b\n"])
def test_bare_lists_are_left_to_others(data: bytes) -> None:
    assert SOURCE.recognise(sample("hosts.txt", data)) is None
