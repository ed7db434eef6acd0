"""Subfinder's lists: hosts under a domain, however they are written."""

import io
import json
from collections.abc import Callable

import pytest

from clew.ingest.facts import Facts
from clew.ingest.framing import FramingLimits
from clew.ingest.framing import frame as frame_stream
from clew.ingest.sources.base import Framing, ReadContext, RecordBatch
from clew.ingest.sources.subfinder import CONFIDENCE, SubfinderSource
from tests.support.tool_reports import (
    assert_consistent,
    contents,
    frame,
    links,
    read_bytes,
    read_fixture,
    rejects,
    sample,
)

SOURCE = SubfinderSource()
SHAPES = (
    "hosts.txt",
    "hosts_ip.txt",
    "hosts_sources.txt",
    "hosts.jsonl",
    "report.json",
    "hosts_1x.json",
    "aquatone_1x.json",
)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_puts_the_same_hosts_under_the_domain(name: str) -> None:
    facts = read_fixture(SOURCE, name)
    under = {link for link in links(facts) if link[1] == "SUBDOMAIN_OF"}
    assert under == {(f"{host}.example.com", "SUBDOMAIN_OF", "example.com") for host in ("www", "api", "vpn")}
    assert facts.records.height == 3
    assert facts.rejects.is_empty()
    assert_consistent(facts)


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("hosts.txt", set()),
        ("hosts_ip.txt", {"192.0.2.10", "2001:db8::5", "192.0.2.12"}),
        ("hosts.jsonl", {"192.0.2.11"}),
        ("report.json", {"192.0.2.10", "192.0.2.11"}),
        ("hosts_1x.json", set()),
        ("aquatone_1x.json", {"192.0.2.10", "192.0.2.11"}),
    ],
)
def test_addresses_are_resolutions(name: str, addresses: set[str]) -> None:
    assert {target for _, kind, target in links(read_fixture(SOURCE, name)) if kind == "RESOLVES_TO"} == addresses


def test_sources_are_properties_and_more_of_them_are_believed_more() -> None:
    facts = read_fixture(SOURCE, "hosts.jsonl")
    assert json.loads(facts.links["properties"][0]) == {"sources": ["alienvault", "crtsh"]}
    found = facts.links.filter(relationship_type="SUBDOMAIN_OF")["confidence"]
    assert [round(value, 2) for value in found] == [CONFIDENCE[why] for why in ("corroborated", "resolved", "reported")]
    assert [row["sources"] for row in contents(read_fixture(SOURCE, "hosts_sources.txt"))] == [
        ["alienvault", "crtsh"],
        ["alienvault"],
        ["crtsh"],
    ]


def test_lists_are_claimed_by_line_and_reports_as_a_whole() -> None:
    data = b"www.example.com\n"
    claim = SOURCE.recognise(sample("hosts.txt", data))
    assert claim is not None
    assert claim.framing is Framing.LINES
    assert claim.confidence < 0.5


def test_the_parent_is_the_domain_searched_else_the_registered_one() -> None:
    data = b"""{"host":"a.lab.example.co.uk","input":"lab.example.co.uk","source":"crtsh"}
{"host":"b.example.co.uk","input":"other.example","source":"crtsh"}
{"host":"example.co.uk","input":"example.co.uk","source":"crtsh"}
"""
    facts = read_bytes(SOURCE, "hosts.json", data)
    assert links(facts) == {
        ("a.lab.example.co.uk", "SUBDOMAIN_OF", "lab.example.co.uk"),
        ("b.example.co.uk", "SUBDOMAIN_OF", "example.co.uk"),
    }
    plain = read_bytes(SOURCE, "hosts.txt", b"deep.under.example.co.uk\nexample.co.uk\n*.wild.example.co.uk\n")
    assert links(plain) == {
        ("deep.under.example.co.uk", "SUBDOMAIN_OF", "example.co.uk"),
        ("wild.example.co.uk", "SUBDOMAIN_OF", "example.co.uk"),
    }


def test_garbled_lines_are_rejected_with_line_and_bytes() -> None:
    data = (
        b"www.example.com\n\nnot a host\nvpn.example.com,999,crtsh,x y\nb\xff.example.com\n"
        b'{"host": \n{"host": 5}\n{}\nc.example.com,[a\n'
    )
    facts = SOURCE.read(frame(data, Framing.LINES), ReadContext("hosts.txt", "plain"))
    assert list(facts.records["line"]) == [1]
    assert rejects(facts) == [
        (1, 3, "invalid_domain"),
        (2, 4, "invalid_ip_address"),
        (3, 5, "invalid_encoding"),
        (4, 6, "invalid_json"),
        (5, 7, "wrong_type"),
        (6, 8, "missing_field"),
        (7, 9, "truncated"),
    ]
    assert facts.rejects["content"][0] == b"not a host"
    assert_consistent(facts)


def test_records_keep_their_numbers_in_a_later_batch() -> None:
    batch = RecordBatch([b"www.example.com", b"?"], [1001, 1002], 1000)
    facts = SOURCE.read(batch, ReadContext("hosts.txt", "plain"))
    assert facts.records.select("record", "line").rows() == [(1000, 1001)]
    assert rejects(facts) == [(1001, 1002, "invalid_domain")]


def test_report_rows_without_a_host_are_rejected_alone() -> None:
    data = b"""{"host": "example.com", "subdomains": [
{"ip": "192.0.2.1"},
{"subdomain": "a b"},
{"subdomain": "a.example.com", "ip": 7},
{"subdomain": "b.example.com", "ip": null, "source": null}]}"""
    facts = SOURCE.read(RecordBatch([data], [1], 0), ReadContext("a.json", "json"))
    assert rejects(facts) == [(0, 2, "missing_field"), (1, 3, "invalid_domain"), (2, 4, "wrong_type")]
    assert links(facts) == {("b.example.com", "SUBDOMAIN_OF", "example.com")}


def test_a_report_without_its_domain_or_rows() -> None:
    nameless = b'{"subdomains": [{"subdomain": "a.example.com"}]}'
    assert rejects(SOURCE.read(RecordBatch([nameless], [1], 0), ReadContext("a.json", "json"))) == [
        (0, 1, "missing_field")
    ]
    assert rejects(SOURCE.read(RecordBatch([b'{"host": "example.com"}'], [1], 0), ReadContext("a.json", "json"))) == [
        (0, 1, "missing_field")
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"www.example.com\nand some prose\n",
        b"readme.txt\nsetup.cfg\n",
        b"192.0.2.1\n192.0.2.2\n",
        b"someone@example.com\n",
        b"www.example.com,Example Company,2024\n",
        b'{"host": "www.example.com", "input": "www.example.com", "url": "https://www.example.com", "port": 443}\n',
        b'{"host": {"name": "a"}, "input": {"type": "log"}, "source": "/var/log/syslog"}\n',
        b"",
        b"\n\n",
    ],
)
def test_what_others_write_is_not_claimed(data: bytes) -> None:
    assert SOURCE.recognise(sample("hosts.txt", data)) is None


def read_1x(text: str) -> Facts:
    facts = SOURCE.read(RecordBatch([text.encode()], [1], 0), ReadContext("a.json", "json-1.x"))
    assert_consistent(facts)
    return facts


def test_damage_in_what_1x_wrote_costs_what_follows_it() -> None:
    facts = read_1x('[\n"a.example.com",\n7,\n"no host",\n"b.example.com"\n]')
    assert list(facts.records["line"]) == [2, 5]
    assert rejects(facts) == [(1, 3, "wrong_type"), (2, 4, "invalid_domain")]
    cut = read_1x('{\n"a.example.com": "192.0.2.1",\n"b.example.com": "192.0')
    assert list(cut.records["line"]) == [2]
    assert rejects(cut) == [(1, 3, "invalid_json")]


@pytest.mark.parametrize(
    "text", ['["a"]', "[]", "{}", '["1.2.3.4"]', '{"a.example.com": "x"}', '[["a.example.com"]]', "[7]"]
)
def test_lists_of_something_else_are_not_claimed(text: str) -> None:
    assert SOURCE.recognise(sample("a.json", text.encode())) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"host":"mail.bücher.example","input":"bücher.example","source":"crtsh"}\n',
        "mail.bücher.de\nwww.bücher.de\n",
        '["mail.bücher.de", "www.bücher.de"]',
    ],
)
def test_hosts_in_their_own_script_are_recognised(text: str) -> None:
    assert SOURCE.recognise(sample("hosts", text.encode())) is not None


def test_text_that_is_no_host_is_not_claimed() -> None:
    assert SOURCE.recognise(sample("notes", "über.allem steht\nein satz.\n".encode())) is None


@pytest.mark.parametrize(
    "copy",
    [
        json.dumps,
        lambda results: json.dumps(results, indent=2),
        lambda results: "\n".join(json.dumps(result, indent=2) for result in results),
        lambda results: ",\n".join(json.dumps(result) for result in results) + ",\n",
    ],
)
def test_json_lines_written_anew_say_the_same(copy: Callable[[list[object]], str]) -> None:
    lines = [json.dumps({"host": f"{host}.example.com", "input": "example.com", "source": "crtsh"}) for host in "abc"]
    text = copy([json.loads(line) for line in lines]).encode()
    claim = SOURCE.recognise(sample("hosts.json", text))
    assert claim is not None
    (framed,) = frame_stream(io.BytesIO(text), claim.framing, FramingLimits())
    facts = SOURCE.read(framed.batch, ReadContext("hosts.json", claim.variant))
    assert contents(facts) == contents(read_bytes(SOURCE, "hosts.json", "\n".join(lines).encode()))
    assert links(facts) == links(read_bytes(SOURCE, "hosts.json", "\n".join(lines).encode()))
    assert facts.rejects.is_empty()
    assert not framed.faults
