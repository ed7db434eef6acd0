"""httpx's probes: the page, its host, its software, in old and new spelling."""

import json

from clew.ingest.sources.base import Framing
from clew.ingest.sources.httpx import CONFIDENCE, HttpxSource
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

SOURCE = HttpxSource()
PAGE = "https://www.example.com"


def page_properties(name: str) -> dict[str, object]:
    facts = read_fixture(SOURCE, name)
    found: dict[str, object] = json.loads(facts.mentions.filter(entity_type="url", value=PAGE)["properties"][0])
    return found


def test_a_page_its_software_its_host_and_its_system() -> None:
    facts = read_fixture(SOURCE, "probes.jsonl")
    assert_consistent(facts)
    assert links(facts) >= {
        (PAGE, "USES", "nginx/1.25.3"),
        (PAGE, "USES", "PHP"),
        (PAGE, "USES", "jQuery/3.7.1"),
        (PAGE, "ASSOCIATED_WITH", "www.example.com"),
        ("www.example.com", "RESOLVES_TO", "192.0.2.10"),
        ("www.example.com", "RESOLVES_TO", "192.0.2.11"),
        ("www.example.com", "RESOLVES_TO", "2001:db8::10"),
        ("www.example.com", "RESOLVES_TO", "shop.cdn.example.net"),
        ("192.0.2.10", "MEMBER_OF", "AS64500"),
        (PAGE, "MENTIONS", "static.example.net"),
        ("http://198.51.100.7:8080", "ASSOCIATED_WITH", "198.51.100.7"),
    }
    assert page_properties("probes.jsonl")["title"] == "Example shop"
    assert page_properties("probes.jsonl")["port"] == 443
    assert str(facts.mentions["first_seen"][0]) == "2026-03-02 09:15:30.123456+00:00"


def test_the_keys_with_hyphens_say_the_same() -> None:
    old, new = page_properties("probes_1.1.jsonl"), page_properties("probes.jsonl")
    for key in ("title", "content_type", "status_code", "body_sha256", "method"):
        assert old[key] == new[key]
    assert links(read_fixture(SOURCE, "probes_1.1.jsonl")) >= {
        (PAGE, "USES", "nginx/1.18.0"),
        ("www.example.com", "RESOLVES_TO", "shop.cdn.example.net"),
        ("192.0.2.10", "MEMBER_OF", "AS64500"),
        (PAGE, "MENTIONS", "api.example.com"),
    }


def test_a_probe_without_an_answer_leaves_only_its_host_hardly_believed() -> None:
    facts = read_fixture(SOURCE, "probes.jsonl")
    failed = facts.mentions.filter(record=2)
    assert failed.select("entity_type", "value").rows() == [("domain", "old.example.com")]
    assert round(failed["confidence"][0], 2) == CONFIDENCE["failed"]
    assert ("url", "http://old.example.com", None) not in entities(facts)


def test_an_array_is_read_whole_and_a_nul_is_made_visible() -> None:
    facts = read_fixture(SOURCE, "array.json")
    assert_consistent(facts)
    assert facts.records["line"].to_list() == [2, 13]
    assert contents(facts)[0]["title"] == "Example ␀ shop"
    assert ("api.example.com", "RESOLVES_TO", "192.0.2.12") in links(facts)


def test_lines_are_rejected_one_by_one() -> None:
    good = b'{"url":"http://a.example.com","status_code":200,"words":1,"lines":1,"failed":false}\n'
    facts = read_bytes(SOURCE, "x.json", good * 4 + b"{broken\n" + b'{"status_code":200}\n[]\n')
    assert_consistent(facts)
    assert rejects(facts) == [(4, 5, "invalid_json"), (5, 6, "missing_field"), (6, 7, "wrong_type")]


def test_a_first_line_longer_than_the_sample_is_still_a_line() -> None:
    long = b'{"url":"http://a.example.com","status_code":200,"words":1,"lines":1,"failed":false,"body":"'
    claim = SOURCE.recognise(sample("x", long + b"y" * 70_000 + b'"}\n'))
    assert claim is not None
    assert (claim.framing, claim.variant) == (Framing.LINES, "json-lines")


def test_the_system_belongs_to_the_address_in_its_range() -> None:
    line = (
        b'{"url":"http://a.example.com","status_code":200,"words":1,"lines":1,"host":"192.0.2.1",'
        b'"a":["192.0.2.1","198.51.100.1"],"asn":{"as_number":"AS64501","as_range":["198.51.100.0/24"]}}\n'
    )
    assert ("198.51.100.1", "MEMBER_OF", "AS64501") in links(read_bytes(SOURCE, "x", line))
