"""Recovery codes: what of them is kept is a plain digest, so that there must be nothing to guess."""

import math

from clew.domains.identity import second_factor


def test_a_recovery_code_cannot_be_guessed_from_its_digest() -> None:
    made = {second_factor._new_recovery_code() for _ in range(100)}
    assert len(made) == 100
    for code in made:
        symbols = code.replace("-", "")
        assert set(symbols) <= set(second_factor._ALPHABET)
        assert len(symbols) * math.log2(len(second_factor._ALPHABET)) >= 112
