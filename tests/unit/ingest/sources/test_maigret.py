"""Maigret's reports: accounts of a handle, and how sure each find is."""

import json

import pytest

from clew.ingest.sources.base import Framing
from clew.ingest.sources.maigret import CONFIDENCE, MaigretSource
from tests.support.tool_reports import (
    assert_consistent,
    contents,
    entities,
    links,
    read_bytes,
    read_fixture,
    rejects,
    sample,
)

SOURCE = MaigretSource()
CSV, SIMPLE, NDJSON = (f"report_quietheron42{end}" for end in (".csv", "_simple.json", "_ndjson.json"))
SITE = {
    "url_user": "https://a.example/heron",
    "status": {"username": "heron", "site_name": "A", "status": "Claimed", "ids": {}},
}
PROFILE = ("social_profile", "quietheron42", "github")


@pytest.mark.parametrize("name", [CSV, SIMPLE, NDJSON])
def test_every_form_gives_the_account(name: str) -> None:
    facts = read_fixture(SOURCE, name)
    assert {("username", "quietheron42", None), PROFILE} <= entities(facts)
    assert ("quietheron42", "HAS_ACCOUNT", "quietheron42") in links(facts)
    assert facts.rejects.is_empty()
    assert_consistent(facts)


@pytest.mark.parametrize(
    ("name", "platform", "why"),
    [
        (CSV, "github", "served"),
        (CSV, "forum example", "refused"),
        (SIMPLE, "github", "parsed"),
        (SIMPLE, "forum example", "similar"),
        (NDJSON, "forum example", "served"),
    ],
)
def test_confidence_says_how_the_account_was_seen(name: str, platform: str, why: str) -> None:
    found = read_fixture(SOURCE, name).mentions.filter(qualifier=platform)["confidence"]
    assert found.to_list() == [pytest.approx(CONFIDENCE[why])]


def test_only_claimed_sites_give_accounts_and_all_are_records() -> None:
    facts = read_fixture(SOURCE, CSV)
    assert {qualifier for kind, _, qualifier in entities(facts) if kind == "social_profile"} == {
        "github",
        "forum example",
    }
    assert [row["exists"] for row in contents(facts)] == ["Claimed", "Unknown", "Claimed", "Available"]


def test_what_the_page_told_is_kept() -> None:
    facts = read_fixture(SOURCE, SIMPLE)
    profile = json.loads(facts.mentions.filter(qualifier="github")["properties"][0])
    assert profile["fullname"] == "Quiet Heron"
    assert profile["uid"] == "424242"
    assert ("social_profile", "quietheron_x", "twitter") in entities(facts)
    assert links(facts) >= {
        ("quietheron42", "ASSOCIATED_WITH", "quietheron_x"),
        ("quietheron42", "ASSOCIATED_WITH", "quiet.heron@example.org"),
        ("quietheron42", "MENTIONS", "https://heron.example.net/"),
        ("quietheron42", "MENTIONS", "https://blog.example.org/heron"),
    }
    assert not {kind for kind, _, _ in entities(facts)} & {"person", "location"}


def test_lines_are_claimed_by_line_and_members_as_a_whole() -> None:
    line = SOURCE.recognise(sample("a", json.dumps({**SITE, "sitename": "A"}).encode() + b"\n"))
    assert line is not None
    assert line.framing is Framing.LINES
    whole = SOURCE.recognise(sample("a", json.dumps({"A": SITE}).encode()))
    assert whole is not None
    assert whole.framing is Framing.DOCUMENT


def test_a_member_that_is_no_site_is_rejected_alone() -> None:
    members = {"A": SITE, "B": 7, "C": {"status": "Claimed"}, "\0": [1], "D": SITE}
    data = json.dumps(members).encode()[:-1] + b', "E": {'
    facts = read_bytes(SOURCE, "a.json", data)
    assert facts.records.height == 2
    assert len(rejects(facts)) == 4
    assert_consistent(facts)


def test_a_csv_with_response_times_is_sherlocks() -> None:
    header = b"username,name,url_main,url_user,exists,http_status,response_time_s\n"
    assert SOURCE.recognise(sample("a.csv", header)) is None
