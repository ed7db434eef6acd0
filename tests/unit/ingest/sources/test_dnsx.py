"""dnsx's answers: who resolves to what, and who only stands in the same answer."""

import pytest

from clew.ingest.sources.dnsx import CONFIDENCE, DnsxSource
from clew.ingest.sources.record_facts import mailbox_of_soa
from tests.support.tool_reports import assert_consistent, entities, links, read_bytes, read_fixture, rejects

SOURCE = DnsxSource()


def test_addresses_aliases_and_the_system_of_the_address_in_range() -> None:
    facts = read_fixture(SOURCE, "answers.jsonl")
    assert_consistent(facts)
    of_host = {link for link in links(facts) if link[0] == "www.example.com"}
    assert of_host == {
        ("www.example.com", "RESOLVES_TO", target)
        for target in ("192.0.2.10", "192.0.2.11", "2001:db8::10", "shop.cdn.example.net")
    }
    assert ("192.0.2.10", "MEMBER_OF", "AS64500") in links(facts)


def test_record_text_gives_each_address_to_the_name_that_owns_it() -> None:
    found = links(read_fixture(SOURCE, "answers.jsonl"))
    assert ("example.com", "RESOLVES_TO", "192.0.2.1") in found
    assert ("mail.example.com", "RESOLVES_TO", "192.0.2.25") in found
    assert ("ns1.example.com", "RESOLVES_TO", "192.0.2.53") in found
    assert ("example.com", "RESOLVES_TO", "192.0.2.25") not in found
    assert ("example.com", "USES", "mail.example.com") in found
    assert ("example.com", "USES", "ns2.example.net") in found


def test_without_record_text_an_answer_with_other_hosts_is_believed_less() -> None:
    facts = read_fixture(SOURCE, "answers_1.0.jsonl")
    resolved = facts.links.filter(relationship_type="RESOLVES_TO", source_value="example.com")
    assert [round(value, 2) for value in resolved["confidence"]] == [CONFIDENCE["mixed"]]
    assert facts.records.height == 2
    assert str(facts.mentions["first_seen"][0]) == "2021-09-01 10:00:00+00:00"


@pytest.mark.parametrize("name", ["answers.jsonl", "answers_1.0.jsonl"])
def test_a_reverse_name_resolves_to_the_address_however_it_was_asked(name: str) -> None:
    facts = read_fixture(SOURCE, name)
    assert ("host10.example.net", "RESOLVES_TO", "192.0.2.10") in links(facts)
    assert ("ip_address", "192.0.2.10", None) in entities(facts)


def test_a_reverse_name_of_ipv6_is_its_address() -> None:
    nibbles = ".".join(reversed("20010db8000000000000000000000010"))
    line = b'{"host":"%s.ip6.arpa","resolver":["x"],"ptr":["a.example.com"]}\n' % nibbles.encode()
    assert links(read_bytes(SOURCE, "x", line)) == {("a.example.com", "RESOLVES_TO", "2001:db8::10")}


def test_a_name_that_does_not_exist_is_hardly_believed() -> None:
    facts = read_fixture(SOURCE, "answers.jsonl")
    gone = facts.mentions.filter(value="gone.example.com")
    assert [round(value, 2) for value in gone["confidence"]] == [CONFIDENCE["nonexistent"]]
    assert ("example.com", "ASSOCIATED_WITH", "hostmaster@example.com") in links(facts)


def test_a_zone_transfer_is_read_by_owner() -> None:
    found = links(read_fixture(SOURCE, "array.json"))
    assert ("vpn.example.com", "RESOLVES_TO", "192.0.2.20") in found
    assert ("www.example.com", "RESOLVES_TO", "shop.cdn.example.net") in found


def test_an_empty_mail_server_is_none() -> None:
    line = b'{"host":"example.com","resolver":["x"],"mx":["","."],"a":["192.0.2.1"]}\n'
    assert links(read_bytes(SOURCE, "x", line)) == {("example.com", "RESOLVES_TO", "192.0.2.1")}


def test_what_is_no_answer_is_rejected() -> None:
    good = b'{"host":"example.com","resolver":["x"],"a":["192.0.2.1"]}\n'
    facts = read_bytes(SOURCE, "x", good * 3 + b'{"a":["192.0.2.1"]}\n\xff\n')
    assert rejects(facts) == [(3, 4, "missing_field"), (4, 5, "invalid_encoding")]


@pytest.mark.parametrize(
    ("written", "mailbox"),
    [
        ("hostmaster.example.com", "hostmaster@example.com"),
        (r"john\.doe.example.com", "john.doe@example.com"),
        ("a@example.com", "a@example.com"),
        ("example", None),
        ("", None),
    ],
)
def test_the_mailbox_of_an_soa(written: str, mailbox: str | None) -> None:
    assert mailbox_of_soa(written) == mailbox
