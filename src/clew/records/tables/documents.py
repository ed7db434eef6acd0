"""What enriches entities, as each source told it.

Raw documents need no table of their own: `raw_documents` is a view over the collected items, and analyses are documents
in `analysis_results`.
"""

from typing import Final

import sqlalchemy as sa

from clew.kernel.schema import belongs_to, json_object, reference, required, tenant_table

_NEWEST_FIRST: Final = (sa.text("created_at DESC"), sa.text("id DESC"))


def newest_first(table: str, *columns: str) -> sa.Index:
    """An index by these columns, of equal ones the newest first."""
    name = "_".join((table, "organization_id", *columns, "created_at", "idx"))
    return sa.Index(name, "organization_id", *columns, *_NEWEST_FIRST)


# data: what was said; metadata: enricher, version, confidence. The item is null for what no collected item says.
enriched_data: Final = tenant_table(
    "enriched_data",
    reference("entity_id"),
    reference("collection_item_id", optional=True),
    required("enrichment_type"),
    json_object("data"),
    json_object("metadata"),
    belongs_to("entity_id", "entities"),
    sa.UniqueConstraint(
        "organization_id",
        "entity_id",
        "enrichment_type",
        "collection_item_id",
        name="enriched_data_told_once_key",
        postgresql_nulls_not_distinct=True,
    ),
    newest_first("enriched_data", "entity_id"),
    newest_first("enriched_data", "collection_item_id"),
    newest_first("enriched_data", "enrichment_type"),
    newest_first("enriched_data"),
    bulk=True,
)
