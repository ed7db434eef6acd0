"""What was posted: by a social profile, or as the document that stands for it."""

from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

MAXIMUM_TEXT: Final = 500
"""Characters shown of one post; the table holds all of them."""

# The earliest and the latest; those without a time come last, and only as far as there is room.
_OF_PROFILE: Final = sa.text("""
WITH first AS (
    SELECT * FROM social_posts
    WHERE organization_id = :organization AND profile_id = :entity AND NOT impossible_time
    ORDER BY posted_at, id LIMIT :half
), last AS (
    SELECT * FROM social_posts
    WHERE organization_id = :organization AND profile_id = :entity AND NOT impossible_time
    ORDER BY posted_at DESC, id DESC LIMIT :half
), undated AS (
    SELECT * FROM social_posts
    WHERE organization_id = :organization AND profile_id = :entity AND impossible_time
    ORDER BY posted_at, id LIMIT :half
), shown AS (
    SELECT * FROM first UNION ALL SELECT * FROM last WHERE id NOT IN (SELECT id FROM first)
    UNION ALL SELECT * FROM undated
)
SELECT id, document_id, platform, external_id, posted_at, impossible_time, left(content, :text) AS content, language,
       location, url, hashtags, mentions, stats
FROM shown ORDER BY impossible_time, posted_at, id LIMIT 2 * :half
""")

_OF_DOCUMENT: Final = sa.text("""
SELECT id, document_id, platform, external_id, posted_at, impossible_time, left(content, :text) AS content, language,
       location, url, hashtags, mentions, stats
FROM social_posts WHERE organization_id = :organization AND document_id = :entity
ORDER BY impossible_time, posted_at, id LIMIT 2 * :half
""")

_COUNT: Final = sa.text(
    "SELECT count(*) FROM social_posts WHERE organization_id = :organization AND profile_id = :entity"
)


def posts_of(
    connection: sa.Connection, organization_id: UUID, entity_id: UUID, entity_type: str, half: int
) -> list[dict[str, Any]]:
    """Up to twice `half` posts of a profile or document, as entries of a timeline; `at` is None without a time.

    Dated posts come first, in order of time: half of them the earliest, half the latest. Other entities have none.
    """
    statement = {"social_profile": _OF_PROFILE, "document": _OF_DOCUMENT}.get(entity_type)
    if statement is None:
        return []
    parameters = {"organization": organization_id, "entity": entity_id, "half": half, "text": MAXIMUM_TEXT}
    return [
        {
            "kind": "post",
            "at": None if row.impossible_time else row.posted_at.isoformat(),
            "until": None,
            "id": str(row.id),
            "document_id": None if row.document_id is None else str(row.document_id),
            "platform": row.platform,
            "external_id": row.external_id,
            "content": row.content,
            "language": row.language,
            "location": row.location,
            "url": row.url,
            "hashtags": row.hashtags,
            "mentions": row.mentions,
            "stats": row.stats,
        }
        for row in connection.execute(statement, parameters)
    ]


def post_count(connection: sa.Connection, organization_id: UUID, profile_id: UUID) -> int:
    """How many posts of a profile there are, dated or not."""
    return connection.scalar(_COUNT, {"organization": organization_id, "entity": profile_id}) or 0
