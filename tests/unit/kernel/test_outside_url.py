"""No address that is set leads into the machine or its network, however it is spelt."""

import pytest

from clew.kernel.errors import InputError
from clew.kernel.outside_url import is_outside, require_outside_url


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://feeds.example.org/a?b=c", "https://feeds.example.org/a?b=c"),
        ("HTTP://Feeds.Example.ORG:8080", "http://feeds.example.org:8080/"),
        ("https://93.184.216.34/x", "https://93.184.216.34/x"),
        ("https://[2606:2800:220:1::1]/", "https://[2606:2800:220:1::1]/"),
    ],
)
def test_addresses_of_the_internet_are_taken(text: str, normal: str) -> None:
    assert require_outside_url(text, "feed.url") == normal


@pytest.mark.parametrize(
    "text",
    [
        "",
        "feeds.example.org",
        "ftp://feeds.example.org",
        "file:///etc/passwd",
        "gopher://feeds.example.org",
        "javascript:alert(1)",
        "https://user:pass@feeds.example.org",
        "https://user@feeds.example.org",
        "http://localhost:5432",
        "http://LOCALHOST.",
        "http://app.localhost",
        "http://db.internal/",
        "http://printer.local",
        "http://router",
        "http://127.0.0.1",
        "http://127.1",
        "http://0x7f.1",
        "http://2130706433",
        "http://0177.0.0.1",
        "http://0.0.0.0",
        "http://10.1.2.3",
        "http://172.16.0.9",
        "http://192.168.1.1",
        "http://169.254.169.254/latest/meta-data",
        "http://①⑥⑨.254.169.254",
        "http://100.64.0.1",
        "http://224.0.0.1",
        "http://255.255.255.255",
        "http://[::1]",
        "http://[::]",
        "http://[::ffff:127.0.0.1]",
        "http://[::127.0.0.1]",
        "http://[fd00::1]",
        "http://[fe80::1]",
        "http://[64:ff9b::7f00:1]",
        "http://[2002:7f00:1::]",
        "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "https://feeds.example.org/" + "x" * 3000,
        "http://exa mple.org",
        "http://[::1",
    ],
)
def test_everything_else_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        require_outside_url(text, "feed.url")


def test_what_a_name_resolved_to_is_looked_at_the_same_way() -> None:
    assert is_outside("93.184.216.34")
    assert not is_outside("127.0.0.1")
    with pytest.raises(ValueError, match="does not appear"):
        is_outside("feeds.example.org")
