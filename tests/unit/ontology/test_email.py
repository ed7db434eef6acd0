import pytest

from clew.ontology import EntityType, InvalidValueError, normalize


@pytest.mark.parametrize(
    ("spelling", "identity", "name"),
    [
        ("Alice.B@Firm.ORG", "alice.b@firm.org", "Alice.B@firm.org"),
        (" mailto:alice@firm.org?subject=x ", "alice@firm.org", "alice@firm.org"),
        ("Alice B <Alice@firm.org>", "alice@firm.org", "Alice@firm.org"),
        ("alice[at]firm[.]org", "alice@firm.org", "alice@firm.org"),
        ("jörg@Bücher.de", "jörg@xn--bcher-kva.de", "jörg@bücher.de"),
        ("jo\u0308rg@xn--bcher-kva.de", "jörg@xn--bcher-kva.de", "jörg@bücher.de"),
        ("a@box.local", "a@box.local", "a@box.local"),
        ('"a b"@firm.org', '"a b"@firm.org', '"a b"@firm.org'),
        ('"plain"@firm.org', "plain@firm.org", "plain@firm.org"),
    ],
)
def test_every_spelling_of_a_mailbox_is_one_entity(spelling: str, identity: str, name: str) -> None:
    found = normalize(EntityType.EMAIL, spelling)
    assert (found.identity, found.normalized_name, found.name) == (identity, identity, name)


@pytest.mark.parametrize(
    "text",
    ["alice", "@firm.org", "alice@", "a b@firm.org", "a@b@firm.org", "alice@192.0.2.1", "a..b@firm.org", "a@-x.org"],
)
def test_what_is_no_mailbox_is_refused(text: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.EMAIL, text)
    assert raised.value.reason == "invalid_email"


def test_an_address_longer_than_mail_allows_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="254"):
        normalize("email", f"{'a' * 60}@{('b' * 60 + '.') * 3}{'c' * 50}.org")


@pytest.mark.parametrize(
    ("address", "flags"),
    [
        ("alice.b@firm.org", ()),
        ("No-Reply@firm.org", ("placeholder",)),
        ("donotreply+123@firm.org", ("placeholder",)),
        ("test@example.org", ("placeholder", "reserved")),
        ("abuse@firm.org", ("role",)),
        ("alice@nas.local", ("reserved",)),
    ],
)
def test_mailboxes_that_are_nobodys_are_flagged(address: str, flags: tuple[str, ...]) -> None:
    assert normalize("email", address).flags == flags


def test_where_a_message_ends_up_is_told_but_does_not_merge_mailboxes() -> None:
    dotted, plain = normalize("email", "A.Lice+news@googlemail.com"), normalize("email", "alice@gmail.com")
    assert dotted.properties["canonical"] == plain.properties["canonical"] == "alice@gmail.com"
    assert dotted.identity != plain.identity
    assert normalize("email", "a.b+c@firm.org").properties["canonical"] == "a.b+c@firm.org"
    assert plain.properties["domain"] == "gmail.com"
