"""Names, options and digests that senders give, well-formed or not."""

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew.domains.uploads.digests import Digester, DigestError, parse_digests
from clew.domains.uploads.options import LONGEST_NAME, ReadingOptions, checked, plain_name
from clew.kernel.errors import InputError


@given(st.text(max_size=2000))
def test_a_name_is_short_printable_and_no_path(name: str) -> None:
    shown = plain_name(name)
    assert 1 <= len(shown) <= LONGEST_NAME
    assert "/" not in shown
    assert "\\" not in shown
    assert shown.isprintable()
    assert shown.strip(".") != ""
    shown.encode()


@given(st.text(max_size=300))
def test_a_field_is_a_list_of_digests_or_refused(field: str) -> None:
    try:
        found = parse_digests(field, "Repr-Digest")
    except InputError:
        return
    assert found
    assert all(len(digest) in {64, 128} for digest in found.values())


@given(st.binary(max_size=200), st.sampled_from(["sha-256", "sha-512"]))
def test_digests_are_checked(content: bytes, algorithm: str) -> None:
    right = hashlib.sha256(content) if algorithm == "sha-256" else hashlib.sha512(content)
    field = f"md5=:YWJj:, {algorithm}=:{base64.b64encode(right.digest()).decode()}:"
    expected = parse_digests(field, "Repr-Digest")
    assert expected == {algorithm: right.hexdigest()}
    digester = Digester(expected)
    digester.update(content[:3])
    digester.update(content[3:])
    digester.require(expected, "here")
    assert digester.size == len(content)
    digester.update(b"more")
    with pytest.raises(DigestError):
        digester.require(expected, "here")


def test_no_field_is_no_digest() -> None:
    assert parse_digests(None, "Repr-Digest") == {}


@pytest.mark.parametrize(
    ("options", "where"),
    [
        (ReadingOptions(time_zone="Atlantis/Capital"), "time_zone"),
        (ReadingOptions(time_zone="../../etc/passwd"), "time_zone"),
        (ReadingOptions(region="ZZ"), "region"),
        (ReadingOptions(case=" \n "), "case"),
        (ReadingOptions(case="x" * 300), "case"),
        (ReadingOptions(mapping="x" * 300_000), "mapping"),
    ],
)
def test_options_that_are_none_are_refused(options: ReadingOptions, where: str) -> None:
    with pytest.raises(InputError) as caught:
        checked(options)
    assert caught.value.where == where


def test_options_are_kept_in_one_spelling() -> None:
    kept = checked(ReadingOptions("cowrie", "Europe/Berlin", "de", None, "  Harbour   Lantern "))
    assert kept == ReadingOptions("cowrie", "Europe/Berlin", "DE", None, "Harbour Lantern")
    with pytest.raises(InputError, match="no source"):
        checked(ReadingOptions(source="nosuch"))
