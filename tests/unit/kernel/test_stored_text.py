"""Whatever a client sends becomes text that the database takes."""

from hypothesis import given
from hypothesis import strategies as st

from clew.kernel.stored_text import storable


@given(st.text(st.characters(codec=None)), st.integers(0, 50))
def test_it_can_be_written_and_is_not_longer(text: str, longest: int) -> None:
    stored = storable(text, longest)
    assert "\x00" not in stored
    assert stored.encode().decode() == stored
    assert len(stored) <= longest


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert storable(text, 20) == text
