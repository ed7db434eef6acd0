"""What holds for every type and any text."""

import re
import string
import subprocess
import sys
import time
import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clew.ontology import (
    EntityType,
    InvalidValueError,
    NormalizedValue,
    describe_types,
    entity_id,
    guess_types,
    normalize,
    normalize_many,
)

SOUND = {
    EntityType.PERSON: ["Zoë Ångström", "Łukasz Đặng", "ΆΝΝΑ", "محمّد", "हिन्दी", "ﬁne", "İstanbul"],
    EntityType.ORGANIZATION: ["Example GmbH & Co. KG", "株式会社例"],
    EntityType.LOCATION: ["São Paulo", "Reykjavík"],
    EntityType.DOCUMENT: ["Report (final).pdf"],
    EntityType.DOMAIN: ["*.Bücher.example.org.", "_dmarc.example.co.uk", "xn--bcher-kva.de", "i❤.ws", "a[.]b[dot]com"],
    EntityType.IP_ADDRESS: ["192.0.2.1", "2001:DB8::1%eth0", "[::ffff:8.8.8.8]", "0x7f000001", "3232235777"],
    EntityType.EMAIL: [
        "Alice <Alice.B+x@Example.ORG>",
        "jörg@bücher.de",
        "mailto:a@b.co",
        '"a b"@example.net',
        "ß@x.de",
    ],
    EntityType.PHONE: [
        "+44 20 7946 0123",
        "0049 30 123456",
        "tel:+1-202-555-0143",
        "+54 9 11 2345 6789",
        "+39 06 6982",
    ],
    EntityType.CRYPTOCURRENCY_ADDRESS: [
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    ],
    EntityType.USERNAME: ["@Alice", "ａｌｉｃｅ", "ΣΊΣΥΦΟΣ", "a:b", "github:alice", "@@x", "٠١"],
    EntityType.SOCIAL_PROFILE: ["https://www.tiktok.com/@Alice", "https://example.org/u/%7Ea"],
    EntityType.URL: [
        "hxxps://us%41er:p@EXÄMPLE[.]org:443/a/../%7e%%37E/%2541?q=%2f#f",
        "ldap://EVIL.example:1389/Basic/a b",
        "http://0x7f.1/x",
        "example.org/path",
    ],
    EntityType.FILE_HASH: [
        "D41D8CD98F00B204E9800998ECF8427E",
        "sha1: " + "Ab" * 20,
        "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNh",
    ],
    EntityType.ASN: ["AS13335", "asn 64512", "1.10"],
    EntityType.SSH_KEY: ["SHA256:" + "A" * 43, "SHA256:" + "/" * 43, "aa:" * 15 + "BB"],
    EntityType.SOFTWARE: ["SSH-2.0-libssh2_1.4.3", " OpenSSH_8.9p1  Ubuntu ", "ΣΣ\x00"],
    EntityType.VULNERABILITY: ["cve 2021 44228", "GHSA-JFH8-C2JP-5V3Q", "Heartbleed"],
    EntityType.MALWARE: ["Émotet", "win.mirai"],
    EntityType.THREAT_ACTOR: ["APT 28", "apt:28", "Sandwörm"],
    EntityType.ATTACK_PATTERN: ["t1059/001", "capec_066", "Spear Phishing"],
    EntityType.CAMPAIGN: ["Operation Example"],
    EntityType.CREDENTIAL: ["root:123456", ":", " a : b:c ", "\x00:\udcff", "É:\x01"],
    EntityType.USER_AGENT: ["Mozilla/5.0 (X11; Linux x86_64)", "-", "\ud800x\x00"],
}
DISCRIMINATED = {EntityType.PERSON, EntityType.ORGANIZATION, EntityType.LOCATION, EntityType.DOCUMENT}
types = st.sampled_from(list(EntityType))
anything = st.text(st.characters(exclude_categories=()), max_size=60) | st.text(string.printable, max_size=60)


@st.composite
def near_values(draw: st.DrawFn) -> tuple[EntityType, str]:
    """A type and a value close to a sound one: cut, repeated, or with anything put in."""
    entity_type = draw(types)
    value = draw(st.sampled_from(SOUND[entity_type]))
    at = draw(st.integers(0, len(value)))
    inserted = draw(st.sampled_from(["", ".", ":", "%", "@", "/", "\u0301", "\u200d", "İ", "ǅ", "a" * 600]) | anything)
    return entity_type, (value[:at] + inserted + value[at + draw(st.integers(0, 2)) :]) * draw(
        st.sampled_from([1, 1, 1, 40])
    )


@st.composite
def qualifiers(draw: st.DrawFn, entity_type: EntityType) -> str | None:
    if entity_type in DISCRIMINATED:
        return draw(st.sampled_from(["tiktok:1", "geo:51.5,-0.12", "Reg:A b"]))
    if entity_type in (EntityType.USERNAME, EntityType.SOCIAL_PROFILE):
        return draw(st.sampled_from([None, "Twitter", "TikTok", "Some Forum", "微博"]))
    if entity_type is EntityType.PHONE:
        return draw(st.sampled_from([None, "GB", "us", "IT", "AR", "MX"]))
    return draw(st.sampled_from([None, "litecoin", "a:b"]))


def outcome(entity_type: EntityType, value: str, qualifier: str | None) -> NormalizedValue | None:
    try:
        return normalize(entity_type, value, qualifier)
    except InvalidValueError as error:
        if not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", error.reason):
            pytest.fail(f"no stable reason code: {error.reason!r}")
        return None


def assert_stable(found: NormalizedValue, qualifier: str | None) -> None:
    for text in (found.normalized_name, found.name):
        again = normalize(found.entity_type, text, qualifier)
        assert (again.identity, again.normalized_name) == (found.identity, found.normalized_name)


def assert_storable(found: NormalizedValue) -> None:
    for text in (found.name, found.normalized_name, found.identity):
        assert text
        assert "\x00" not in text
        assert len(text.encode("utf-8")) <= 700
    for kept in found.properties.values():
        assert "\x00" not in str(kept)
        str(kept).encode("utf-8")
    assert found.flags == tuple(sorted(set(found.flags)))


@given(data=st.data(), pair=near_values() | st.tuples(types, anything))
def test_any_text_becomes_a_stable_storable_value_or_the_one_error(
    data: st.DataObject, pair: tuple[EntityType, str]
) -> None:
    entity_type, value = pair
    qualifier = data.draw(qualifiers(entity_type))
    found = outcome(entity_type, value, qualifier)
    assume(found is not None)
    assert found is not None
    assert_storable(found)
    assert_stable(found, qualifier)


@given(types, anything, anything)
def test_any_qualifier_is_taken_or_refused_by_the_one_error(
    entity_type: EntityType, value: str, qualifier: str
) -> None:
    found = outcome(entity_type, value, qualifier)
    if found is not None:
        assert_storable(found)


@pytest.mark.parametrize("entity_type", EntityType)
def test_every_sound_value_is_taken_and_stable(entity_type: EntityType) -> None:
    qualifier = "tiktok:1" if entity_type in DISCRIMINATED else None
    for value in SOUND[entity_type]:
        found = normalize(entity_type, value, qualifier)
        assert found.entity_type is entity_type
        assert_storable(found)
        assert_stable(found, qualifier)


@pytest.mark.parametrize("entity_type", EntityType)
@pytest.mark.parametrize(
    "value", ["", " ", "\u200b\ufeff", "\x00", "\ud800", "\u202e", "a" * 65_537, "é" * 70_000, "\n\t"]
)
def test_hostile_values_give_the_one_error_or_a_storable_value(entity_type: EntityType, value: str) -> None:
    found = outcome(entity_type, value, "x:1")
    if found is not None:
        assert_storable(found)
    if len(value) > 65_536:
        assert found is None


@given(types, st.lists(anything, max_size=5))
def test_a_column_gives_what_each_value_gives_alone(entity_type: EntityType, values: list[str]) -> None:
    for value, found in zip(values, normalize_many(entity_type, values, "x:1"), strict=True):
        if isinstance(found, InvalidValueError):
            with pytest.raises(InvalidValueError) as raised:
                normalize(entity_type, value, "x:1")
            assert raised.value.reason == found.reason
        else:
            assert found == normalize(entity_type, value, "x:1")


@given(near_values().map(lambda pair: pair[1]) | anything)
def test_guessing_never_raises_and_names_each_type_once(value: str) -> None:
    guesses = guess_types(value)
    assert len(guesses) == len(set(guesses))


SLOW_ELSEWHERE = {
    "blanks": "é" + " " * 65_000 + "b",
    "dots": "a." * 32_000 + "@",
    "marks": "a" + "\u0301\u0323" * 32_000,
    "expanding": "\ufdfa" * 10_000,
    "brackets": "[.]" * 21_000,
    "angles": "<" * 65_000,
    "escapes": "http://a.b/" + "%41" * 21_000,
    "steps": "http://a.b/" + "../a/" * 13_000,
    "keys": "ssh-" * 16_000,
    "digits": "1." * 32_000,
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("value", SLOW_ELSEWHERE.values(), ids=SLOW_ELSEWHERE.keys())
def test_no_value_takes_long(value: str) -> None:
    for entity_type in EntityType:
        qualifier = "GB" if entity_type is EntityType.PHONE else "x:1"
        normalize_many(entity_type, ["warm up"], qualifier)
        started = time.process_time()
        outcome(entity_type, value, qualifier)
        assert time.process_time() - started < 3, entity_type
    started = time.process_time()
    guess_types(value[:4096])
    assert time.process_time() - started < 3


def test_long_values_differ_by_their_ends_and_are_kept_whole() -> None:
    first = normalize("user_agent", "a" * 5000 + "1")
    second = normalize("user_agent", "a" * 5000 + "2")
    organization = uuid.UUID(int=1)
    assert first.identity != second.identity
    assert entity_id(organization, "user_agent", first.identity) != entity_id(
        organization, "user_agent", second.identity
    )
    assert first.properties["full_value"] == "a" * 5000 + "1"
    assert len(first.normalized_name.encode()) <= 512


def test_a_long_name_is_kept_as_people_write_it() -> None:
    name = "Zoë " * 300
    found = normalize("person", name, "x:1")
    assert found.properties["full_value"] == name.strip()
    assert normalize("person", found.name, "x:1").normalized_name == found.normalized_name


def test_importing_the_ontology_loads_no_library_of_a_single_type() -> None:
    script = (
        "import sys, clew.ontology as o; o.normalize('ip_address', '8.8.8.8'); o.normalize('credential', 'a:b');"
        "heavy = {'phonenumbers', 'tldextract', 'requests', 'email_validator', 'Crypto', 'base58', 'ada_url'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_type_says_what_identifies_it() -> None:
    described = describe_types()
    assert [entity_type for entity_type, _ in described] == list(EntityType)
    assert all(len(sentence) > 10 for _, sentence in described)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize("starship", "x")
    assert raised.value.reason == "unknown_entity_type"
