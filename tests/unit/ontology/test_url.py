import pytest

from clew.ontology import EntityType, InvalidValueError, normalize


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("HTTP://WWW.Example.ORG", "http://www.example.org/"),
        ("https://firm.org:443/a/./b/../c", "https://firm.org/a/c"),
        ("http://firm.org:8080/", "http://firm.org:8080/"),
        ("hxxps://firm[.]org/x", "https://firm.org/x"),
        ("hXXp[:]//firm.org/x", "http://firm.org/x"),
        ("http://bücher.de/ü?q=ü", "http://xn--bcher-kva.de/%C3%BC?q=%C3%BC"),
        ("http://firm.org/%7ealice/%2f%41", "http://firm.org/~alice/%2FA"),
        ("http://firm.org/a#part", "http://firm.org/a"),
        ("http://firm.org/?b=2&a=1", "http://firm.org/?b=2&a=1"),
        ("http://firm.org/Path?Q=V", "http://firm.org/Path?Q=V"),
        ("http://0x7f000001/x", "http://127.0.0.1/x"),
        ("http://[2001:DB8:0::1]:80/", "http://[2001:db8::1]/"),
        ("firm.org/x.sh", "http://firm.org/x.sh"),
        ("ldap://FIRM.org:389/Basic/Base64", "ldap://firm.org:389/Basic/Base64"),
        ("tftp://203.0.113.9/bin.sh", "tftp://203.0.113.9/bin.sh"),
        ("ftp://alice@firm.org/a", "ftp://alice@firm.org/a"),
    ],
)
def test_every_spelling_of_a_url_is_one_entity(spelling: str, canonical: str) -> None:
    found = normalize(EntityType.URL, spelling)
    assert (found.identity, found.normalized_name, found.name) == (canonical, canonical, canonical)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("javascript:alert(1)", "url_without_host"),
        ("file:///etc/passwd", "url_without_host"),
        ("/relative/path", "url_without_host"),
        ("alice", "url_without_host"),
        ("http://", "invalid_url"),
        ("http://exa mple.org/", "invalid_url"),
        ("http://firm.org:99999/", "invalid_url"),
        ("http://firm.org/\x00", "invalid_characters"),
    ],
)
def test_what_is_no_url_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.URL, text)
    assert raised.value.reason == reason


def test_a_password_is_masked_and_flagged_and_does_not_split_the_entity() -> None:
    first, second = normalize("url", "http://bot:one@firm.org/a"), normalize("url", "http://bot:two@firm.org/a")
    assert first.identity == second.identity == "http://bot:***@firm.org/a"
    assert first.flags == ("credentials",)
    assert "one" not in repr(first)


def test_a_url_tells_its_parts() -> None:
    found = normalize("url", "https://firm.org:8443/x")
    assert found.properties == {"scheme": "https", "host": "firm.org", "port": 8443}


@pytest.mark.parametrize(
    ("url", "flags"),
    [
        ("http://192.168.1.1/login", ("private",)),
        ("http://[::1]/", ("loopback",)),
        ("http://shop.example/", ("reserved",)),
        ("http://8.8.8.8/", ()),
        ("http://firm.org/", ()),
    ],
)
def test_urls_of_hosts_that_are_nobodys_are_flagged(url: str, flags: tuple[str, ...]) -> None:
    assert normalize("url", url).flags == flags


def test_a_long_url_is_shortened_and_kept_whole() -> None:
    url = "https://firm.org/" + "a" * 5000
    found = normalize("url", url)
    assert found.properties["full_value"] == url
    assert found.identity == found.normalized_name == found.name
    assert found.identity.startswith("https://firm.org/aaa")
    assert normalize("url", found.normalized_name).identity == found.identity
