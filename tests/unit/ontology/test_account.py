import pytest

from clew.ontology import EntityType, InvalidValueError, normalize


@pytest.mark.parametrize(
    ("value", "platform", "identity"),
    [
        ("Alice", None, "alice"),
        ("@Alice", "GitHub", "github:alice"),
        ("alice", "github.com", "github:alice"),
        ("ALICE", "Twitter", "x:alice"),
        ("alice", "X (Twitter)", "x:alice"),
        ("alice", "Archive of Our Own", "archive_of_our_own:alice"),
        ("ａｌｉｃｅ", "Hacker News", "hacker_news:alice"),
        ("Straße", None, "strasse"),
        ("José", None, "josé"),
        ("alice", "", "alice"),
        ("alice", "微博", "微博:alice"),
    ],
)
def test_a_username_is_one_entity_per_platform(value: str, platform: str | None, identity: str) -> None:
    found = normalize(EntityType.USERNAME, value, platform)
    assert found.identity == identity
    assert found.normalized_name == identity.rpartition(":")[2]
    assert found.properties.get("platform") == (identity.rpartition(":")[0] or None)


def test_the_display_name_keeps_its_case() -> None:
    assert normalize("username", " @Alice_B ").name == "Alice_B"


def test_a_colon_in_a_name_is_no_platform() -> None:
    assert normalize("username", "github:alice").identity != normalize("username", "alice", "github").identity


def test_a_profile_is_one_entity_however_a_tool_names_it() -> None:
    spellings = [
        ("alice", "TikTok"),
        ("@Alice", "tiktok"),
        ("https://www.tiktok.com/@alice?lang=en", "TikTok"),
        ("HTTPS://TikTok.com/@Alice/", "tiktok.com"),
    ]
    assert {normalize(EntityType.SOCIAL_PROFILE, *spelling).identity for spelling in spellings} == {"tiktok:alice"}


@pytest.mark.parametrize(
    ("url", "platform", "identity"),
    [
        ("https://twitter.com/Alice", "Twitter", "x:alice"),
        ("https://x.com/Alice", "x", "x:alice"),
        ("https://www.reddit.com/user/Alice/", "Reddit", "reddit:alice"),
        ("https://www.linkedin.com/in/alice-b", "LinkedIn", "linkedin:alice-b"),
        ("https://github.com/alice/repository", "GitHub", "github:https://github.com/alice/repository"),
        ("https://forum.firm.org/u/Alice", "Some Forum", "some_forum:https://forum.firm.org/u/Alice"),
    ],
)
def test_a_profile_url_gives_its_handle_where_the_shape_is_known(url: str, platform: str, identity: str) -> None:
    assert normalize("social_profile", url, platform).identity == identity


def test_a_profile_without_platform_is_its_url() -> None:
    found = normalize("social_profile", "https://Forum.firm.org/u/Alice#top")
    assert found.normalized_name == "https://forum.firm.org/u/Alice"
    with pytest.raises(InvalidValueError) as raised:
        normalize("social_profile", "alice")
    assert raised.value.reason == "missing_platform"


@pytest.mark.parametrize(
    ("value", "platform", "reason"),
    [
        ("@", None, "empty"),
        ("\u200b", "x", "empty"),
        ("a\x00b", None, "invalid_characters"),
        ("a\ud800", None, "invalid_characters"),
        ("alice", "!!!", "invalid_platform"),
    ],
)
def test_what_is_no_account_says_why(value: str, platform: str | None, reason: str) -> None:
    with pytest.raises(InvalidValueError) as raised:
        normalize(EntityType.USERNAME, value, platform)
    assert raised.value.reason == reason


@pytest.mark.parametrize("name", ["admin", "ROOT", "test123", "-", "N/A", "anonymous", "user"])
def test_names_that_are_nobodys_are_flagged(name: str) -> None:
    assert normalize("username", name).flags == ("placeholder",)
    assert normalize("username", name, "github").flags == ("placeholder",)
