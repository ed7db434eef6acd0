"""API keys as they are written: recognised as a whole, and by no neighbour."""

import re

from hypothesis import given
from hypothesis import strategies as st

from clew.domains.identity.key_format import (
    KEY_PATTERN,
    is_well_formed,
    key_digest,
    key_of,
    new_key,
    shown_part,
)

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
numbers = st.integers(0, 2**256 - 1)


@given(numbers)
def test_every_number_makes_a_key_that_scanners_find_in_a_text(number: int) -> None:
    key = key_of(number)
    assert is_well_formed(key)
    assert re.findall(KEY_PATTERN, f'token = "{key}";') == [key]
    assert key.startswith(shown_part(key))
    assert len(shown_part(key)) < 20


@given(numbers, numbers)
def test_two_numbers_make_two_keys(one: int, other: int) -> None:
    assert (key_of(one) == key_of(other)) is (one == other)


@given(numbers, st.integers(10, 58), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(number: int, position: int, character: str) -> None:
    key = key_of(number)
    changed = key[:position] + character + key[position + 1 :]
    assert is_well_formed(changed) is (changed == key)


@given(numbers, st.integers(10, 57))
def test_two_characters_swapped_are_noticed(number: int, position: int) -> None:
    key = key_of(number)
    swapped = key[:position] + key[position + 1] + key[position] + key[position + 2 :]
    assert is_well_formed(swapped) is (swapped == key)


@given(st.text(max_size=80))
def test_whatever_else_is_no_key_and_raises_nothing(text: str) -> None:
    assert not is_well_formed(text)
    assert len(key_digest(text)) == 64


def test_space_around_digits_of_other_scripts_and_cut_keys_are_refused() -> None:
    key = new_key()
    for wrong in (f" {key}", f"{key}\n", key[:-1], f"{key}0", key.replace("clew_live_", "clew_test_"), key.upper()):
        assert not is_well_formed(wrong)
    assert not is_well_formed("clew_live_" + "٣" * 49)


def test_keys_are_not_made_twice() -> None:
    assert len({new_key() for _ in range(1000)}) == 1000
