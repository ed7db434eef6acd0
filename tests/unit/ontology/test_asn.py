import pytest

from clew.ontology import EntityType, InvalidValueError, normalize


@pytest.mark.parametrize("spelling", ["AS13335", "as13335", "13335", "ASN 13335", "asn:13335", "AS0013335", "0.13335"])
def test_every_spelling_of_a_number_is_one_entity(spelling: str) -> None:
    found = normalize(EntityType.ASN, spelling)
    assert (found.identity, found.properties["number"], found.flags) == ("AS13335", 13335, ())


@pytest.mark.parametrize(
    ("number", "flag"),
    [
        ("0", "reserved"),
        ("23456", "reserved"),
        ("64496", "documentation"),
        ("64512", "private"),
        ("65534", "private"),
        ("65535", "reserved"),
        ("1.0", "documentation"),
        ("4200000000", "private"),
        ("4294967295", "reserved"),
    ],
)
def test_numbers_that_are_nobodys_are_flagged(number: str, flag: str) -> None:
    assert normalize("asn", number).flags == (flag,)


@pytest.mark.parametrize("text", ["4294967296", "65536.1", "1.65536", "AS", "AS-1x", "-1", "1.2.3"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.ASN, text)
    assert raised.value.reason == "invalid_asn"
