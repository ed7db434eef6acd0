"""What loaded files of MISP and STIX hold is kept word for word, so that it can be exchanged."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

import sqlalchemy as sa

from clew.ingest.filestore import FileStore
from clew.kernel.clock import Clock, system_clock
from clew.kernel.database import Database, TenantContext
from clew.kernel.settings import Settings

_SOURCES: Final = ("misp", "stix")
_FILES: Final = sa.text("""
SELECT DISTINCT digest, source, variant FROM ingest_files
WHERE organization_id = :organization AND collection_item_id = ANY(:items) AND source = ANY(:sources)
  AND status = 'completed'
ORDER BY digest
""")


def keep_loaded(
    database: Database,
    settings: Settings,
    context: TenantContext,
    items: Iterable[UUID],
    *,
    clock: Clock = system_clock,
) -> int:
    """Keep what these items' files hold; how many things are new or newer. Doing it again changes nothing.

    Each file is one transaction; files of other sources are passed over.
    """
    wanted = list(items)
    if not wanted:
        return 0
    with database.transaction(context) as connection:
        values = {"organization": context.organization_id, "items": wanted, "sources": list(_SOURCES)}
        files = connection.execute(_FILES, values).all()
    if not files:
        return 0
    from clew.domains.exchange.importing import keep_document  # noqa: PLC0415  few loads need it

    store, changed = FileStore(settings.data_dir / "files"), 0
    for digest, source, variant in files:
        with store.open(digest) as stream:
            content = stream.read()
        with database.transaction(context) as connection:
            one_a_line = variant == "lines"
            done = keep_document(connection, context.organization_id, source, content, clock(), one_a_line=one_a_line)
        changed += done.changed
    return changed
