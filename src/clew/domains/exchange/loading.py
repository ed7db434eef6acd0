"""What peers say becomes facts as what files say does: kept as a file of that day, and loaded by the source."""

import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from clew.domains.exchange.peers import Peer
from clew.domains.identity.service import operator_of
from clew.ingest.service import IngestRequest, LoadReport, ingest
from clew.kernel.database import Database, TenantContext


def load_facts(
    database: Database, context: TenantContext, peer: Peer, documents: Iterable[dict[str, Any]], now: datetime
) -> LoadReport:
    """Load events (of a MISP peer) or objects (of a TAXII peer). Loading the same again changes nothing."""
    lines = b"".join(orjson.dumps({"Event": each}) + b"\n" for each in documents) if peer.kind == "misp" else None
    content = lines if lines is not None else orjson.dumps({"type": "bundle", "objects": list(documents)})
    user = context.user_id
    if user is None:
        with database.transaction(context) as connection:
            user = operator_of(connection, context.organization_id)
    with tempfile.TemporaryDirectory(prefix="clew-exchange-") as folder:
        path = Path(folder) / "exchange.json"
        path.write_bytes(content)
        return ingest(
            database,
            database.settings,
            IngestRequest(
                context.organization_id,
                user,
                (path,),
                "misp" if peer.kind == "misp" else "stix",
                file_name=f"{_plain(peer.name)}-{now:%Y%m%dT%H%M%S}.{'jsonl' if peer.kind == 'misp' else 'json'}",
            ),
        )


def _plain(name: str) -> str:
    return "".join(each if each.isalnum() or each in "-_." else "-" for each in name)[:80]
