"""Values encrypted outside the database's reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.kernel.errors import ConfigurationError
from clew.kernel.sealing import Sealer

SEALER = Sealer(bytes(range(32)), "the secret")


@given(st.binary(max_size=200), st.text(max_size=40))
def test_what_is_sealed_opens_in_its_place(content: bytes, place: str) -> None:
    sealed = SEALER.seal(content, place)
    assert SEALER.open(sealed, place) == content
    assert SEALER.seal(content, place) != sealed
    assert len(sealed) == len(content) + 29


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_byte_can_be_changed(position: int, change: int) -> None:
    sealed = bytearray(SEALER.seal(b"a secret of a second factor", "users:1"))
    sealed[position % len(sealed)] ^= change
    with pytest.raises(ConfigurationError, match="the secret"):
        SEALER.open(bytes(sealed), "users:1")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + b"\x00" * 12, b"\x02" + b"\x00" * 40])
def test_what_was_never_sealed_does_not_open(sealed: bytes) -> None:
    with pytest.raises(ConfigurationError):
        SEALER.open(sealed, "users:1")


def test_another_place_or_another_key_opens_nothing() -> None:
    sealed = SEALER.seal(b"mine", "users:1")
    with pytest.raises(ConfigurationError) as caught:
        SEALER.open(sealed, "users:2")
    assert "users" in str(caught.value)
    with pytest.raises(ConfigurationError):
        Sealer(bytes(32), "another").open(sealed, "users:1")
    assert "key" not in repr(SEALER)
