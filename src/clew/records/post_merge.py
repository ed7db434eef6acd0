"""Merging posts of social platforms. Merging the same posts again changes nothing, in whatever order they come.

Like the statements of `merge_sql`, these run under the organization's merge lock for facts and find everything by key.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import polars as pl
import psycopg

from clew.records import stage


@dataclass(frozen=True, slots=True)
class PostMerger:
    """Merges posts into an organization's record, within the caller's transaction and merge lock."""

    connection: psycopg.Connection[Any]
    organization_id: UUID

    def merge(self, posts: pl.DataFrame, sightings: pl.DataFrame) -> list[str]:
        """The ids of the posts that were not in the record before."""
        if posts.is_empty():
            return []
        stage.copy(self.connection, "stage_posts", posts)
        fresh = [identifier for (identifier,) in self._execute(NEW_POSTS).fetchall()]
        self._execute(MERGE_POSTS)
        for post, stood, stands, impossible in self._execute(MOVED_POSTS).fetchall():
            self._execute(MOVE_POST, post=post, stood=stood, stands=stands, impossible=impossible)
        self._execute(KEEP_POST_KEYS)
        stage.copy(self.connection, "stage_post_sightings", sightings.drop("record", "method"))
        self._execute(MERGE_POST_SOURCES)
        return fresh

    def _execute(self, statement: str, **parameters: Any) -> psycopg.Cursor[Any]:
        return self.connection.execute(statement, {"organization": self.organization_id} | parameters)


NEW_POSTS: Final = """
SELECT replace(id::text, '-', '') FROM stage_posts
WHERE NOT EXISTS (SELECT FROM social_post_keys
                  WHERE social_post_keys.organization_id = %(organization)s AND social_post_keys.id = stage_posts.id
                  OFFSET 0)
"""

# What is known of a post is joined to what the stage says, and kept where that makes a difference. A post known before
# keeps its place (its time as known so far); the ones whose time moves are moved after this.
MERGE_POSTS: Final = """
INSERT INTO social_posts AS known (organization_id, id, platform, external_id, profile_id, document_id, content,
                                   language, location, url, hashtags, mentions, stats, media, metadata, posted_at,
                                   impossible_time)
SELECT %(organization)s, stage.id, stage.platform, stage.external_id, least(old.profile_id, stage.profile_id),
       least(old.document_id, stage.document_id), said.merged -> 'properties' ->> 'content',
       said.merged -> 'properties' ->> 'language', said.merged -> 'properties' ->> 'location',
       said.merged -> 'properties' ->> 'url',
       ARRAY(SELECT tag FROM unnest(old.hashtags || stage.hashtags) AS tag GROUP BY tag ORDER BY tag COLLATE "C"),
       ARRAY(SELECT name FROM unnest(old.mentions || stage.mentions) AS name GROUP BY name ORDER BY name COLLATE "C"),
       stats.merged -> 'properties', media.merged -> 'properties',
       jsonb_strip_nulls(jsonb_build_object('said', nullif(said.merged -> 'observed', '{}'),
                                            'stats', nullif(stats.merged -> 'observed', '{}'),
                                            'media', nullif(media.merged -> 'observed', '{}'))),
       coalesce(old.posted_at, stage.posted_at), coalesce(old.impossible_time, stage.impossible_time)
FROM (SELECT id, platform, external_id, profile_id, document_id, posted_at, impossible_time, said, stats, media,
             observed, ARRAY(SELECT jsonb_array_elements_text(hashtags)) AS hashtags,
             ARRAY(SELECT jsonb_array_elements_text(mentions)) AS mentions
      FROM stage_posts) AS stage
LEFT JOIN LATERAL (
    SELECT posted_at FROM social_post_keys
    WHERE social_post_keys.organization_id = %(organization)s AND social_post_keys.id = stage.id
    OFFSET 0
) AS key ON true
LEFT JOIN LATERAL (
    SELECT * FROM social_posts
    WHERE social_posts.organization_id = %(organization)s AND social_posts.posted_at = key.posted_at
      AND social_posts.id = stage.id
    OFFSET 0
) AS old ON true
CROSS JOIN LATERAL merge_observed(
    jsonb_strip_nulls(jsonb_build_object('content', old.content, 'language', old.language, 'location', old.location,
                                         'url', old.url)),
    jsonb_build_object('observed', old.metadata -> 'said'),
    stage.said, jsonb_build_object('observed', stage.observed -> 'said')) AS said (merged)
CROSS JOIN LATERAL merge_observed(coalesce(old.stats, '{}'), jsonb_build_object('observed', old.metadata -> 'stats'),
    stage.stats, jsonb_build_object('observed', stage.observed -> 'stats')) AS stats (merged)
CROSS JOIN LATERAL merge_observed(coalesce(old.media, '{}'), jsonb_build_object('observed', old.metadata -> 'media'),
    stage.media, jsonb_build_object('observed', stage.observed -> 'media')) AS media (merged)
ORDER BY coalesce(old.posted_at, stage.posted_at), stage.id
ON CONFLICT (organization_id, posted_at, id) DO UPDATE
SET profile_id = excluded.profile_id, document_id = excluded.document_id, content = excluded.content,
    language = excluded.language, location = excluded.location, url = excluded.url, hashtags = excluded.hashtags,
    mentions = excluded.mentions, stats = excluded.stats, media = excluded.media, metadata = excluded.metadata,
    updated_at = now()
WHERE (known.profile_id, known.document_id, known.content, known.language, known.location, known.url, known.hashtags,
       known.mentions, known.stats, known.media, known.metadata)
      IS DISTINCT FROM
      (excluded.profile_id, excluded.document_id, excluded.content, excluded.language, excluded.location,
       excluded.url, excluded.hashtags, excluded.mentions, excluded.stats, excluded.media, excluded.metadata)
"""

MOVED_POSTS: Final = """
SELECT stage.id, key.posted_at, stage.posted_at, stage.impossible_time
FROM stage_posts AS stage
CROSS JOIN LATERAL (
    SELECT posted_at, impossible_time FROM social_post_keys
    WHERE social_post_keys.organization_id = %(organization)s AND social_post_keys.id = stage.id
    OFFSET 0
) AS key
WHERE (stage.impossible_time, stage.posted_at) < (key.impossible_time, key.posted_at)
ORDER BY stage.id
"""

MOVE_POST: Final = """
UPDATE social_posts SET posted_at = %(stands)s, impossible_time = %(impossible)s, updated_at = now()
WHERE organization_id = %(organization)s AND posted_at = %(stood)s AND id = %(post)s
"""

KEEP_POST_KEYS: Final = """
INSERT INTO social_post_keys AS known (organization_id, id, posted_at, impossible_time)
SELECT %(organization)s, id, posted_at, impossible_time FROM stage_posts ORDER BY id
ON CONFLICT (organization_id, id) DO UPDATE
SET posted_at = excluded.posted_at, impossible_time = excluded.impossible_time
WHERE (excluded.impossible_time, excluded.posted_at) < (known.impossible_time, known.posted_at)
"""

MERGE_POST_SOURCES: Final = """
INSERT INTO social_post_sources AS known (organization_id, post_id, collection_item_id, confidence, line)
SELECT %(organization)s, id, item_id, confidence, line
FROM stage_post_sightings
ORDER BY id, item_id
ON CONFLICT (organization_id, post_id, collection_item_id) DO UPDATE
SET confidence = greatest(known.confidence, excluded.confidence), line = least(known.line, excluded.line)
WHERE excluded.confidence > known.confidence OR excluded.line < known.line
"""
