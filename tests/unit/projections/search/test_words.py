import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.projections.search.words import asked, decoded, fold, folded_words, forms, spaced, split_digits


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ÄÖÜ éèê ñ", "aou eee n"),
        ("Straße", "strasse"),
        ("Łódź Ørsted Æsir", "lodz orsted aesir"),
        ("ЁЛКА Ёлка", "елка елка"),
        ("Ελλάδα", "ελλαδα"),
        ("كِتَابٌ", "كتاب"),
        ("ｆｕｌｌ", "full"),
        ("が", "が"),  # a voiced sound is another letter
        ("a\u200bb", "ab"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(fold(text)) == folded


def test_scripts_without_blanks_become_pairs() -> None:
    assert spaced("ab 東京都 c").split() == ["ab", "東京", "京都", "都", "c"]
    assert asked("東京都")[-1].split() == ["東京", "京都"]
    assert folded_words("iPhone東京") == ["iphone", "東京", "京"]


def test_domains_are_decoded() -> None:
    assert decoded("mail@xn--bcher-kva.example") == "mail@bücher.example"
    assert decoded("xn--99999999999 xn--a") == decoded(decoded("xn--99999999999 xn--a"))


def test_plain_text_has_one_form() -> None:
    assert forms("Plain Text 1") == ["Plain Text 1"]
    assert forms("Café") == ["Café", "cafe"]
    assert forms("xn--bcher-kva.example") == ["xn--bcher-kva.example", "bücher.example", "bucher.example"]


def test_letters_and_digits_part() -> None:
    assert split_digits("alice1987x") == "alice 1987 x"
    assert split_digits("alice_x") is None


@given(st.text(max_size=200))
def test_no_text_breaks_them(text: str) -> None:
    for word in folded_words(text):
        assert word == word.strip()
    assert forms(text)[0] == text
    asked(text)


def test_stacked_marks_take_no_quadratic_time() -> None:
    began = time.monotonic()
    fold("e" + "\u0301\u0316" * 200_000)
    assert time.monotonic() - began < 20  # minutes if they were sorted one by one
