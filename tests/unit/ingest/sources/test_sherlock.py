"""Sherlock's reports: the same accounts from every shape, and only those it claims."""

import io
import zipfile

import openpyxl
import pytest

from clew.ingest.facts import Facts
from clew.ingest.sources.base import ReadContext, RecordBatch
from clew.ingest.sources.sherlock import CONFIDENCE, SherlockSource
from clew.ontology.normalize import normalize
from tests.support.tool_reports import assert_consistent, contents, links, read_bytes, read_fixture, rejects, sample

SOURCE = SherlockSource()
HEADER = b"username,name,url_main,url_user,exists,http_status,response_time_s\n"
SHAPES = ("quietheron42.txt", "quietheron42.csv", "quietheron42.xlsx", "quietheron42.json", "console.txt")
ACCOUNTS = {f"{platform}:quietheron42" for platform in ("github", "docker_hub", "reddit", "tumblr")}


def identities(facts: Facts, entity_type: str) -> set[str]:
    rows = facts.mentions.select("entity_type", "value", "qualifier").rows()
    return {normalize(kind, value, qualifier).identity for kind, value, qualifier in rows if kind == entity_type}


def claims(facts: Facts) -> dict[str, float]:
    rows = facts.mentions.select("entity_type", "qualifier", "confidence").rows()
    return {qualifier: round(confidence, 2) for kind, qualifier, confidence in rows if kind == "social_profile"}


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_names_the_same_handle_and_accounts(name: str) -> None:
    facts = read_fixture(SOURCE, name)
    assert identities(facts, "social_profile") == ACCOUNTS
    assert set(facts.mentions.filter(entity_type="username")["value"]) == {"quietheron42"}
    assert links(facts) == {("quietheron42", "HAS_ACCOUNT", "quietheron42")}
    assert facts.links.height == 4
    assert facts.warnings == ()
    assert facts.rejects.is_empty()
    assert_consistent(facts)


def test_sites_without_an_account_are_kept_as_records_only() -> None:
    facts = read_fixture(SOURCE, "quietheron42.csv")
    assert facts.records.height == 8
    assert [row["status"] for row in contents(facts)][4:] == ["Available", "Unknown", "Illegal", "WAF"]
    assert set(facts.mentions.filter(entity_type="social_profile")["record"]) == {0, 1, 2, 3}


def test_a_claim_is_believed_by_its_http_status() -> None:
    assert claims(read_fixture(SOURCE, "quietheron42.csv")) == {
        "github": CONFIDENCE["success"],
        "docker hub": CONFIDENCE["refused"],
        "reddit": CONFIDENCE["refused"],
        "tumblr": CONFIDENCE["success"],
    }
    others = b"".join(b"heron,Site%d,https://s.example,https://s.example/heron,Claimed,%b,0.1\n" % (i, status)
                      for i, status in enumerate((b"302", b"400", b"503", b"?", b"")))  # fmt: skip
    assert list(claims(read_bytes(SOURCE, "heron.csv", HEADER + others)).values()) == [
        CONFIDENCE[why] for why in ("redirect", "failure", "failure", "unanswered", "unstated")
    ]


def test_csv_and_spreadsheet_of_one_search_are_the_same_records() -> None:
    assert contents(read_fixture(SOURCE, "quietheron42.csv")) == contents(read_fixture(SOURCE, "quietheron42.xlsx"))


def test_lines_point_at_the_row() -> None:
    assert list(read_fixture(SOURCE, "quietheron42.csv").records["line"]) == list(range(2, 10))
    assert list(read_fixture(SOURCE, "quietheron42.xlsx").records["line"]) == list(range(2, 10))
    assert list(read_fixture(SOURCE, "quietheron42.json").records["line"]) == [4, 5, 6, 7, 8]
    assert list(read_fixture(SOURCE, "console.txt").records["line"]) == [3, 4, 5, 6, 7, 8, 9, 10]


def test_the_old_columns_are_read_too() -> None:
    facts = read_fixture(SOURCE, "old.csv")
    assert identities(facts, "social_profile") == {"github:quietheron42"}
    assert facts.records.height == 3


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("heron.txt", b"https://github.com/heron\nTotal Websites Username Detected On : 7\n"),
        ("heron.txt", b"https://github.com/heron\nTotal Websites : 7"),
        ("heron.json", (b'{"username":"heron","results":[{"platform":"GitHub","url":"https://github.com/heron",'
                       b'"status":"found"},{"platform":"X","status":"error"}],"total_found":7}')),
        ("log.txt", (b"[*] Checking username heron on:\n\n[+] GitHub: https://github.com/heron\n"
                    b"[*] Search completed with 7 results\n")),
    ],
)  # fmt: skip
def test_a_total_that_disagrees_with_the_rows_is_reported_with_both_numbers(name: str, data: bytes) -> None:
    facts = read_bytes(SOURCE, name, data)
    (warning,) = facts.warnings
    assert "7" in warning
    assert "1" in warning
    assert facts.mentions.filter(entity_type="social_profile").height == 1


def test_ragged_and_garbled_csv_rows_are_rejected_with_their_line() -> None:
    data = HEADER + (
        b'heron,"Multi\nLine",https://a.example,https://a.example/heron,Claimed,200,0.1\n'
        b"heron,TooShort,https://b.example\n"
        b'heron,"Broken"quote,https://c.example,https://c.example/heron,Claimed,200,0.1\n'
        b"heron,Bad\xff,https://d.example,https://d.example/heron,Claimed,200,0.1\n"
        b"heron,Slow,https://e.example,https://e.example/heron,Claimed,200,fast\n"
        b',Nobody,https://f.example,https://f.example/,Claimed,200,0.1\n"heron,Open,https://g.example\n'
        b"heron,Last,https://h.example,https://h.example/heron,Claimed,200,0.1\n"
    )
    facts = read_bytes(SOURCE, "heron.csv", data)
    assert list(facts.records["line"]) == [2, 10]
    assert rejects(facts) == [
        (1, 4, "invalid_csv"),
        (2, 5, "invalid_csv"),
        (3, 6, "invalid_encoding"),
        (4, 7, "wrong_type"),
        (5, 8, "missing_field"),
        (6, 9, "invalid_csv"),
    ]
    assert facts.rejects["content"][2] == b"heron,Bad\xff,https://d.example,https://d.example/heron,Claimed,200,0.1"
    assert_consistent(facts)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_csv_saved_by_a_spreadsheet_program(encoding: str) -> None:
    text = "username;name;url_main;url_user;exists;http_status;response_time_s\r\nhéron;GitHub;;https://x/héron;Claimed;200;1\r\n"
    facts = read_bytes(SOURCE, "heron.csv", text.encode(encoding))
    assert set(facts.mentions["value"]) == {"héron"}


def test_json_rows_that_cannot_be_used_are_rejected_alone() -> None:
    data = b"""{"username": "heron", "results": [
{"platform": "GitHub", "status": "found"},
{"status": "found"},
{"platform": 7, "status": "found"},
"not a row",
{"platform": "A", "status": "found", "url": oops},
{"platform": "B", "status": "found", "note": "\\u0000"},
{"platform": "C", "status": "found", "note": "\\ud800"},
{"platform": "D", "status": "found", "size": 99999999999999999999999},
{"platform": "E", "status": "found", "note": "\xff"},
{"platform": "GitLab", "status": "found"}], "total_found": 2}"""
    facts = read_bytes(SOURCE, "heron.json", data)
    assert list(facts.records["line"]) == [2, 11]
    assert rejects(facts) == [
        (1, 3, "missing_field"),
        (2, 4, "wrong_type"),
        (3, 5, "wrong_type"),
        (4, 6, "invalid_json"),
        (5, 7, "nul_character"),
        (6, 8, "unrepresentable_value"),
        (7, 9, "unrepresentable_value"),
        (8, 10, "invalid_encoding"),
    ]
    assert "line 6, column 45" in facts.rejects["detail"][3]
    assert facts.warnings == ()
    assert_consistent(facts)


def test_json_cut_short_keeps_the_rows_before_the_cut() -> None:
    whole = b'{"username": "heron", "results": [{"platform": "A", "status": "found"},\n{"platform": "B", "status": "fou'
    facts = read_bytes(SOURCE, "heron.json", whole)
    assert facts.records.height == 1
    assert rejects(facts) == [(1, 2, "invalid_json")]


def test_a_handle_after_the_rows_is_found() -> None:
    data = b'[{"results": [{"platform": "A", "status": "found"}], "username": "heron", "total_found": 1}]'
    assert set(read_bytes(SOURCE, "x.json", data).mentions["value"]) == {"heron"}


def test_text_saved_under_another_name_tells_the_handle_by_its_addresses() -> None:
    text = b"https://github.com/heron\nhttps://heron.tumblr.com/\nTotal Websites Username Detected On : 2\n"
    facts = read_bytes(SOURCE, "results.txt", text)
    assert set(facts.mentions["value"]) == {"heron"}
    assert "heron" in facts.warnings[0]


def test_text_that_does_not_tell_the_handle_is_rejected_rather_than_guessed() -> None:
    facts = read_bytes(SOURCE, "results.txt", b"https://github.com/heron\nTotal Websites Username Detected On : 1\n")
    assert rejects(facts) == [(0, 1, "missing_subject")]


def test_a_garbled_line_of_the_text_file_is_rejected() -> None:
    data = b"https://github.com/heron\nhttps://gitlab.com/heron\n\n<html>\nTotal Websites Username Detected On : 2\n"
    batch = RecordBatch([data], [1], 0)
    facts = SOURCE.read(batch, ReadContext("heron.txt", "text"))
    assert rejects(facts) == [(2, 4, "invalid_url")]
    assert facts.records.height == 2
    assert facts.warnings == ()


def test_several_searches_printed_into_one_file_keep_their_handles() -> None:
    data = b"".join(
        b"[*] Checking username %b on:\n[+] GitHub: https://github.com/%b\n" % (h, h) for h in (b"a1", b"b2")
    )
    facts = read_bytes(SOURCE, "log.txt", data + b"[*] Search completed with 2 results\n")
    assert identities(facts, "social_profile") == {"github:a1", "github:b2"}
    assert facts.warnings == ()


def test_a_workbook_that_unpacks_to_far_more_than_it_weighs_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * 80_000_000)
    facts = SOURCE.read(RecordBatch([target.getvalue()], [1], 0), ReadContext("heron.xlsx", "xlsx"))
    assert rejects(facts) == [(0, 1, "too_large")]


def test_a_workbook_with_entities_to_expand_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("xl/workbook.xml", b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    facts = SOURCE.read(RecordBatch([target.getvalue()], [1], 0), ReadContext("heron.xlsx", "xlsx"))
    assert rejects(facts) == [(0, 1, "invalid_xlsx")]


def test_another_workbook_is_not_claimed() -> None:
    data = workbook_of(("name", "amount"))
    assert SOURCE.recognise(sample("heron.xlsx", data)) is None
    facts = SOURCE.read(RecordBatch([data], [1], 0), ReadContext("heron.xlsx", "xlsx"))
    assert facts.records.is_empty()


def workbook_of(*rows: tuple[object, ...]) -> bytes:
    workbook = openpyxl.Workbook()
    sheet = workbook.create_sheet("sheet1", 0)
    for row in rows:
        sheet.append(row)
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


def test_cells_of_a_spreadsheet_are_taken_for_what_they_mean() -> None:
    header = tuple(HEADER.decode().strip().split(","))
    link = '=HYPERLINK("https://github.com/12345","GitHub")'
    data = workbook_of(
        header, (12345, "GitHub", None, link, "Claimed", 200, 0.5), (), ("heron", "Off", None, None, 7, 200, 0.5)
    )
    facts = read_bytes(SOURCE, "12345.xlsx", data)
    assert identities(facts, "social_profile") == {"github:12345"}
    assert contents(facts)[0]["url"] == "https://github.com/12345"
    assert rejects(facts) == [(1, 4, "wrong_type")]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://hub.docker.com/u/heron", "Docker Hub"),
        ("https://open.spotify.com/user/heron", "Spotify"),
        ("https://t.me/heron", "Telegram"),
        ("https://heron.tumblr.com/", "Tumblr"),
        ("https://www.last.fm/user/heron", "last.fm"),
        ("https://x.com/heron", "Twitter"),
        ("https://www.tiktok.com/@heron", "TikTok"),
        ("https://steamcommunity.com/id/heron", "Steam Community (User)"),
        ("https://steamcommunity.com/groups/heron", "Steam Community (Group)"),
        ("https://news.ycombinator.com/user?id=heron", "HackerNews"),
        ("https://heron.itch.io/", "Itch.io"),
        ("https://mastodon.cloud/@heron", "mastodon.cloud"),
        ("https://dev.to/heron", "DEV Community"),
        ("https://play.google.com/store/apps/developer?id=heron", "Google Play"),
        ("https://vsco.co/heron", "VSCO"),
    ],
)
def test_an_address_tells_the_same_platform_as_the_name_in_the_csv(address: str, name: str) -> None:
    text = read_bytes(SOURCE, "heron.txt", f"{address}\nTotal Websites Username Detected On : 1\n".encode())
    table = read_bytes(SOURCE, "heron.csv", HEADER + f"heron,{name},,{address},Claimed,200,1\n".encode())
    assert identities(text, "social_profile") == identities(table, "social_profile")


def test_maigret_csv_without_response_times_is_left_to_its_own_reader() -> None:
    data = b"username,name,url_main,url_user,exists,http_status\nheron,GitHub,,https://x/heron,Claimed,200\n"
    assert SOURCE.recognise(sample("report.csv", data)) is None


def test_an_empty_search_is_recognised_and_holds_nothing() -> None:
    facts = read_bytes(SOURCE, "heron.txt", b"Total Websites Username Detected On : 0\n")
    assert facts.records.is_empty()
    assert facts.rejects.is_empty()
    assert facts.warnings == ()
    empty = read_bytes(SOURCE, "heron.json", b'{"username": "heron", "results": [], "total_found": 0}')
    assert empty.records.is_empty()
    assert empty.warnings == ()


def test_a_report_without_rows_is_rejected_as_a_whole() -> None:
    facts = SOURCE.read(RecordBatch([b'{"username": "heron"}'], [1], 0), ReadContext("a.json", "json"))
    assert rejects(facts) == [(0, 1, "missing_field")]
    garbage = SOURCE.read(RecordBatch([b"\x00\x01"], [1], 0), ReadContext("a.json", "json"))
    assert rejects(garbage) == [(0, 1, "invalid_json")]
    assert SOURCE.recognise(sample("a.json", b"")) is None
