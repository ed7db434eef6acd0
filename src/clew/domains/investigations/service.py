"""What the rest of the program asks of investigations.

Everything takes a connection inside a tenant's transaction and commits nothing.
"""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from clew.domains.investigations.cases import (
    Investigation,
    create_investigation,
    ensure_investigation,
    find_investigation,
    list_investigations,
)
from clew.domains.investigations.changes import (
    Check,
    InvestigationChanges,
    InvestigationFilter,
    change_investigation,
    delete_investigation,
    page_of_investigations,
    read_investigation,
)
from clew.domains.investigations.overview import CaseFile, Overview, investigation_overview
from clew.domains.investigations.targets import (
    Target,
    TargetChanges,
    add_target,
    change_target,
    page_of_targets,
    read_target,
    remove_target,
    targets_of,
)
from clew.kernel.errors import NotFoundError
from clew.records.acts import Act, record

__all__ = [
    "CaseFile",
    "Check",
    "Investigation",
    "InvestigationChanges",
    "InvestigationFilter",
    "Overview",
    "Target",
    "TargetChanges",
    "add_target",
    "attach_items",
    "change_investigation",
    "change_target",
    "create_investigation",
    "delete_investigation",
    "ensure_investigation",
    "find_investigation",
    "investigation_overview",
    "list_investigations",
    "page_of_investigations",
    "page_of_targets",
    "read_investigation",
    "read_target",
    "remove_target",
    "targets_of",
]


def attach_items(
    connection: sa.Connection, organization_id: UUID, investigation_id: UUID, item_ids: Iterable[UUID]
) -> int:
    """Make items part of the case, their rows with them; how many were not before.

    Raises NotFoundError for a case or an item that does not exist.
    """
    found = find_investigation(connection, organization_id, investigation_id)
    wanted = sorted(set(item_ids))
    if not wanted:
        return 0
    _require_items(connection, organization_id, wanted)
    parameters = {"organization": organization_id, "investigation": investigation_id, "items": wanted}
    added = len(connection.execute(_ATTACH, parameters).all())
    if added:
        act = Act("items_attached", "UPDATE", "investigation", found.id, found.name, response={"items": added})
        record(connection, act)
    return added


# An archive may hold a hundred thousand files: arrays, because a statement takes only so many single parameters.
_ATTACH: Final = sa.text("""
INSERT INTO investigation_items (organization_id, investigation_id, collection_item_id)
SELECT :organization, :investigation, item FROM unnest(CAST(:items AS uuid[])) AS item
ON CONFLICT DO NOTHING
RETURNING collection_item_id
""")

_MISSING: Final = sa.text("""
SELECT item FROM unnest(CAST(:items AS uuid[])) AS item
WHERE NOT EXISTS (SELECT FROM collection_item_hashes
                  WHERE collection_item_hashes.organization_id = :organization AND collection_item_id = item)
ORDER BY item LIMIT 1
""")


def _require_items(connection: sa.Connection, organization_id: UUID, wanted: list[UUID]) -> None:
    missing = connection.scalar(_MISSING, {"organization": organization_id, "items": wanted})
    if missing is not None:
        raise NotFoundError(f"no collected item {missing}", remedy="load the file first with `clew ingest`")
