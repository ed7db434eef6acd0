import pytest

from clew.ontology import EntityType, guess_types

T = EntityType


@pytest.mark.parametrize(
    ("value", "likeliest"),
    [
        ("192.0.2.1", T.IP_ADDRESS),
        ("2001:db8::1", T.IP_ADDRESS),
        ("8[.]8[.]8[.]8", T.IP_ADDRESS),
        ("fe80::1%eth0", T.IP_ADDRESS),
        ("+44 20 7946 0123", T.PHONE),
        ("0044 20 7946 0123", T.PHONE),
        ("alice", T.USERNAME),
        ("@alice", T.USERNAME),
        ("example.org", T.DOMAIN),
        ("evil[.]example", T.DOMAIN),
        ("bücher.de", T.DOMAIN),
        ("alice@example.org", T.EMAIL),
        ("alice[at]example.org", T.EMAIL),
        ("a" * 64, T.FILE_HASH),
        ("d41d8cd98f00b204e9800998ecf8427e", T.FILE_HASH),
        ("root:123456", T.CREDENTIAL),
        ("https://example.org/x", T.URL),
        ("hxxp://example[.]org/x", T.URL),
        ("example.org/x.sh", T.URL),
        ("AS13335", T.ASN),
        ("CVE-2021-44228", T.VULNERABILITY),
        ("T1059.001", T.ATTACK_PATTERN),
        ("SHA256:Zf17ArEdAwnJgWL9r6Ma8Q+qtEu2bg3HkStZ/SfG9kk", T.SSH_KEY),
        ("58:48:4f:f1:e8:8e:8f:a6:5e:70:71:f1:c5:ef:3b:81", T.SSH_KEY),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", T.CRYPTOCURRENCY_ADDRESS),
        ("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", T.CRYPTOCURRENCY_ADDRESS),
        ("SSH-2.0-libssh2_1.4.3", T.SOFTWARE),
        ("Mozilla/5.0 (X11; Linux x86_64)", T.USER_AGENT),
        ("Alex Example", T.PERSON),
    ],
)
def test_the_likeliest_type_comes_first(value: str, likeliest: EntityType) -> None:
    assert guess_types(value)[0] is likeliest


def test_other_readings_follow() -> None:
    assert {T.SOCIAL_PROFILE, T.PERSON, T.MALWARE} <= set(guess_types("alice"))
    assert T.USERNAME in guess_types("example.org")
    assert T.SOCIAL_PROFILE in guess_types("https://github.com/alice")


@pytest.mark.parametrize("value", ["", "  ", "a" * 5000])
def test_nothing_is_guessed_of_nothing(value: str) -> None:
    assert guess_types(value) == []
