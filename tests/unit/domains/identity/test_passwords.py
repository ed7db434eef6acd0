"""Which passwords are taken, and how they are checked."""

import hashlib
import time
from pathlib import Path

import argon2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.domains.identity.breached_passwords import is_breached
from clew.domains.identity.passwords import UNUSABLE, PasswordHasher, PasswordPolicy
from clew.kernel.errors import ConfigurationError, InputError

HASHER = PasswordHasher(memory_kib=8, passes=1)
GOOD = "seven lanterns in the harbour"


@pytest.mark.parametrize("password", [GOOD, "äöüß ключ 鍵 🔑 abc", "x" * 200 + "abcd", "            abcde"])
def test_long_ones_are_taken_whatever_their_characters(password: str) -> None:
    PasswordPolicy().require(password, about=("keeper", "keeper@lantern.example", "Ann Keeper"))


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "12 to 256"),
        ("x" * 257, "12 to 256"),
        ("seven lanterns\x00in the harbour", "no character"),
        ("seven lanterns \udcff the harbour", "no character"),
        ("aaaaaaaaaaaaaaa", "very few different"),
        ("Keeper-of-the-light", "others would think of"),
        ("this is LANTERNKEEPER's own", "others would think of"),
        ("all rigs lead to Clew in 2026", "others would think of"),
    ],
)
def test_bad_ones_are_refused_and_not_repeated(password: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as caught:
        PasswordPolicy().require(password, about=("keeper", "lanternkeeper@lantern.example", None))
    assert password not in str(caught.value)


def test_only_the_password_itself_matches_however_it_is_composed() -> None:
    stored = HASHER.hash("Café au bord du port")
    assert stored.startswith("$argon2id$")
    assert HASHER.verify(stored, "Cafe\u0301 au bord du port")
    for wrong in (
        "Cafe au bord du port",
        "\udcff",
        "\x00",
        "Café au bord du port\x00",
        "café au bord du port",
        "",
        "Café au bord du port ",
    ):
        assert not HASHER.verify(stored, wrong)


def test_nothing_matches_a_user_without_password_or_none_at_all() -> None:
    for stored in (None, UNUSABLE, "", "$argon2id$broken"):
        assert not HASHER.verify(stored, UNUSABLE)
        assert not HASHER.verify(stored, "nobody has this password")


def test_what_lies_beyond_the_longest_password_is_not_cut_off_in_silence() -> None:
    longest = "ab cd" * 51 + "e"
    stored = HASHER.hash(longest)
    assert HASHER.verify(stored, longest)
    assert not HASHER.verify(stored, longest + "x")


def test_a_user_that_does_not_exist_costs_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    original = argon2.PasswordHasher.verify

    def counted(self: argon2.PasswordHasher, stored: str, password: str) -> bool:
        done.append(argon2.extract_parameters(stored).__repr__())
        return original(self, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", counted)
    hasher = PasswordHasher(memory_kib=64, passes=2)
    for stored in (hasher.hash(GOOD), None, UNUSABLE):
        hasher.verify(stored, "something else entirely")
    assert len(done) == 3
    assert len(set(done)) == 1


def test_the_time_of_an_unknown_user_is_that_of_a_known_one() -> None:
    hasher = PasswordHasher(memory_kib=16_384, passes=2)
    stored = hasher.hash(GOOD)

    def fastest(subject: str | None) -> float:
        times = []
        for _ in range(5):
            before = time.process_time()
            hasher.verify(subject, "something else entirely")
            times.append(time.process_time() - before)
        return min(times)

    assert 0.5 < fastest(stored) / fastest(None) < 2


def test_a_hash_of_other_parameters_is_outdated() -> None:
    stored = HASHER.hash(GOOD)
    assert not HASHER.is_outdated(stored)
    assert PasswordHasher(memory_kib=64, passes=2).is_outdated(stored)
    assert PasswordHasher(memory_kib=64, passes=2).verify(stored, GOOD)


def digests(words: list[str], ending: str = ":3\r\n") -> bytes:
    lines = sorted(hashlib.sha1(word.encode()).hexdigest().upper() for word in words)
    return "".join(line + ending for line in lines).encode()


@given(st.sets(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1), min_size=1, max_size=60))
def test_sorted_digests_are_found_and_others_not(tmp_path_factory: pytest.TempPathFactory, words: set[str]) -> None:
    listed = sorted(words)
    kept, left_out = listed[::2], listed[1::2]
    for ending in (":3\r\n", "\n"):
        path = tmp_path_factory.getbasetemp() / "digests"
        path.write_bytes(digests(kept, ending))
        assert all(is_breached(path, word) for word in kept)
        assert not any(is_breached(path, word) for word in left_out)


def test_digests_in_any_order_and_case_are_found(tmp_path: Path) -> None:
    words = [f"password number {number}" for number in range(500)]
    lines = [hashlib.sha1(word.encode()).hexdigest() for word in words]
    path = tmp_path / "unsorted"
    path.write_text("\n".join(lines))
    assert all(is_breached(path, word) for word in words[::37])
    assert is_breached(path, words[-1])
    assert not is_breached(path, "password number 500")


def test_plain_lines_match_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "plain"
    path.write_bytes(b"first password\r\nlantern harbour seven\nlast password")
    for word in ("first password", "lantern harbour seven", "last password"):
        assert is_breached(path, word)
    for word in ("first", "password", "lantern harbour", "ast password", "last passwor"):
        assert not is_breached(path, word)


def test_the_policy_looks_it_up(tmp_path: Path) -> None:
    path = tmp_path / "breached"
    path.write_bytes(digests([GOOD, "another one of them"]))
    with pytest.raises(InputError, match="became known"):
        PasswordPolicy(breached=path).require(GOOD)
    PasswordPolicy(breached=path).require("nobody ever had this one")


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="CLEW_BREACHED_PASSWORDS"):
        is_breached(tmp_path / "nothing", GOOD)
    (tmp_path / "empty").touch()
    assert not is_breached(tmp_path / "empty", GOOD)
