import pytest

from clew.ontology import EntityType, InvalidValueError, normalize


@pytest.mark.parametrize(
    ("value", "user", "password"),
    [
        ("root:123456", "root", "123456"),
        ("root:", "root", ""),
        (":secret", "", "secret"),
        ("root:a:b", "root", "a:b"),
        (" Root : PassWord ", " Root ", " PassWord "),
        ("root:\x01\r\n", "root", "\x01\r\n"),
        ("größe:ü", "größe", "ü"),
    ],
)
def test_a_credential_is_kept_exactly_as_sent(value: str, user: str, password: str) -> None:
    found = normalize(EntityType.CREDENTIAL, value)
    assert found.identity == found.normalized_name == found.name == value
    assert found.properties == {"username": user, "password": password}
    assert found.flags == ()


def test_case_makes_another_credential() -> None:
    assert normalize("credential", "root:Admin").identity != normalize("credential", "root:admin").identity


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("root:\x00", r"root:\x00"), ("root:\udcff", r"root:\xff"), ("root:\ud83d", r"root:\ud83d")],
)
def test_what_the_database_cannot_store_is_kept_visibly(sent: str, kept: str) -> None:
    assert normalize("credential", sent).normalized_name == kept
    assert normalize("user_agent", f"x{sent}").normalized_name == f"x{kept}"


def test_a_credential_has_a_colon() -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize("credential", "root")
    assert raised.value.reason == "missing_separator"


def test_an_empty_credential_is_flagged() -> None:
    assert normalize("credential", ":").flags == ("placeholder",)


@pytest.mark.parametrize("size", [100, 128, 129, 400, 60_000])
def test_a_long_password_is_told_whole(size: int) -> None:
    found = normalize("credential", "root:" + "a" * size)
    assert found.properties["password"] == "a" * size
    assert len(found.normalized_name) <= 512


def test_a_banner_is_shown_as_sent_and_found_in_any_case() -> None:
    found = normalize(EntityType.SOFTWARE, " SSH-2.0-libssh2_1.4.3\r\n")
    assert found.name == "SSH-2.0-libssh2_1.4.3"
    assert found.identity == "ssh-2.0-libssh2_1.4.3"
    assert found.properties == {"protocol": "SSH-2.0", "software": "libssh2_1.4.3"}
    assert normalize("software", "OpenSSH_8.9p1").properties == {}


@pytest.mark.parametrize("entity_type", [EntityType.USER_AGENT, EntityType.SOFTWARE])
def test_a_client_that_says_nothing(entity_type: EntityType) -> None:
    assert normalize(entity_type, "-").flags == ("placeholder",)
    with pytest.raises(InvalidValueError) as raised:
        normalize(entity_type, " \t")
    assert raised.value.reason == "empty"
