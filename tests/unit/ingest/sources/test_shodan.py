"""Shodan's findings: services, places, weaknesses, by host and by banner."""

import json
from typing import Any

from clew.ingest.facts import Facts
from clew.ingest.sources.base import Framing
from clew.ingest.sources.shodan import CONFIDENCE, ShodanSource
from tests.support.tool_reports import assert_consistent, entities, links, read_bytes, read_fixture, rejects, sample

SOURCE = ShodanSource()


def properties(facts: Facts, entity_type: str, value: str) -> dict[str, Any]:
    """All that the mentions of an entity say of it, together."""
    said: dict[str, Any] = {}
    for text in facts.mentions.filter(entity_type=entity_type, value=value)["properties"].drop_nulls():
        said |= json.loads(text)
    return said


def test_a_host_with_its_place_system_names_and_services() -> None:
    facts = read_fixture(SOURCE, "host.json")
    assert_consistent(facts)
    assert facts.records.height == 1
    known = properties(facts, "ip_address", "192.0.2.10")
    assert known["ports"] == [22, 443]
    assert (known["latitude"], known["longitude"], known["city"]) == (52.52437, 13.41053, "Berlin")
    assert (known["org"], known["tcp/22"], known["tcp/443"]) == (
        "Example Hosting",
        "OpenSSH/9.6p1",
        "Apache httpd/2.4.49",
    )
    assert ("location", "Berlin, Germany", "geo:52.524370,13.410530") in entities(facts)
    assert links(facts) >= {
        ("192.0.2.10", "LOCATED_AT", "Berlin, Germany"),
        ("vpn.example.com", "RESOLVES_TO", "192.0.2.10"),
        ("192.0.2.10", "MEMBER_OF", "AS64500"),
        ("192.0.2.10", "USES", "OpenSSH/9.6p1"),
        ("192.0.2.10", "INDICATES", "CVE-2021-41773"),
    }
    assert any(kind == "ssh_key" for kind, _, _ in entities(facts))


def test_a_checked_weakness_is_believed_and_a_denied_one_is_none() -> None:
    facts = read_fixture(SOURCE, "host.json")
    weak = facts.links.filter(relationship_type="INDICATES")
    best = {
        target: max(weak.filter(target_value=target)["confidence"].to_list())
        for target in weak["target_value"].unique().to_list()
    }
    assert {target: round(value, 2) for target, value in best.items()} == {
        "CVE-2021-41773": CONFIDENCE["verified"],
        "CVE-2021-40438": CONFIDENCE["inferred"],
    }


def test_banners_of_one_address_add_up_and_keep_their_times() -> None:
    facts = read_fixture(SOURCE, "banners.jsonl")
    assert_consistent(facts)
    assert facts.records.height == 3
    known = properties(facts, "ip_address", "198.51.100.7")
    assert (known["tcp/8080"], known["udp/53"]) == ("GoAhead", "dns-udp")
    assert "ports" not in known
    assert ("ip_address", "2001:db8::21", None) in entities(facts)
    assert str(facts.mentions["first_seen"][0]) == "2026-01-05 00:00:00.000001+00:00"
    assert facts.warnings == ()


def test_a_match_without_address_costs_only_itself_and_null_island_is_no_place() -> None:
    facts = read_fixture(SOURCE, "search.json")
    assert_consistent(facts)
    assert rejects(facts) == [(1, 3, "missing_field")]
    assert not any(kind == "location" for kind, _, _ in entities(facts))
    assert ("web.example.org", "RESOLVES_TO", "203.0.113.9") in links(facts)


def test_internetdb_answers() -> None:
    facts = read_fixture(SOURCE, "internetdb.json")
    known = properties(facts, "ip_address", "192.0.2.10")
    assert (known["ports"], known["tags"]) == ([22, 443], ["cloud"])
    assert ("192.0.2.10", "INDICATES", "CVE-2021-41773") in links(facts)


def test_downloads_are_cut_by_line_even_where_the_first_banner_is_huge() -> None:
    banner = b'{"hash":1,"ip_str":"192.0.2.1","port":80,"transport":"tcp","data":"' + b"x" * 70_000 + b'"}\n'
    claim = SOURCE.recognise(sample("x.json", banner))
    assert claim is not None
    assert claim.framing is Framing.LINES
    assert read_bytes(SOURCE, "x.json", banner * 2).records.height == 2


def test_a_port_that_is_none_says_nothing() -> None:
    facts = read_bytes(SOURCE, "x", b'{"hash":1,"ip_str":"192.0.2.1","port":70000,"transport":"tcp","data":""}\n')
    assert facts.records.height == 1
    assert properties(facts, "ip_address", "192.0.2.1") == {}
