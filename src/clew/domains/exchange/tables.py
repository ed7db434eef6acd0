"""Peers, what is exchanged with them word for word, how far each peer is in step, and what is shared."""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import (
    belongs_to,
    flag,
    index,
    json_object,
    metadata,
    moment,
    now,
    one_of,
    reference,
    required,
    tenant_table,
    text,
)

PEER_KINDS: Final = ("misp", "taxii")
FORMS: Final = ("misp", "stix", "bundle")


def _hash(name: str, *, optional: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.CHAR(64), nullable=optional)


peers: Final = tenant_table(
    "exchange_peers",
    required("name"),
    required("kind"),
    required("base_url"),
    sa.Column("credentials", sa.LargeBinary),  # sealed
    json_object("settings"),
    flag("is_active", default=True),
    moment("synced_at"),
    json_object("report"),
    one_of("kind", PEER_KINDS),
    sa.UniqueConstraint("organization_id", "name"),
)

# What somebody wrote, byte for byte, kept once whoever holds it: our own copy, and what each peer was last seen with.
contents: Final = sa.Table(
    "exchange_contents",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    _hash("hash", optional=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("organization_id", "hash"),
)

# Our copy of each exchanged thing. Of a bundle the content is what surrounds its objects.
objects: Final = tenant_table(
    "exchange_objects",
    required("form"),
    required("external_id"),
    required("object_type"),
    text("title"),
    _hash("content_hash"),  # null: deleted, and nobody's copy is kept
    reference("campaign_id", optional=True),
    _hash("generated_hash"),  # what it was made as from its campaign last: the common ground with what people changed
    moment("deleted_at"),
    moment("changed_at", nullable=False),
    one_of("form", FORMS),
    belongs_to("campaign_id", "campaigns", on_delete="SET NULL"),
    sa.UniqueConstraint("organization_id", "form", "external_id"),
    index("form", "changed_at"),
    index("campaign_id"),
    index("content_hash"),
    index("generated_hash"),
)

# Which objects a bundle holds, in its order; of each the version that the bundle has.
bundle_members: Final = sa.Table(
    "exchange_bundle_members",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    required("bundle_id"),
    sa.Column("position", sa.Integer, nullable=False),
    _hash("content_hash", optional=False),
    sa.PrimaryKeyConstraint("organization_id", "bundle_id", "position"),
    index("content_hash"),
)

# What a peer was last seen with, or left with: the common ground from which changes of both sides are told.
states: Final = sa.Table(
    "exchange_states",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("peer_id"),
    required("form"),
    required("external_id"),
    _hash("base_hash"),
    text("base_version"),  # what they call it: an event's timestamp; null: to be read from the content
    _hash("sent_hash"),  # what they were sent, where they keep less of it
    flag("is_deleted", default=False),
    moment("seen_at"),
    moment("sent_at"),
    sa.PrimaryKeyConstraint("organization_id", "peer_id", "form", "external_id"),
    belongs_to("peer_id", "exchange_peers"),
    one_of("form", FORMS),
    index("base_hash"),
    index("sent_hash"),
)

conflicts: Final = tenant_table(
    "exchange_conflicts",
    reference("peer_id"),
    required("form"),
    required("external_id"),
    required("place"),
    required("rule"),
    json_object("base", empty=False),
    json_object("ours", empty=False),
    json_object("theirs", empty=False),
    text("resolution"),
    moment("resolved_at"),
    belongs_to("peer_id", "exchange_peers"),
    one_of("form", FORMS),
    sa.UniqueConstraint("organization_id", "peer_id", "form", "external_id", "place"),
)

# Collections that others may read by TAXII, and what was put into them.
shared_collections: Final = tenant_table(
    "exchange_collections",
    required("title"),
    text("description"),
    required("maximum_tlp", "green"),
    sa.UniqueConstraint("organization_id", "title"),
)

shares: Final = sa.Table(
    "exchange_shares",
    metadata,
    sa.Column("organization_id", sa.Uuid, nullable=False),
    reference("collection_id"),
    required("external_id"),
    required("version"),
    _hash("content_hash", optional=False),
    sa.Column("position", sa.BigInteger, sa.Identity(always=True), nullable=False),
    now("added_at"),
    sa.PrimaryKeyConstraint("organization_id", "collection_id", "external_id", "version"),
    belongs_to("collection_id", "exchange_collections"),
    index("collection_id", "added_at", "position"),
    index("content_hash"),
)

# Techniques as the newest ATT&CK bundle that was loaded describes them.
techniques: Final = sa.Table(
    "attack_techniques",
    metadata,
    sa.Column("organization_id", sa.Uuid, sa.ForeignKey("organizations.id", ondelete="CASCADE"), nullable=False),
    required("stix_id"),
    required("technique"),
    required("name"),
    text("description"),
    text("url"),
    text("version"),
    text("attack_version"),
    json_object("tactics"),
    flag("is_revoked", default=False),
    flag("is_deprecated", default=False),
    text("revoked_by"),
    moment("modified_at", nullable=False),
    sa.PrimaryKeyConstraint("organization_id", "stix_id"),
    index("technique"),
)
