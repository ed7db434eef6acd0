"""Entities, relationships between them, and where each was seen."""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import (
    belongs_to,
    flag,
    fraction,
    index,
    json_object,
    metadata,
    moment,
    now,
    number,
    one_of,
    reference,
    required,
    tenant_table,
    text,
    text_array,
)

RISK_LEVELS: Final = ("low", "medium", "high", "critical")

# `metadata.observed` holds, for each property, when its value was observed: the newest wins whatever the order.
# `flags` are the ontology's marks (private, reserved, placeholder …) that keep a value from becoming a hub.
entities: Final = tenant_table(
    "entities",
    required("entity_type"),
    required("name"),
    required("normalized_name"),
    json_object("properties"),
    json_object("metadata"),
    text_array("tags"),
    text_array("flags"),
    number("risk_score", 0),
    fraction("confidence", "0.50"),
    flag("is_verified", default=False),
    moment("first_seen"),
    moment("last_seen"),
    sa.CheckConstraint("risk_score BETWEEN 0 AND 100", name="risk_score"),
    sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    # Listings go from page to page by these, up to the id that tells equals apart.
    index("entity_type", "created_at", "id"),
    index("created_at", "id"),
    index("name"),
    index("normalized_name"),
    index("risk_score", postgresql_where=sa.text("risk_score > 0")),
    sa.Index("entities_tags_idx", "tags", postgresql_using="gin"),
    sa.Index("entities_properties_idx", "properties", postgresql_using="gin"),
    bulk=True,
)

entity_aliases: Final = tenant_table(
    "entity_aliases",
    reference("alias_id"),
    reference("entity_id"),
    text("reason"),
    text("judged_by"),
    moment("undone_at"),
    belongs_to("entity_id", "entities"),
    index("alias_id"),
    index("entity_id"),
    changing=False,
)

entity_sources: Final = tenant_table(
    "entity_sources",
    reference("entity_id"),
    reference("collection_item_id"),
    fraction("confidence", "0.50"),
    text("extraction_method"),
    number("line", big=True),
    sa.UniqueConstraint("organization_id", "entity_id", "collection_item_id"),
    index("collection_item_id"),
    changing=False,
    bulk=True,
)

# Both ends must exist, and all that hangs on an entity goes with it: statement triggers see to that, since foreign
# keys cost as much per row as the row itself (docs/decisions/0005).
relationships: Final = tenant_table(
    "relationships",
    reference("source_entity_id"),
    reference("target_entity_id"),
    required("relationship_type"),
    fraction("confidence", "0.50"),
    text("source"),
    json_object("properties"),
    json_object("metadata"),
    moment("first_seen"),
    moment("last_seen"),
    sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    index("source_entity_id", "relationship_type", "id"),
    index("target_entity_id", "relationship_type", "id"),
    # The few that say more than how they were told: those are documents of the search view.
    index("id", postgresql_where=sa.text("properties - ARRAY['record', 'record_type', 'source', 'sources'] <> '{}'")),
    bulk=True,
)

relationship_sources: Final = sa.Table(
    "relationship_sources",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("relationship_id"),
    reference("collection_item_id"),
    fraction("confidence", "0.50"),
    number("line", big=True),
    sa.PrimaryKeyConstraint("organization_id", "relationship_id", "collection_item_id"),
    index("collection_item_id"),
)

risk_scores: Final = tenant_table(
    "risk_scores",
    reference("entity_id"),
    number("score", 0),
    required("level"),
    json_object("factors"),
    text("calculation_method"),
    reference("calculated_by", optional=True),
    now("calculated_at"),
    sa.CheckConstraint("score BETWEEN 0 AND 100", name="score"),
    one_of("level", RISK_LEVELS),
    belongs_to("entity_id", "entities"),
    belongs_to("calculated_by", "users", on_delete="SET NULL"),
    index("entity_id"),
    index("score"),
    index("level"),
    index("calculated_at"),
    changing=False,
)

# `document_id` is the entity that the post's relationships hang on, where it has any. `metadata` holds, for the texts
# ("said"), "stats" and "media", when each value was observed. A post without a time has 1970-01-01 and
# `impossible_time`, as has one whose time cannot be (docs/decisions/0008).
social_posts: Final = tenant_table(
    "social_posts",
    required("platform"),
    reference("profile_id"),
    text("content"),
    text_array("hashtags"),
    text_array("mentions"),
    text("language"),
    json_object("stats"),
    text("location"),
    json_object("media"),
    sa.Column("posted_at", sa.TIMESTAMP(timezone=True), nullable=False),
    text("external_id"),
    reference("document_id", optional=True),
    text("url"),
    json_object("metadata"),
    flag("impossible_time", default=False),
    belongs_to("profile_id", "entities"),
    belongs_to("document_id", "entities", on_delete="SET NULL"),
    index("profile_id", "posted_at"),
    index("document_id", postgresql_where=sa.text("document_id IS NOT NULL")),
    partition_by="posted_at",
)

# A post is identified by its platform's own id; its time, which places it in a partition, may be learned later.
social_post_keys: Final = sa.Table(
    "social_post_keys",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    sa.Column("id", sa.Uuid, nullable=False),
    sa.Column("posted_at", sa.TIMESTAMP(timezone=True), nullable=False),
    flag("impossible_time", default=False),
    sa.PrimaryKeyConstraint("organization_id", "id"),
)

social_post_sources: Final = sa.Table(
    "social_post_sources",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("post_id"),
    reference("collection_item_id"),
    fraction("confidence", "0.50"),
    number("line", big=True),
    sa.PrimaryKeyConstraint("organization_id", "post_id", "collection_item_id"),
    index("collection_item_id"),
)
