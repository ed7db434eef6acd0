"""RDAP: domains, networks, systems and the people behind them, by handle."""

import json

import pytest

from clew.ingest.sources.jcard import card_of
from clew.ingest.sources.rdap import RdapSource
from clew.ingest.sources.registrations import handle_identity
from tests.support.tool_reports import assert_consistent, entities, links, read_bytes, read_fixture, rejects

SOURCE = RdapSource()


def test_a_domain_its_registrar_its_owner_and_its_servers() -> None:
    facts = read_fixture(SOURCE, "domain.json")
    assert_consistent(facts)
    assert links(facts) == {
        ("EXAMPLE.COM", "REGISTERED_WITH", "Example Registrar, Inc."),
        ("Example Registrar, Inc.", "ASSOCIATED_WITH", "abuse@registrar.example"),
        ("Example Registrar, Inc.", "ASSOCIATED_WITH", "+49.30123456"),
        ("EXAMPLE.COM", "USES", "A.NS.EXAMPLE.COM"),
        ("EXAMPLE.COM", "USES", "B.NS.EXAMPLE.NET"),
        ("A.NS.EXAMPLE.COM", "RESOLVES_TO", "192.0.2.53"),
        ("A.NS.EXAMPLE.COM", "RESOLVES_TO", "2001:db8::53"),
        ("Heron Works Ltd", "OWNS", "EXAMPLE.COM"),
        ("Heron Works Ltd", "REGISTERED_WITH", "Example Registrar, Inc."),
        ("Heron Works Ltd", "ASSOCIATED_WITH", "heron@example.org"),
        ("Quiet Heron", "WORKS_FOR", "Heron Works Ltd"),
    }
    assert ("organization", "Heron Works Ltd", "handle:C0001-EXR") in entities(facts)
    assert ("organization", "Example Registrar, Inc.", "iana-registrar:9999") in entities(facts)


def test_dates_are_properties_and_the_registry_says_when_it_was_asked() -> None:
    facts = read_fixture(SOURCE, "domain.json")
    known = json.loads(facts.mentions["properties"][0])
    assert (known["created"], known["expires"]) == ("1995-08-14T04:00:00+00:00", "2027-08-13T04:00:00+00:00")
    assert known["redacted_fields"] == ["Registrant Phone"]
    assert str(facts.mentions["first_seen"][0]) == "2026-03-01 00:00:00+00:00"
    assert facts.warnings == ("withheld or privacy-service values left out: 3",)
    assert not any("REDACTED" in value for _, value, _ in entities(facts))


def test_numbers_their_holders_and_an_error_answer() -> None:
    facts = read_fixture(SOURCE, "numbers.jsonl")
    assert_consistent(facts)
    assert rejects(facts) == [(4, 5, "error_answer")]
    assert links(facts) >= {
        ("192.0.2.77", "MEMBER_OF", "64500"),
        ("Example Hosting GmbH", "OWNS", "192.0.2.77"),
        ("Example Hosting GmbH", "OWNS", "64500"),
        ("Example Hosting GmbH", "OWNS", "198.51.100.0"),
        ("Quiet Heron", "ASSOCIATED_WITH", "192.0.2.77"),
        ("ns1.example.net", "RESOLVES_TO", "192.0.2.53"),
    }
    network = json.loads(facts.mentions["properties"][0])
    assert (network["network"], network["network_name"]) == (["192.0.2.0/24"], "EXAMPLE-NET")
    identities = {identity for kind, _, identity in entities(facts) if kind == "organization"}
    assert identities == {"handle:ORG-EX1-RIPE"}, "one holder, however often it is named"
    assert ("person", "Quiet Heron", "whois.registry.example:QH1") in entities(facts)


def test_search_results_are_records_of_their_own() -> None:
    facts = read_fixture(SOURCE, "search.json")
    assert entities(facts) == {("domain", "one.example", None), ("domain", "zwei.example", None)}
    assert facts.records["line"].to_list() == [4, 5]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"objectClassName":"domain","rdapConformance":[]}', "missing_field"),
        (b'{"objectClassName":"entity","handle":"WORD"}', "missing_field"),
        (b'{"rdapConformance":[],"handle":"x"}', "unsupported_object"),
    ],
)
def test_what_names_nothing_is_rejected(data: bytes, reason: str) -> None:
    assert rejects(read_bytes(SOURCE, "x", data)) == [(0, 1, reason)]


@pytest.mark.parametrize(
    ("handle", "identity"),
    [
        ("C123-LROR", "handle:C123-LROR"),
        ("ab1-ripe", "handle:AB1-RIPE"),
        ("DOMAIN-ADMIN", "registry.example:DOMAIN-ADMIN"),
        ("12345", "registry.example:12345"),
        ("REDACTED FOR PRIVACY", None),
        (None, None),
    ],
)
def test_handles_are_scoped_unless_marked(handle: str | None, identity: str | None) -> None:
    assert handle_identity(handle, "registry.example") == identity


@pytest.mark.parametrize(
    "value", [None, 1, [], ["vcard"], ["vcard", 5], ["vcard", [1, ["fn"], ["fn", 1, 2, {"a": 1}]]]]
)
def test_a_card_that_is_none_is_empty(value: object) -> None:
    assert card_of(value) == card_of(None)
