"""Posts of a profile: kept once, merged in any order, shown with the profile and counted with the case."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from clew.domains.investigations import service as investigations
from clew.kernel.database import Database
from clew.records.cards import card
from clew.records.lookup import find_entities
from tests.support.loading import count, empty, facts, load, rows
from tests.support.record import Tenant

MARCH = int(datetime(2025, 3, 9, 12, tzinfo=UTC).timestamp())
VIDEOS: list[dict[str, Any]] = [
    {
        "video_id": "71",
        "create_time": MARCH,
        "description": "first light with @OtherOwl #birds",
        "hashtags": ["birds", 'odd, "tag" {x}'],
        "stats": {"views": 10, "likes": 1},
        "url": "https://www.tiktok.com/@quietowl/video/71",
        "duration": 12,
    },
    {"video_id": "72", "create_time": MARCH + 60 * 86_400, "stats": {"views": 5}},
    {"video_id": "73", "description": "no time said"},
]


def report(folder: Path, videos: list[dict[str, Any]], username: str = "quietowl", **profile: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{username}.json"
    path.write_text(json.dumps({"username": username, "profile": {"followers": 3, **profile}, "videos": videos}))
    return path


def test_videos_are_posts_with_all_that_was_said(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    loaded = load(database, tenant, report(tmp_path, VIDEOS))

    assert (loaded.counts.new, loaded.counts.posts) == (4, 3)
    assert loaded.as_dict()["posts"] == 3
    query = (
        "SELECT external_id, content, hashtags, mentions, stats, media, url, impossible_time, posted_at::text"
        " FROM social_posts ORDER BY external_id"
    )
    first, second, third = rows(database, tenant, query)
    assert first[:7] == (
        "71",
        "first light with @OtherOwl #birds",
        ["birds", 'odd, "tag" {x}'],
        ["otherowl"],
        {"views": 10, "likes": 1},
        {"duration": 12},
        "https://www.tiktok.com/@quietowl/video/71",
    )
    assert [row[7] for row in (first, second, third)] == [False, False, True]
    assert third[8].startswith("1970-01-01")
    seen = "SELECT DISTINCT platform, e.name FROM social_posts p JOIN entities e ON e.id = p.profile_id"
    assert rows(database, tenant, seen) == [("tiktok", "quietowl")]
    assert count(database, tenant, "social_post_sources") == 3


def test_the_same_posts_again_add_nothing(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    load(database, tenant, report(tmp_path / "a", VIDEOS))
    before = facts(database, tenant)
    updated = rows(database, tenant, "SELECT updated_at FROM social_posts")

    again = load(database, tenant, report(tmp_path / "b", VIDEOS[::-1]))

    assert (again.counts.new, again.counts.duplicate, again.counts.posts) == (0, 4, 0)
    assert facts(database, tenant) == before
    assert rows(database, tenant, "SELECT updated_at FROM social_posts") == updated


def test_what_is_said_of_one_post_merges_in_any_order(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    said: list[dict[str, Any]] = [
        {"video_id": "7", "stats": {"views": 3, "likes": 2}, "hashtags": ["b"]},
        {"video_id": "7", "create_time": MARCH, "stats": {"views": 30.0}, "hashtags": ["a"], "description": "x"},
        {"video_id": "7", "create_time": MARCH - 90 * 86_400, "description": "y", "language": "en"},
        {"video_id": "7", "date": "1971-01-01T00:00:00Z", "hashtags": ["b"], "location": "Lisbon"},
        {"video_id": "8", "create_time": MARCH},
    ]
    found = []
    for seed in range(4):
        shuffled = random.Random(seed).sample(said, len(said))
        cut = seed + 1
        for name, part in (("a", shuffled[:cut]), ("b", shuffled[cut:])):
            load(database, tenant, report(tmp_path / f"{seed}{name}", part))
        found.append(facts(database, tenant))
        empty(database, tenant)

    assert all(each == found[0] for each in found)
    assert len(found[0]["social_posts"]) == len(found[0]["social_post_keys"]) == 2
    merged = next(json.loads(post) for post in found[0]["social_posts"] if '"y"' in post)
    assert merged[9] == ["a", "b"]
    assert merged[11] == {"views": 30, "likes": 2}
    assert merged[14].startswith("2024-12-09")


def test_a_profiles_card_shows_its_posts_in_order_of_time(database: Database, tenant: Tenant, tmp_path: Path) -> None:
    loaded = load(database, tenant, report(tmp_path, VIDEOS))
    with database.transaction(tenant.context) as connection:
        (profile,) = find_entities(connection, tenant.id, "tiktok:quietowl", "social_profile")
        shown = card(connection, tenant.id, profile.id)
        posts = [entry for entry in shown.timeline if entry["kind"] == "post"]
        assert [(post["external_id"], post["at"] is None) for post in posts] == [
            ("71", False),
            ("72", False),
            ("73", True),
        ]
        assert posts[0]["content"].startswith("first light")
        assert shown.post_count == 3
        assert "POSTED" not in {entry.get("relationship_type") for entry in shown.timeline}
        (video,) = [each for each in shown.neighbours if each.name == "TikTok video 71"]
        assert [
            entry["external_id"] for entry in card(connection, tenant.id, video.id).timeline if entry["kind"] == "post"
        ] == ["71"]
        case = investigations.create_investigation(connection, tenant.id, "owls")
        investigations.attach_items(connection, tenant.id, case.id, loaded.item_ids)
        assert investigations.investigation_overview(connection, tenant.id, case.id).as_dict()["posts"] == 3


def test_posts_go_with_their_profile_and_stay_without_their_document(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    load(database, tenant, report(tmp_path, VIDEOS))

    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text("DELETE FROM entities WHERE entity_type = 'document'"))
    assert rows(database, tenant, "SELECT DISTINCT document_id FROM social_posts") == [(None,)]
    assert count(database, tenant, "social_posts") == 3
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text("DELETE FROM entities WHERE entity_type = 'social_profile'"))
    for table in ("social_posts", "social_post_keys", "social_post_sources"):
        assert count(database, tenant, table) == 0, table


def test_posts_of_a_merged_profile_belong_to_who_it_was_merged_into(
    database: Database, tenant: Tenant, tmp_path: Path
) -> None:
    load(database, tenant, report(tmp_path / "a", [], username="keptowl"))
    load(database, tenant, report(tmp_path / "b", [], username="quietowl"))
    with database.transaction(tenant.context) as connection:
        (kept,) = find_entities(connection, tenant.id, "tiktok:keptowl", "social_profile")
        (lost,) = find_entities(connection, tenant.id, "tiktok:quietowl", "social_profile")
    insert = (
        "INSERT INTO entity_aliases (organization_id, alias_id, entity_id) VALUES (%(o)s, %(a)s, %(e)s) RETURNING id"
    )
    with database.connect_raw() as raw:
        raw.execute("SELECT set_config('app.current_organization_id', %s, false)", (str(tenant.id),))
        raw.execute(insert, {"o": tenant.id, "a": lost.id, "e": kept.id})

    load(database, tenant, report(tmp_path / "c", VIDEOS))

    assert rows(database, tenant, "SELECT DISTINCT profile_id FROM social_posts") == [(kept.id,)]
