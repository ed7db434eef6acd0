"""TikTok reports: one account, its videos with their times, and what the owner wrote."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from clew.ingest.facts import Facts
from clew.ingest.sources.base import ReadContext, RecordBatch
from clew.ingest.sources.tiktok import TikTokSource
from clew.ontology.normalize import normalize
from tests.support.tool_reports import assert_consistent, entities, links, read_bytes, read_fixture, rejects

SOURCE = TikTokSource()
HANDLE = "quietheron42"


def read(text: str) -> Facts:
    facts = SOURCE.read(RecordBatch([text.encode()], [1], 0), ReadContext("a.json", "json"))
    assert_consistent(facts)
    return facts


def video(fields: str) -> Facts:
    return read(f'{{"username": "heron", "profile": {{}}, "videos": [{{"video_id": "1", {fields}}}]}}')


def test_profile_and_videos_are_one_record_each() -> None:
    facts = read_fixture(SOURCE, f"{HANDLE}.json")
    assert list(facts.records["line"]) == [3, 10, 17]
    assert facts.rejects.is_empty()
    assert_consistent(facts)
    assert {
        (HANDLE, "HAS_ACCOUNT", HANDLE),
        (HANDLE, "POSTED", "TikTok video 7300000000000000001"),
        (HANDLE, "POSTED", "TikTok video 7300000000000000002"),
    } <= links(facts)


def test_the_account_is_the_one_sherlock_finds() -> None:
    facts = read_fixture(SOURCE, f"{HANDLE}.json")
    (row,) = {row for row in entities(facts) if row[0] == "social_profile"}
    assert normalize(*row).identity == normalize("social_profile", HANDLE, "TikTok").identity


def test_profile_figures_are_properties_of_the_account() -> None:
    facts = read_fixture(SOURCE, f"{HANDLE}.json")
    properties = facts.mentions.filter(entity_type="social_profile")["properties"][0]
    assert '"followers":1520' in properties
    assert '"verified":false' in properties


def test_a_video_is_a_document_of_its_own_with_its_time() -> None:
    facts = read_fixture(SOURCE, f"{HANDLE}.json")
    first, second = facts.mentions.filter(entity_type="document").rows(named=True)
    assert (
        normalize("document", first["value"], first["qualifier"]).identity
        != normalize("document", second["value"], second["qualifier"]).identity
    )
    assert first["first_seen"] == datetime(2024, 6, 1, 12, tzinfo=UTC)
    assert second["first_seen"] is None
    assert first["properties"] == '{"platform":"tiktok","video_id":"7300000000000000001"}'


def test_a_video_is_a_post_with_what_it_says_and_its_figures() -> None:
    first, second = read_fixture(SOURCE, f"{HANDLE}.json").posts.rows(named=True)
    assert (first["platform"], first["external_id"], first["profile"]) == ("tiktok", "7300000000000000001", HANDLE)
    assert first["document"] == "TikTok video 7300000000000000001"
    assert first["content"] == "first light #birds with @marshwren"
    assert (first["hashtags"], first["mentions"]) == (["birds", "morning"], ["marshwren"])
    assert '"views":4200' in first["stats"]
    assert first["posted_at"] == datetime(2024, 6, 1, 12, tzinfo=UTC)
    assert (second["posted_at"], second["content"], second["mentions"]) == (None, None, [])


def test_addresses_links_and_handles_written_by_the_owner_are_mentions() -> None:
    facts = read_fixture(SOURCE, f"{HANDLE}.json")
    written = {target for _, kind, target in links(facts) if kind == "MENTIONS"}
    assert written == {"quiet.heron@example.org", "https://heron.example.net/links", "marshwren"}
    assert ("TikTok video 7300000000000000001", "MENTIONS", "marshwren") in links(facts)
    assert all(value < 0.5 for value in facts.mentions.filter(method="written_text")["confidence"])


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ('"create_time": 1717243200', datetime(2024, 6, 1, 12, tzinfo=UTC)),
        ('"createTime": "1717243200"', datetime(2024, 6, 1, 12, tzinfo=UTC)),
        ('"created_at": "2024-06-01T14:00:00+02:00"', datetime(2024, 6, 1, 12, tzinfo=UTC)),
        ('"date": "2024-06-01"', datetime(2024, 6, 1, tzinfo=UTC)),
        ('"date": null', None),
    ],
)
def test_times_as_they_are_written(stated: str, expected: datetime | None) -> None:
    facts = video(stated)
    assert facts.mentions.filter(entity_type="document")["first_seen"][0] == expected


def test_times_without_a_zone_are_utc_with_a_warning_or_in_the_zone_given() -> None:
    assert "UTC" in video('"date": "2024-06-01T12:00:00"').warnings[0]
    data = b'{"username": "a", "profile": {}, "videos": [{"video_id": "1", "date": "2024-06-01 12:00:00"}]}'
    facts = read_bytes(SOURCE, "a.json", data, timezone=ZoneInfo("Europe/Berlin"))
    assert facts.warnings == ()
    assert facts.mentions.filter(entity_type="document")["first_seen"][0] == datetime(2024, 6, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ('"create_time": 12', "wrong_type"),
        ('"create_time": true', "wrong_type"),
        ('"create_time": "yesterday"', "invalid_timestamp"),
        ('"stats": 5', "wrong_type"),
        ('"hashtags": "birds"', "wrong_type"),
        ('"description": ["a"]', "wrong_type"),
        ('"video_id": null', "missing_field"),
    ],
)
def test_videos_of_another_shape_are_rejected_and_the_profile_kept(fields: str, reason: str) -> None:
    facts = video(fields)
    assert list(facts.records["record"]) == [0]
    assert rejects(facts) == [(1, 1, reason)]


def test_what_is_missing_is_rejected_by_name() -> None:
    assert rejects(read('{"profile": {}, "videos": [{"video_id": "1"}]}')) == [
        (0, 1, "missing_field"),
        (1, 1, "missing_field"),
    ]
    assert rejects(read('{"username": "heron", "videos": []}')) == [(0, 1, "missing_field")]
    assert rejects(read('{"username": "heron", "profile": 3, "videos": 4}')) == [
        (0, 1, "wrong_type"),
        (1, 1, "wrong_type"),
    ]


def test_a_report_cut_short_keeps_profile_and_whole_videos() -> None:
    facts = read('{"username": "heron", "profile": {"bio": ""}, "videos": [{"video_id": "1"},\n{"video_id": "2", "st')
    assert facts.records.height == 2
    assert rejects(facts) == [(2, 2, "invalid_json")]


def test_a_stated_number_of_videos_that_disagrees_is_reported() -> None:
    facts = read('{"username": "heron", "profile": {}, "videos": [{"video_id": 1}], "total_videos": 40}')
    assert "40" in facts.warnings[0]
    assert "1" in facts.warnings[0]
