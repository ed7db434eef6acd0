import hashlib

import pytest

from clew.ontology import EntityType, InvalidValueError, normalize

SSDEEP = "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C"
TLSH = "T1" + "0123456789ABCDEF" * 4 + "012345"


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"])
def test_a_digest_tells_its_algorithm_by_length(algorithm: str) -> None:
    digest = hashlib.new(algorithm, b"clew").hexdigest()
    for spelling in (digest, digest.upper(), f" {algorithm}:{digest}", f"{algorithm.upper()}={digest}"):
        found = normalize(EntityType.FILE_HASH, spelling)
        assert (found.identity, found.properties["algorithm"], found.flags) == (digest, algorithm, ())


def test_similarity_digests_keep_their_own_case() -> None:
    assert normalize("file_hash", SSDEEP).identity == SSDEEP
    assert normalize("file_hash", SSDEEP).properties["algorithm"] == "ssdeep"
    for spelling in (TLSH, TLSH.lower(), TLSH[2:], f"tlsh:{TLSH}"):
        assert normalize("file_hash", spelling).identity == TLSH


@pytest.mark.parametrize(
    "digest",
    [
        "d41d8cd98f00b204e9800998ecf8427e",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "0" * 64,
        "f" * 32,
    ],
)
def test_digests_of_nothing_are_flagged(digest: str) -> None:
    assert normalize("file_hash", digest).flags == ("placeholder",)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("abc", "invalid_file_hash"),
        ("g" * 32, "invalid_file_hash"),
        ("a" * 33, "invalid_file_hash"),
        ("sha256:" + "a" * 40, "hash_length_mismatch"),
        ("٠" * 32, "invalid_file_hash"),
    ],
)
def test_what_is_no_digest_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.FILE_HASH, text)
    assert raised.value.reason == reason
