"""Folding is stable for every character there is, alone and inside a word."""

import sys

import pytest

from clew.ontology import InvalidValueError
from clew.ontology.text import clean_name, fold_case, fold_name, identifier, refanged, verbatim

CHARACTERS = [chr(point) for point in range(sys.maxunicode + 1) if not 0xD800 <= point < 0xE000]
ASSIGNED_PLANES = CHARACTERS[:0x20000] + CHARACTERS[0xE0000 - 0x800 : 0xE0200 - 0x800]


def test_folding_twice_is_folding_once_for_every_character() -> None:
    for character in ASSIGNED_PLANES:
        for fold in (fold_case, fold_name):
            once = fold(clean_name(f"a{character}b"))
            if fold(clean_name(once)) != once:
                pytest.fail(f"{fold.__name__} is not stable for U+{ord(character):04X}")


def test_case_never_makes_two_names() -> None:
    for character in ASSIGNED_PLANES[0xC0:0x2000]:
        if len(character.upper()) == 1 and character.upper().lower() == character:
            assert fold_case(character) == fold_case(character.upper())


@pytest.mark.parametrize("mark", ["\u200b", "\u200e", "\u202a", "\ufeff", "\u00a0", "\u2066", "\t"])
def test_invisible_marks_around_an_identifier_are_dropped(mark: str) -> None:
    assert identifier(f"{mark}alice{mark}") == "alice"


@pytest.mark.parametrize("inside", ["\x00", "\x1f", "\x7f", "\x85", "\ud800", "\n"])
def test_controls_inside_an_identifier_are_refused(inside: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        identifier(f"al{inside}ice")
    assert raised.value.reason == "invalid_characters"


def test_verbatim_text_is_untouched_but_for_what_cannot_be_stored() -> None:
    assert verbatim(" \x01 é \U0001f600 ") == " \x01 é \U0001f600 "
    assert verbatim("a\x00b\udc80c") == r"a\x00b\x80c"


@pytest.mark.parametrize(
    ("defanged", "plain"),
    [
        ("hxxp://example[.]org", "http://example.org"),
        ("hXXps[://]example(.)org", "https://example.org"),
        ("h**p://example{dot}org", "http://example.org"),
        ("fxp://example.org", "ftp://example.org"),
        ("alice [at] example [dot] org", "alice@example.org"),
        ("http://example.org/a_(b)", "http://example.org/a_(b)"),
        ("2001:db8[:]:1", "2001:db8::1"),
    ],
)
def test_defanged_indicators_are_read(defanged: str, plain: str) -> None:
    assert refanged(defanged) == plain
