"""Have I Been Pwned: whose breaches, from the file's name or what stands around them."""

import pytest

from clew.ingest.sources.base import ReadContext, RecordBatch
from clew.ingest.sources.hibp import CONFIDENCE, HibpSource, email_of_file
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

SOURCE = HibpSource()
EMAIL = "quiet.heron@example.org"
FULL = "hibp_quiet.heron@example.org_breaches.json"


@pytest.mark.parametrize("name", [f"{EMAIL}.json", FULL, "wrapped.json", "by_address.json"])
def test_the_address_is_found_wherever_it_stands(name: str) -> None:
    facts = read_fixture(SOURCE, name)
    assert_consistent(facts)
    assert facts.rejects.is_empty()
    assert ("email", EMAIL, None) in entities(facts)
    assert ("document", "hibp:ExampleShop") in {(kind, identity) for kind, _, identity in entities(facts)}
    assert any(link[1:] == ("MENTIONS", EMAIL) for link in links(facts))


def test_a_verified_breach_makes_an_account_and_a_stealer_log_does_not() -> None:
    facts = read_fixture(SOURCE, FULL)
    assert {link for link in links(facts) if link[1] == "REGISTERED_WITH"} == {
        (EMAIL, "REGISTERED_WITH", "shop.example.com")
    }
    assert ("Example Shop", "ASSOCIATED_WITH", "shop.example.com") in links(facts)
    mentioned = facts.links.filter(relationship_type="MENTIONS", source_value="Example Shop")
    assert round(mentioned["confidence"][0], 2) == CONFIDENCE["verified"]
    assert str(mentioned["first_seen"][0]) == "2019-05-04 00:00:00+00:00"


def test_pastes_are_documents_of_their_source() -> None:
    facts = read_fixture(SOURCE, "wrapped.json")
    assert ("document", "dump", "pastebin:8Q0BvKD8") in entities(facts)
    assert facts.records["line"].to_list() == [4, 7, 8]
    assert contents(facts)[1]["email"] == EMAIL


def test_each_member_is_its_own_address() -> None:
    facts = read_fixture(SOURCE, "by_address.json")
    assert {(source, target) for source, _, target in links(facts)} == {
        ("ExampleShop", EMAIL),
        ("ExampleForum", "loud.crane@example.org"),
        ("ExampleShop", "loud.crane@example.org"),
    }


def test_the_search_of_a_domain_makes_addresses_of_its_aliases() -> None:
    facts = read_fixture(SOURCE, "breacheddomain_example.org.json")
    assert_consistent(facts)
    assert facts.rejects.is_empty()
    assert links(facts) == {
        ("ExampleShop", "MENTIONS", EMAIL),
        ("ExampleForum", "MENTIONS", EMAIL),
        ("ExampleShop", "MENTIONS", "loud.crane@example.org"),
    }
    assert facts.records.height == 3
    content = b'{"quiet.heron": ["ExampleShop"]}'
    assert SOURCE.recognise(sample("download.json", content)) is None, "it could be anything's"
    unnamed = SOURCE.read(RecordBatch([content], [1], 0), ReadContext("download.json", "json"))
    assert (unnamed.records.height, unnamed.rejects.height) == (0, 1)
    told = SOURCE.read(RecordBatch([content], [1], 0), ReadContext("x.json", "json", options={"domain": "example.org"}))
    assert links(told) == {("ExampleShop", "MENTIONS", EMAIL)}


def test_the_report_of_a_domain_tells_of_breaches_and_pastes() -> None:
    facts = read_fixture(SOURCE, "domain_report.json")
    assert_consistent(facts)
    assert {("Example Shop", "MENTIONS", EMAIL), ("dump", "MENTIONS", EMAIL)} <= links(facts)
    assert (EMAIL, "REGISTERED_WITH", "shop.example.com") in links(facts)
    damaged = read_bytes(
        SOURCE, "x.json", b'{"BreachSearchResults": [{"Alias": "a"}, 7, {"Alias": "a", "Breaches": [{"Name": "B"}]}]}'
    )
    assert (damaged.records.height, damaged.rejects.height) == (0, 3)


def test_without_an_address_truncated_breaches_are_rejected_and_full_ones_a_catalogue() -> None:
    truncated = read_bytes(SOURCE, "download.json", b'[{"Name": "ExampleShop"}]')
    assert rejects(truncated) == [(0, 1, "missing_subject")]
    assert "name the file" in truncated.rejects["detail"][0]
    full = read_bytes(SOURCE, "breaches.json", (FIXTURES / "hibp" / FULL).read_bytes())
    assert full.records.height == 2
    assert not any(kind == "email" for kind, _, _ in entities(full))
    assert any("catalogue" in warning for warning in full.warnings)


def test_the_setting_wins_over_the_name() -> None:
    batch = RecordBatch([b'[{"Name": "ExampleShop"}]'], [1], 0)
    context = ReadContext(f"{EMAIL}.json", "json", options={"email": "loud.crane@example.org"})
    assert ("email", "loud.crane@example.org", None) in entities(SOURCE.read(batch, context))


@pytest.mark.parametrize(
    ("name", "email"),
    [
        (f"{EMAIL}.json", EMAIL),
        (f"hibp_{EMAIL}.json", EMAIL),
        (f"breachedaccount_{EMAIL}_breaches.json", EMAIL),
        (f"{EMAIL} (2).json", EMAIL),
        ("quiet.heron%40example.org?truncateResponse=false", EMAIL),
        ("breach-me@example.org.json", "breach-me@example.org"),
        ("hibp.json", None),
        ("a%ff@example.org.json", "a%ff@example.org"),
        ("", None),
    ],
)
def test_how_a_file_is_named_by_an_address(name: str, email: str | None) -> None:
    assert email_of_file(name) == email
