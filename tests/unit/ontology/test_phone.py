import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.ontology import EntityType, InvalidValueError, normalize


@pytest.mark.parametrize(
    ("spelling", "region", "e164"),
    [
        ("+44 20 7946 0123", None, "+442079460123"),
        ("0044 (0)20 7946 0123", None, "+442079460123"),
        ("020 7946 0123", "GB", "+442079460123"),
        ("020 7946 0123", "gb", "+442079460123"),
        ("tel:+1-202-555-0143", None, "+12025550143"),
        ("(202) 555-0143 ext. 7", "US", "+12025550143"),
        ("+39 06 6982", None, "+39066982"),
        ("＋４９ ３０ １２３４５６", None, "+4930123456"),
        ("\u202a+49 30 123456\u202c", None, "+4930123456"),
    ],
)
def test_every_spelling_of_a_number_is_one_entity(spelling: str, region: str | None, e164: str) -> None:
    found = normalize(EntityType.PHONE, spelling, region)
    assert (found.identity, found.normalized_name, found.properties["e164"]) == (e164, e164, e164)


@pytest.mark.parametrize(
    ("text", "region", "reason"),
    [
        ("020 7946 0123", None, "incomplete_phone_number"),
        ("555-0143", "US", "incomplete_phone_number"),
        ("+44 20", None, "impossible_phone_number"),
        ("+999 123456789", None, "invalid_phone_number"),
        ("hello", None, "invalid_phone_number"),
        ("+44 20 7946 0123", "ZZ", "unknown_region"),
        ("", "GB", "empty"),
    ],
)
def test_what_is_no_number_says_why(text: str, region: str | None, reason: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.PHONE, text, region)
    assert raised.value.reason == reason


def test_a_number_tells_its_region_and_kind() -> None:
    found = normalize("phone", "+49 1512 3456789")
    assert found.name == "+49 1512 3456789"
    assert found.flags == ()
    assert found.properties == {
        "e164": "+4915123456789",
        "country_code": 49,
        "region": "DE",
        "national": "01512 3456789",
        "number_type": "mobile",
    }


@pytest.mark.parametrize(
    ("number", "flags"),
    [
        ("+12025550143", ("placeholder",)),
        ("+442079460999", ("placeholder",)),
        ("+447700900123", ("placeholder", "unassigned")),
        ("+61491570156", ("placeholder",)),
        ("+12125551234", ()),
        ("+13000000000", ("placeholder", "unassigned")),
    ],
)
def test_numbers_that_are_nobodys_are_flagged(number: str, flags: tuple[str, ...]) -> None:
    assert normalize("phone", number).flags == flags


@given(st.from_regex(r"\+[1-9][0-9]{5,14}", fullmatch=True), st.sampled_from([None, "US", "AR", "MX", "IT", "BR"]))
def test_the_canonical_number_is_stable_in_every_region(text: str, region: str | None) -> None:
    try:
        found = normalize("phone", text)
    except InvalidValueError:
        return
    assert normalize("phone", found.normalized_name, region).identity == found.identity
    assert normalize("phone", found.name, region).identity == found.identity
