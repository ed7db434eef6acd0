"""The key was made by ssh-keygen for this test, and its fingerprints are what ssh-keygen -l printed."""

import pytest

from clew.ontology import EntityType, InvalidValueError, normalize

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPnsnLqX5e2MuiMsQ6qwIJlF5fiNV2L+4ZyEZ7kwXE91"
FINGERPRINT = "SHA256:Zf17ArEdAwnJgWL9r6Ma8Q+qtEu2bg3HkStZ/SfG9kk"
MD5 = "58:48:4f:f1:e8:8e:8f:a6:5e:70:71:f1:c5:ef:3b:81"


@pytest.mark.parametrize(
    "spelling",
    [
        KEY,
        f"{KEY} nobody@example.org",
        f'no-pty,command="true" {KEY} x\n',
        FINGERPRINT,
        f"{FINGERPRINT}=",
        f"sha256:{FINGERPRINT[7:]}",
    ],
)
def test_a_key_and_its_fingerprint_are_one_entity(spelling: str) -> None:
    assert normalize(EntityType.SSH_KEY, spelling).identity == FINGERPRINT


def test_a_key_tells_its_kind_and_old_fingerprint() -> None:
    properties = normalize("ssh_key", f"{KEY} comment").properties
    assert properties["key_type"] == "ssh-ed25519"
    assert properties["public_key"] == KEY
    assert properties["md5_fingerprint"] == MD5.replace(":", "")


def test_an_md5_fingerprint_stays_one() -> None:
    assert normalize("ssh_key", MD5.upper()).identity == f"MD5:{MD5}"
    assert normalize("ssh_key", f"MD5:{MD5}").identity == f"MD5:{MD5}"


@pytest.mark.parametrize(
    "text",
    ["ssh-rsa", KEY.replace("ssh-ed25519", "ssh-rsa"), KEY[:-1], "SHA256:short", "-----BEGIN RSA PRIVATE KEY-----"],
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.SSH_KEY, text)
    assert raised.value.reason == "invalid_ssh_key"
