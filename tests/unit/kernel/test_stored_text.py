"""Whatever a client sends becomes text that the database takes."""

from hypothesis import given
from hypothesis import strategies as st

from clew.kernel.stored_text import storable, storable_address


@given(st.text(st.characters(codec=None)), st.integers(0, 50))
def test_it_can_be_written_and_is_not_longer(text: str, longest: int) -> None:
    stored = storable(text, longest)
    assert "\x00" not in stored
    assert stored.encode().decode() == stored
    assert len(stored) <= longest


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert storable(text, 20) == text


def test_an_address_is_one_or_nothing() -> None:
    known = {
        "192.0.2.1": "192.0.2.1",
        "2001:DB8::1": "2001:db8::1",
        "fe80::1%eth0' --": "fe80::1",
        "": None,
        None: None,
    }
    assert {text: storable_address(text) for text in known} == known
    for wrong in ("192.0.2", "localhost", "192.0.2.1, 198.51.100.1", "\x00"):
        assert storable_address(wrong) is None
