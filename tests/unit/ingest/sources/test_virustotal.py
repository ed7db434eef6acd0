"""VirusTotal's reports: subjects, verdicts, families, in both versions."""

import json
from typing import Any

import pytest

from clew.ingest.facts import Facts
from clew.ingest.sources.virustotal import VirusTotalSource, subject_of_file
from tests.support.tool_reports import FIXTURES, assert_consistent, entities, links, read_bytes, read_fixture, rejects

SOURCE = VirusTotalSource()
SHA256 = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
MD5 = "acbd18db4cc2f85cedef654fccc4a4d8"


def first_properties(facts: Facts) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(facts.mentions["properties"][0])
    return found


def test_a_file_with_its_digests_names_and_counts() -> None:
    facts = read_fixture(SOURCE, "file_v3.json")
    assert_consistent(facts)
    known = first_properties(facts)
    assert (known["malicious"], known["engines"], known["detection_ratio"]) == (45, 60, 0.75)
    assert (known["names"], known["detections"]) == (["invoice.exe", "a.bin"], ["Trojan.Generic.1"])
    assert (MD5, "SAME_AS", SHA256) in links(facts)
    assert (SHA256, "COMMUNICATES_WITH", "203.0.113.66") in links(facts)
    assert (SHA256, "COMMUNICATES_WITH", "http://c2.example.net/gate") in links(facts)
    first, last = facts.mentions.select("first_seen", "last_seen").row(0)
    assert (str(first), str(last)) == ("2025-01-01 00:00:00+00:00", "2025-02-01 00:00:00+00:00")


def test_families_are_believed_as_far_as_engines_agree() -> None:
    facts = read_fixture(SOURCE, "file_v3.json")
    families = facts.links.filter(relationship_type="INDICATES").select("target_value", "confidence").rows()
    assert {name: round(confidence, 3) for name, confidence in families} == {"examplebot": 0.75, "otherbot": 0.188}


def test_no_family_without_a_detection_and_none_that_only_says_generic() -> None:
    report = json.loads((FIXTURES / "virustotal" / "file_v3.json").read_bytes())
    attributes = report["data"]["attributes"]
    attributes["popular_threat_classification"]["popular_threat_name"][0]["value"] = "Generic"
    named = read_bytes(SOURCE, "x", json.dumps(report).encode())
    assert {value for kind, value, _ in entities(named) if kind == "malware"} == {"otherbot"}
    attributes["last_analysis_stats"]["malicious"] = 0
    clean = read_bytes(SOURCE, "x", json.dumps(report).encode())
    assert not any(kind == "malware" for kind, _, _ in entities(clean))


def test_a_collection_is_a_record_each_and_other_objects_are_rejected() -> None:
    facts = read_fixture(SOURCE, "collection_v3.json")
    assert_consistent(facts)
    assert facts.records["line"].to_list() == [3, 4, 5, 6]
    assert rejects(facts) == [(4, 7, "unsupported_object")]
    assert links(facts) >= {
        ("http://c2.example.net/gate", "ASSOCIATED_WITH", "c2.example.net"),
        ("c2.example.net", "RESOLVES_TO", "203.0.113.66"),
        ("c2.example.net", "USES", "ns1.example.net"),
        ("203.0.113.66", "MEMBER_OF", "64500"),
    }


def test_what_the_command_prints_is_the_same_object() -> None:
    facts = read_fixture(SOURCE, "vt_command.json")
    assert links(facts) == {("203.0.113.66", "MEMBER_OF", "64500")}
    assert first_properties(facts)["malicious"] == 3


def test_v2_files_and_urls_say_whose_they_are() -> None:
    facts = read_fixture(SOURCE, "file_v2.json")
    assert_consistent(facts)
    assert facts.records.height == 3
    assert first_properties(facts)["detection_ratio"] == 0.6667
    unknown = facts.mentions.filter(value="900150983cd24fb0d6963f7d28e17f72")
    assert round(unknown["confidence"][0], 2) == 0.3
    assert ("http://c2.example.net/gate", "ASSOCIATED_WITH", "c2.example.net") in links(facts)


def test_v2_addresses_and_domains_are_named_by_the_file() -> None:
    address = read_fixture(SOURCE, "vt_203.0.113.66.json")
    assert ("c2.example.net", "RESOLVES_TO", "203.0.113.66") in links(address)
    assert (SHA256, "COMMUNICATES_WITH", "203.0.113.66") in links(address)
    domain = read_fixture(SOURCE, "c2.example.net_report.json")
    assert ("c2.example.net", "RESOLVES_TO", "203.0.113.66") in links(domain)
    assert ("a.c2.example.net", "SUBDOMAIN_OF", "c2.example.net") in links(domain)
    data = (FIXTURES / "virustotal" / "vt_203.0.113.66.json").read_bytes()
    assert rejects(read_bytes(SOURCE, "download.json", data)) == [(0, 1, "missing_subject")]
    wrapped = b'{"results": ' + data + b', "response_code": 200}'
    assert ("203.0.113.66", "MEMBER_OF", "64500") in links(read_bytes(SOURCE, "203.0.113.66.json", wrapped))


def test_an_error_is_no_report() -> None:
    good = (FIXTURES / "virustotal" / "file_v3.json").read_bytes()
    facts = read_bytes(SOURCE, "x", good + b'{"error": {"code": "NotFoundError", "message": "no"}}')
    assert [reason for _, _, reason in rejects(facts)] == ["error_answer"]


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("203.0.113.7.json", "203.0.113.7"),
        ("vt_203.0.113.7.json", "203.0.113.7"),
        ("2001_db8__1.json", "2001:db8::1"),
        ("virustotal-domain-a.example.com-report.json", "a.example.com"),
        ("a.example.com (1).json", "a.example.com"),
        ("report.json", None),
        ("notes", None),
        ("", None),
    ],
)
def test_how_a_file_is_named_by_its_subject(name: str, subject: str | None) -> None:
    assert subject_of_file(name) == subject
