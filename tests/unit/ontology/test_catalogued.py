import pytest

from clew.ontology import EntityType, normalize


@pytest.mark.parametrize(
    ("spelling", "identity"),
    [
        ("CVE-2021-44228", "CVE-2021-44228"),
        ("cve 2021 44228", "CVE-2021-44228"),
        ("CVE_2021_44228", "CVE-2021-44228"),
        ("ghsa-JFH8-c2jp-5V3Q", "GHSA-jfh8-c2jp-5v3q"),
        ("Heartbleed", "heartbleed"),
        ("CVE-21-1", "cve-21-1"),
    ],
)
def test_a_vulnerability_is_its_catalogue_number(spelling: str, identity: str) -> None:
    assert normalize(EntityType.VULNERABILITY, spelling).identity == identity


def test_a_cve_tells_its_year() -> None:
    assert normalize("vulnerability", "CVE-2021-44228").properties == {"catalogue": "cve", "year": 2021}


@pytest.mark.parametrize(
    ("spelling", "identity"),
    [
        ("T1059", "T1059"),
        ("t1059.001", "T1059.001"),
        ("T1059/001", "T1059.001"),
        ("https://attack.mitre.org/techniques/T1059/001/", "T1059.001"),
        ("CAPEC-066", "CAPEC-66"),
        ("Spear Phishing", "spear phishing"),
        ("T1059.1", "t1059.1"),
    ],
)
def test_an_attack_pattern_is_its_catalogue_number(spelling: str, identity: str) -> None:
    assert normalize(EntityType.ATTACK_PATTERN, spelling).identity == identity


def test_a_sub_technique_tells_its_technique() -> None:
    assert normalize("attack_pattern", "T1059.001").properties == {"catalogue": "att&ck", "technique": "T1059"}
