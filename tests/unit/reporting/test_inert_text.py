"""Text of the record cannot steer how what is around it is read."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from clew.reporting.inert_text import STEERING_CATEGORIES, inert


def test_ordinary_text_of_any_language_stays_as_it_is() -> None:
    for text in ("lantern", "Žižkov", "العربية", "日本語", "क्\u200dष", "👩\u200d🚀"):
        assert inert(text) == text


def test_steering_characters_are_written_out() -> None:
    assert inert("a\u202eb\u2066c\x00\x1b[2J\n\u2028\ufeff") == r"a\u202eb\u2066c\x00\x1b[2J\n\u2028\ufeff"


def test_marks_do_not_pile_up() -> None:
    assert inert("a" + "\u0301" * 500) == "a" + "\u0301" * 4


@given(st.text(max_size=300), st.integers(2, 80))
def test_whatever_comes_is_short_and_steers_nothing(text: str, most: int) -> None:
    shown = inert(text, most)
    assert len(shown) <= most
    assert not {unicodedata.category(each) for each in shown.replace("\u200c", "").replace("\u200d", "")} & (
        STEERING_CATEGORIES
    )
