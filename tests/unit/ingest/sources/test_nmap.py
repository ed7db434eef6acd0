"""nmap's XML: hosts, names, ports, software, keys, vulnerabilities, and scans that did not end."""

import json
from datetime import UTC, datetime

import pytest

from clew.ingest.sources.nmap import CONFIDENCE, NmapSource
from clew.ingest.sources.nmap_scripts import CONFIDENCE as FINDING
from clew.ingest.sources.nmap_scripts import certificate_names, findings, host_keys
from clew.ingest.sources.xml_records import Element
from tests.support.tool_reports import assert_consistent, contents, entities, links, read_bytes, read_fixture, rejects

SOURCE = NmapSource()
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
MD5 = "MD5:00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f"


def script(output: str = "", *children: Element, name: str = "http-vuln-example") -> Element:
    return Element("script", {"id": name, "output": output}, list(children))


def elem(key: str, text: str) -> Element:
    return Element("elem", {"key": key} if key else {}, [], text)


def table(*told: str) -> Element:
    return Element("table", {}, [elem(*text.split(" ", 1)) for text in told])


def test_a_scan_gives_hosts_names_software_keys_and_vulnerabilities() -> None:
    facts = read_fixture(SOURCE, "scan.xml")
    assert links(facts) == {
        ("www.example.com", "RESOLVES_TO", "192.0.2.10"),
        ("host10.example.net", "RESOLVES_TO", "192.0.2.10"),
        ("192.0.2.10", "USES", "OpenSSH 9.6p1 Ubuntu 3ubuntu13"),
        ("192.0.2.10", "USES", "nginx 1.24.0"),
        ("192.0.2.10", "USES", "Linux 5.0 - 5.14"),
        ("192.0.2.10", "USES", KEY),
        ("192.0.2.10", "INDICATES", "CVE-2024-6387"),
        ("192.0.2.10", "INDICATES", "CVE-2014-3566"),
        ("192.0.2.10", "INDICATES", "CVE-2017-0143"),
    }
    assert facts.records.height == 3
    assert facts.rejects.is_empty()
    assert facts.warnings == ()
    assert_consistent(facts)


def test_the_way_to_a_host_and_the_names_in_its_certificate_are_read() -> None:
    facts = read_fixture(SOURCE, "traceroute.xml")
    assert links(facts) == {
        ("www.example.com", "RESOLVES_TO", "192.0.2.10"),
        ("shop.example.com", "RESOLVES_TO", "192.0.2.10"),
        ("edge1.example.net", "RESOLVES_TO", "9.9.9.9"),
        ("9.9.9.9", "COMMUNICATES_WITH", "1.0.0.1"),
        ("1.0.0.1", "COMMUNICATES_WITH", "2620:fe::fe"),
    }
    assert "192.168.1.1" not in set(facts.mentions["value"]), "every home has one"
    assert "ca.example.org" not in set(facts.mentions["value"]), "the issuer's name is not the server's"
    assert contents(facts)[0]["traceroute"][:2] == [
        {"ttl": 1, "address": "192.168.1.1", "name": "router.lan", "rtt_ms": 0.52},
        {"ttl": 2, "address": "9.9.9.9", "name": "edge1.example.net", "rtt_ms": 7.1},
    ]
    assert [hop["ttl"] for hop in contents(facts)[0]["traceroute"]] == [1, 2, 5, 6, 7]
    assert (facts.records.height, facts.rejects.height) == (1, 0)
    assert_consistent(facts)


def test_a_certificate_of_older_releases_is_read_from_its_text() -> None:
    text = "Subject: commonName=old.example.com/c=X\nSubject Alternative Name: DNS:a.example.com, DNS:no name"
    assert certificate_names(script(text, name="ssl-cert")) == ["old.example.com", "a.example.com"]
    assert certificate_names(script("Subject: organizationName=Example", name="ssl-cert")) == []


def test_what_was_not_there_and_what_was_not_probed_is_left_out() -> None:
    facts = read_fixture(SOURCE, "scan.xml")
    values = set(facts.mentions["value"])
    assert "CVE-2014-0160" not in values, "NOT VULNERABLE"
    assert "CVE-2017-9999" not in values, "a reference is no finding"
    assert "192.0.2.20" not in values, "down"
    assert not {value for _, value, _ in entities(facts) if "https-alt" in value}, "guessed by the port's number"
    assert contents(facts)[1] == {
        "address": "192.0.2.20",
        "status": "down",
        "started_at": "2024-06-01T12:00:00+00:00",
        "ended_at": "2024-06-01T12:01:40+00:00",
    }


def test_open_ports_are_a_property_and_one_product_is_one_link() -> None:
    facts = read_fixture(SOURCE, "scan.xml")
    host = facts.mentions.filter(value="192.0.2.10")["properties"][0]
    assert json.loads(host)["open_ports"] == ["22/tcp", "80/tcp", "443/tcp"]
    nginx = facts.links.filter(target_value="nginx 1.24.0")["properties"]
    assert [json.loads(text)["ports"] for text in nginx] == [["80/tcp", "443/tcp"]]


@pytest.mark.parametrize(
    ("value", "confidence"),
    [
        ("www.example.com", CONFIDENCE["forward"]),
        ("host10.example.net", CONFIDENCE["reverse"]),
        ("CVE-2014-3566", FINDING["vulnerable"]),
        ("CVE-2017-0143", FINDING["likely"]),
        ("CVE-2024-6387", FINDING["by_version"]),
        (KEY, CONFIDENCE["key"]),
    ],
)
def test_confidence_says_how_nmap_knows(value: str, confidence: float) -> None:
    found = read_fixture(SOURCE, "scan.xml").mentions.filter(value=value)["confidence"]
    assert found.to_list() == [pytest.approx(confidence)]


def test_times_are_the_hosts_own_else_the_scans() -> None:
    scan = read_fixture(SOURCE, "scan.xml").mentions.filter(value="2001:db8::20")
    assert scan["first_seen"][0] == datetime(2024, 6, 1, 12, 1, 31, tzinfo=UTC)
    assert scan["last_seen"][0] == datetime(2024, 6, 1, 12, 1, 39, tzinfo=UTC)
    old = read_fixture(SOURCE, "old.xml").mentions.filter(value="203.0.113.7")
    assert old["first_seen"][0] == datetime(2009, 1, 5, 8, 0, tzinfo=UTC)
    assert old["last_seen"][0] == datetime(2009, 1, 5, 8, 1, tzinfo=UTC)


def test_an_interrupted_scan_keeps_whole_hosts_and_says_so() -> None:
    facts = read_fixture(SOURCE, "interrupted.xml")
    assert set(facts.mentions["value"]) == {"198.51.100.1"}
    assert rejects(facts) == [(1, 9, "truncated_xml")]
    assert "cut short or the tool interrupted" in facts.warnings[0]
    assert_consistent(facts)


def test_appended_scans_are_read_with_their_own_times() -> None:
    facts = read_fixture(SOURCE, "appended.xml")
    seen = dict(facts.mentions.select("value", "last_seen").rows())
    assert seen["192.0.2.30"] == datetime(2024, 6, 1, 12, 0, 1, tzinfo=UTC)
    assert seen["192.0.2.31"] == datetime(2024, 6, 2, 12, 0, 10, tzinfo=UTC)
    assert "target list could not be read" in facts.warnings[0]


def test_old_script_output_without_tables_is_read() -> None:
    assert ("203.0.113.7", "USES", MD5) in links(read_fixture(SOURCE, "old.xml"))


def test_hosts_without_a_usable_address_are_rejected() -> None:
    data = b'<nmaprun><host/><host><address addr="x"/></host><host><address addr="192.0.2.1"/></host></nmaprun>'
    facts = read_bytes(SOURCE, "scan.xml", data)
    assert [reason for _, _, reason in rejects(facts)] == ["missing_field", "invalid_ip_address"]
    assert set(facts.mentions["value"]) == {"192.0.2.1"}


@pytest.mark.parametrize(
    ("children", "output", "keys"),
    [
        ([table("type ssh-rsa", "key AAAAB3Nza", "bits 2048.0")], "", [("ssh-rsa AAAAB3Nza", 2048)]),
        ([table("key ssh-rsa AAAAB3Nza")], "", [("ssh-rsa AAAAB3Nza", None)]),
        ([table("fingerprint 000102030405060708090a0b0c0d0e0f")], "", [(MD5, None)]),
        ([], f"2048 {MD5[4:]} (RSA)\n{KEY}", [(KEY, None)]),
        ([], "256 SHA256:" + "A" * 43 + " (ED25519)", [("SHA256:" + "A" * 43, None)]),
        ([], "no keys", []),
    ],
)  # fmt: skip
def test_host_keys_in_every_form(children: list[Element], output: str, keys: list[tuple[str, int | None]]) -> None:
    assert [(key.value, key.bits) for key in host_keys(script(output, *children))] == keys


def test_findings_of_the_vulns_library_in_tables_and_text() -> None:
    ids = Element("table", {"key": "ids"}, [elem("", "CVE:2017-0147"), elem("", "ms:ms17-010")])
    told = Element("table", {"key": "2017-0147"}, [elem("state", "VULNERABLE (Exploitable)"), elem("title", "T"), ids])
    (found,) = findings(script("", told))
    assert (found.cve, found.confidence, found.title) == ("CVE-2017-0147", FINDING["vulnerable"], "T")
    text = """
  A:
    State: VULNERABLE
    IDs:  CVE:CVE-2010-0738

  B:
    State: NOT VULNERABLE
    IDs:  CVE:CVE-2010-0739
"""
    assert [finding.cve for finding in findings(script(text))] == ["CVE-2010-0738"]
    assert findings(script("see CVE-2010-0738 for more", name="http-title")) == []
