import unicodedata

import pytest

from clew.ontology import EntityType, InvalidValueError, normalize

DISCRIMINATED = [EntityType.PERSON, EntityType.ORGANIZATION, EntityType.LOCATION, EntityType.DOCUMENT]
NAMED = [EntityType.MALWARE, EntityType.THREAT_ACTOR, EntityType.CAMPAIGN]


@pytest.mark.parametrize("entity_type", DISCRIMINATED)
def test_a_name_alone_identifies_nobody(entity_type: EntityType) -> None:
    for qualifier in (None, "", "  "):
        with pytest.raises(InvalidValueError) as raised:
            normalize(entity_type, "Alex Example", qualifier)
        assert raised.value.reason == "missing_discriminator"


@pytest.mark.parametrize("entity_type", DISCRIMINATED)
def test_the_discriminator_alone_is_the_identity(entity_type: EntityType) -> None:
    before, after = normalize(entity_type, "Alex Example", "TikTok:7"), normalize(entity_type, "Alex Other", "tiktok:7")
    assert before.identity == after.identity == "tiktok:7"
    assert before.normalized_name == "alex example"
    assert normalize(entity_type, "Alex Example", "tiktok:8").identity != before.identity


@pytest.mark.parametrize("discriminator", ["12", "tiktok:", ":12", "no authority:1"])
def test_a_discriminator_says_whose_it_is(discriminator: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize("person", "Alex Example", discriminator)
    assert raised.value.reason == "unscoped_discriminator"


def test_coordinates_are_one_place_in_any_spelling() -> None:
    spellings = ["geo:51.5,-0.12", "geo:51.50, -0.120000", "GEO:+51.5000000001,-0.12"]
    assert {normalize("location", "London", s).identity for s in spellings} == {"geo:51.500000,-0.120000"}
    assert normalize("location", "Null Island", "geo:-0.0,0").identity == "geo:0.000000,0.000000"
    with pytest.raises(InvalidValueError) as raised:
        normalize("location", "Nowhere", "geo:91,0")
    assert raised.value.reason == "invalid_coordinates"


@pytest.mark.parametrize("entity_type", NAMED)
def test_named_things_are_one_entity_by_folded_name_or_by_discriminator(entity_type: EntityType) -> None:
    assert normalize(entity_type, " Émotet  Two ").identity == normalize(entity_type, "emotet two").identity
    assert normalize(entity_type, "Émotet", "misp:5").identity == "misp:5"
    assert normalize(entity_type, "misp:5").identity != "misp:5"


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Zoë ÅNGSTRÖM", "zoe angstrom"),
        ("Łukasz Đặng Ærø", "lukasz dang aero"),
        ("Straße", "strasse"),
        ("İstanbul IŞIK ılık", "istanbul isik ilik"),
        ("Ἀλέξανδρος", "αλεξανδροσ"),
        ("Ёлкин", "елкин"),
        ("ﬁne ＷＩＤＥ", "fine wide"),
        ("हिन्दी", "हिन्दी"),
        ("محمّد", "محمّد"),
        ("がぎ", "がぎ"),
        ("ไทยน้ำ", "ไทยน้ํา"),
        ("שָׁלוֹם", "שָׁלוֹם"),
        ("می\u200cخواهم", "میخواهم"),
        ("株式会社", "株式会社"),
    ],
)
def test_folding_knows_which_marks_are_letters(name: str, folded: str) -> None:
    found = normalize("person", name, "x:1").normalized_name
    assert unicodedata.normalize("NFD", found) == unicodedata.normalize("NFD", folded)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("  Alex\t\nExample ", "Alex Example"),
        ("Alex\u202e\u200bExample", "AlexExample"),
        ("Alex\x00Example", "Alex Example"),
        ("Alex\ud800", "Alex\ufffd"),
        ("Zoe\u0308", "Zoë"),
    ],
)
def test_the_shown_name_is_clean_but_human(raw: str, shown: str) -> None:
    assert normalize("person", raw, "x:1").name == shown


@pytest.mark.parametrize("name", ["n/a", "N/A", "Unknown", "-", "...", "null", "None", "test", "Anonymous", "John Doe"])
def test_names_that_are_no_names_are_flagged(name: str) -> None:
    assert normalize("person", name, "x:1").flags == ("placeholder",)


@pytest.mark.parametrize("name", ["Nina Tester-Berg", "Test Valley Council", "Root & Sons", "Noname Media"])
def test_names_that_only_look_like_it_are_not(name: str) -> None:
    assert normalize("organization", name, "x:1").flags == ()


@pytest.mark.parametrize("name", ["", "   ", "\u200b", "\x00", "\u200d"])
def test_an_empty_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize("person", name, "x:1")
    assert raised.value.reason == "empty"
