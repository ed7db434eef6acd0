"""Holehe's reports: where an address is registered, and silence where that could not be told."""

from datetime import UTC, datetime

import pytest

from clew.ingest.facts import Facts
from clew.ingest.sources.base import ReadContext, RecordBatch
from clew.ingest.sources.holehe import CONFIDENCE, HoleheSource
from clew.ontology.normalize import normalize
from tests.support.tool_reports import assert_consistent, contents, links, read_bytes, read_fixture, rejects

SOURCE = HoleheSource()
EMAIL = "quiet.heron@example.org"
CSV = f"holehe_1717243200_{EMAIL}_results.csv"
BOX = b"*******************\n   a@example.org\n*******************\n"
HEADER = b"name,domain,method,frequent_rate_limit,rateLimit,exists,emailrecovery,phoneNumber,others\n"


def registrations(facts: Facts, entity_type: str) -> set[str]:
    rows = facts.links.filter(relationship_type="REGISTERED_WITH", target_type=entity_type)
    values = rows.select("target_value", "target_qualifier").rows()
    return {normalize(entity_type, value, qualifier).identity for value, qualifier in values}


def test_csv_names_service_and_domain_and_ties_them() -> None:
    facts = read_fixture(SOURCE, CSV)
    assert registrations(facts, "domain") == {"adobe.com", "gravatar.com", "spotify.com", "twitter.com"}
    assert len(registrations(facts, "organization")) == 4
    assert ("twitter", "OWNS", "twitter.com") in links(facts)
    assert_consistent(facts)


def test_a_files_name_may_lack_the_time() -> None:
    data = HEADER + b"twitter,twitter.com,register,False,False,True,,,\n"
    facts = read_bytes(SOURCE, f"holehe_{EMAIL}_results.csv", data)
    assert set(facts.mentions.filter(entity_type="email")["value"]) == {EMAIL}


def test_console_output_meets_the_csv_in_the_domains_and_json_in_the_services() -> None:
    csv, console, report = (read_fixture(SOURCE, name) for name in (CSV, "console.txt", "report.json"))
    assert registrations(console, "domain") == registrations(csv, "domain")
    assert registrations(console, "organization") == set()
    assert registrations(report, "organization") < registrations(csv, "organization")
    assert len(registrations(report, "organization")) == 3
    assert registrations(report, "domain") == {"spotify.com"}
    for facts in (csv, console, report):
        assert set(facts.mentions.filter(entity_type="email")["value"]) == {EMAIL}
        assert facts.warnings == ()
        assert facts.rejects.is_empty()


def test_rows_that_are_negative_or_undetermined_are_kept_without_a_registration() -> None:
    facts = read_fixture(SOURCE, CSV)
    assert facts.records.height == 6
    assert [row["name"] for row in contents(facts)][1::2] == ["amazon", "instagram", "twitter"]
    assert set(facts.links["record"]) == {0, 2, 4, 5}
    console = read_fixture(SOURCE, "console.txt")
    assert console.records.height == 7
    assert set(console.links["record"]) == {0, 3, 5, 6}


def test_a_rate_limit_or_an_error_overrides_exists() -> None:
    rows = b"a,a.com,register,False,True,True,,,\nb,b.com,register,False,False,True,,,\n"
    assert registrations(read_bytes(SOURCE, CSV, HEADER + rows), "domain") == {"b.com"}
    failed = b"name,domain,rateLimit,error,exists,emailrecovery,phoneNumber,others\na,a.com,False,True,True,,,\n"
    facts = read_bytes(SOURCE, CSV, failed)
    assert facts.records.height == 1
    assert facts.links.is_empty()


def test_recovery_fragments_are_properties_and_never_entities() -> None:
    for name in (CSV, "console.txt"):
        facts = read_fixture(SOURCE, name)
        properties = facts.links.filter(target_value="adobe.com", relationship_type="REGISTERED_WITH")["properties"][0]
        assert '"email_recovery":"qu****@ex****.org"' in properties
        assert '"phone_number":"0*******78"' in properties
        assert not any("*" in value for value in facts.mentions["value"])
        assert "Quiet Heron" in facts.links.filter(target_value="gravatar.com")["properties"].drop_nulls()[0]


def test_the_unix_time_in_the_file_name_is_when_it_was_seen() -> None:
    assert set(read_fixture(SOURCE, CSV).links["first_seen"]) == {datetime(2024, 6, 1, 12, tzinfo=UTC)}
    assert set(read_fixture(SOURCE, "console.txt").links["first_seen"]) == {None}


def test_confidence_says_how_the_answer_came_about() -> None:
    facts = read_fixture(SOURCE, CSV)
    found = dict(facts.links.filter(target_type="domain", relationship_type="REGISTERED_WITH")
                 .select("target_value", "confidence").rows())  # fmt: skip
    assert {domain: round(value, 2) for domain, value in found.items()} == {
        "adobe.com": CONFIDENCE["recovered"],
        "gravatar.com": CONFIDENCE["other"],
        "spotify.com": CONFIDENCE["often_limited"],
        "twitter.com": CONFIDENCE["register"],
    }


def test_the_old_columns_in_a_file_named_by_the_address() -> None:
    facts = read_fixture(SOURCE, f"{EMAIL}.csv")
    assert set(facts.mentions.filter(entity_type="email")["value"]) == {EMAIL}
    assert registrations(facts, "organization") == {"service:adobe"}
    assert facts.records.height == 3


def test_a_csv_that_does_not_say_whose_address_is_rejected_row_by_row() -> None:
    facts = read_bytes(SOURCE, "results.csv", HEADER + b"a,a.com,register,False,False,True,,,\n")
    assert rejects(facts) == [(0, 2, "missing_subject")]
    assert "holehe_<unix seconds>" in facts.rejects["detail"][0]
    told = read_bytes(
        SOURCE, "results.csv", HEADER + b"a,a.com,register,False,False,True,,,\n", options={"email": EMAIL}
    )
    assert registrations(told, "domain") == {"a.com"}


def test_counts_that_disagree_are_reported_with_both_numbers() -> None:
    report = b'{"email": "a@example.org", "services": [{"name": "x", "exists": true, "method": "login"}], "found": 9}'
    (warning,) = read_bytes(SOURCE, "report.json", report).warnings
    assert "9" in warning
    assert "1" in warning
    printed = BOX + b"[-] a.com\n[+] b.com\n\n30 websites checked in 2 seconds\n"
    (warning,) = read_bytes(SOURCE, "log.txt", printed).warnings
    assert "30" in warning
    assert "2" in warning


def test_only_used_output_is_no_disagreement() -> None:
    printed = BOX + b"[+] b.com\n\n30 websites checked in 2 seconds\n"
    assert read_bytes(SOURCE, "log.txt", printed).warnings == ()


def test_garbled_rows_are_rejected_with_their_line() -> None:
    rows = b"a,a.com,login,False,False,maybe,,,\nb,b.com\n,c.com,login,False,False,True,,,\nd,d.com,login,,,True,,,\n"
    facts = read_bytes(SOURCE, CSV, HEADER + rows)
    assert rejects(facts) == [(0, 2, "wrong_type"), (1, 3, "invalid_csv"), (2, 4, "missing_field")]
    report = (
        b'{"email": "a@example.org", "services": [\n{"name": "x"},\n{"name": "y", "exists": 1},\n{"exists": true},\n3]}'
    )
    facts = SOURCE.read(RecordBatch([report], [1], 0), ReadContext("a.json", "json"))
    assert rejects(facts) == [
        (0, 2, "missing_field"),
        (1, 3, "wrong_type"),
        (2, 4, "missing_field"),
        (3, 5, "wrong_type"),
    ]
    printed = BOX + b"[+] b.com\n[+] ###\n"
    assert rejects(read_bytes(SOURCE, "log.txt", printed)) == [(1, 5, "invalid_domain")]
    assert_consistent(facts)


def test_two_searches_in_one_console_log_keep_their_addresses() -> None:
    box = "*******************\n   {0}@example.org\n*******************\n[+] {0}.com\n"
    facts = read_bytes(SOURCE, "log.txt", (box.format("a") + box.format("b")).encode())
    assert links(facts) == {
        ("a@example.org", "REGISTERED_WITH", "a.com"),
        ("b@example.org", "REGISTERED_WITH", "b.com"),
    }


@pytest.mark.parametrize("name", [CSV, "console.txt", "report.json"])
def test_lines_are_those_of_the_rows(name: str) -> None:
    lines = list(read_fixture(SOURCE, name).records["line"])
    assert (
        lines == {CSV: [2, 3, 4, 5, 6, 7], "console.txt": [5, 6, 7, 8, 9, 10, 11], "report.json": [4, 5, 6, 7, 8]}[name]
    )
