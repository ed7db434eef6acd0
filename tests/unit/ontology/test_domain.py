from pathlib import Path

import pytest

from clew.ontology import EntityType, InvalidValueError, normalize


@pytest.mark.parametrize(
    ("spelling", "identity", "name"),
    [
        ("WWW.Example.COM.", "www.example.com", "www.example.com"),
        ("*.shop.co.uk", "shop.co.uk", "shop.co.uk"),
        ("_dmarc.example.org", "_dmarc.example.org", "_dmarc.example.org"),
        ("evil[.]example(dot)net", "evil.example.net", "evil.example.net"),
        ("Bücher.de", "xn--bcher-kva.de", "bücher.de"),
        ("XN--BCHER-KVA.de", "xn--bcher-kva.de", "bücher.de"),
        ("faß.de", "xn--fa-hia.de", "faß.de"),
        ("例え。jp", "xn--r8jz45g.jp", "例え.jp"),
        ("ｅxample.com", "example.com", "example.com"),
        ("i❤.ws", "xn--i-7iq.ws", "i❤.ws"),
        ("localhost", "localhost", "localhost"),
    ],
)
def test_every_spelling_of_a_domain_is_one_entity(spelling: str, identity: str, name: str) -> None:
    found = normalize(EntityType.DOMAIN, spelling)
    assert (found.identity, found.normalized_name, found.name) == (identity, identity, name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("192.0.2.1", "ip_address_not_domain"),
        ("host.0x1f", "ip_address_not_domain"),
        ("alice", "not_fully_qualified"),
        ("exa mple.org", "invalid_domain"),
        ("a..b.org", "invalid_domain"),
        ("-a.org", "invalid_domain"),
        ("https://example.org", "invalid_domain"),
        ("a" * 64 + ".org", "invalid_domain"),
        (("a" * 60 + ".") * 5 + "org", "invalid_domain"),
        ("xn--\u00fc.de", "invalid_domain"),
        (".", "invalid_domain"),
    ],
)
def test_what_is_no_domain_says_why(text: str, reason: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.DOMAIN, text)
    assert raised.value.reason == reason


def test_registration_follows_the_public_suffix_list() -> None:
    plain = normalize("domain", "a.b.shop.co.uk").properties
    assert (plain["public_suffix"], plain["registered_domain"]) == ("co.uk", "shop.co.uk")
    assert "site" not in plain
    hosted = normalize("domain", "blog.alice.github.io").properties
    assert (hosted["registered_domain"], hosted["site"]) == ("github.io", "alice.github.io")


@pytest.mark.parametrize("name", ["com", "co.uk", "github.io"])
def testsuffixes_are_flagged_because_everything_is_under_them(name: str) -> None:
    assert "public_suffix" in normalize("domain", name).flags


@pytest.mark.parametrize(
    "name", ["a.test", "www.example.com", "printer.local", "abc.onion", "db.internal", "x.localhost", "r.home.arpa"]
)
def test_names_that_cannot_be_public_are_flagged(name: str) -> None:
    assert normalize("domain", name).flags == ("reserved",)


def test_nothing_is_written_to_a_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TLDEXTRACT_CACHE", str(tmp_path / "tld"))
    from clew.ontology.values import domain

    domain.suffixes.cache_clear()
    normalize("domain", "www.example.co.uk")
    assert list(tmp_path.iterdir()) == []
