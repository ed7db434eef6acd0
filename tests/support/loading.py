"""Loading files into a test's organization, and what is then in its record, in a form that can be compared."""

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from pydantic import ByteSize

from clew.ingest.service import IngestRequest, LoadReport, ingest
from clew.kernel.database import Database
from clew.kernel.settings import Settings
from tests.support.embedded import SOURCES, environment_with
from tests.support.record import Tenant

FACTS = {
    "entities": (
        "id, entity_type, name, normalized_name, properties, metadata, tags, flags, risk_score, confidence, "
        "is_verified, first_seen, last_seen"
    ),
    "relationships": (
        "id, source_entity_id, target_entity_id, relationship_type, confidence, source, properties, metadata, "
        "first_seen, last_seen"
    ),
    "events": (
        "id, occurred_at, source, kind, session_id, source_ip, source_port, destination_ip, target_port, protocol, "
        "sensor, payload, properties, impossible_time"
    ),
    "attack_sessions": (
        "id, timestamp, ended_at, source_ip, source_port, destination_ip, payload, payload_hash, target_port, "
        "protocol, attack_type, honeypot_id, source, session_key, client, fingerprint, event_count, login_failures, "
        "login_successes, activity"
    ),
    "attack_session_keys": "id, timestamp",
    "social_posts": (
        "id, platform, external_id, profile_id, document_id, content, language, location, url, hashtags, mentions, "
        "stats, media, metadata, posted_at, impossible_time"
    ),
    "social_post_keys": "id, posted_at, impossible_time",
}
"""What order and splitting must not change: everything but where it was seen and when it was stored."""

# The same without ids, which follow from the organization: each row is named by what it says.
_NATURAL = {
    "entities": "SELECT {columns} FROM entities AS t",
    "relationships": (
        "SELECT s.entity_type || ' ' || s.name, t.relationship_type, o.entity_type || ' ' || o.name, t.confidence, "
        "t.source, t.properties, t.metadata, t.first_seen, t.last_seen FROM relationships AS t "
        "JOIN entities AS s ON (s.organization_id, s.id) = (t.organization_id, t.source_entity_id) "
        "JOIN entities AS o ON (o.organization_id, o.id) = (t.organization_id, t.target_entity_id)"
    ),
    "events": "SELECT {columns}, line FROM events AS t",
    "attack_sessions": (
        "SELECT {columns}, (SELECT jsonb_agg(entry - 1) FROM jsonb_array_elements(activity) AS entry) "
        "FROM attack_sessions AS t"
    ),
}
_LOADED = (
    *(
        "social_posts",
        "collection_item_places",
        "relationship_sources",
        "relationships",
        "entity_sources",
        "entities",
        "events",
        "event_repeats",
    ),
    *("attack_sessions", "attack_session_keys", "quarantine", "ingest_files", "collection_items"),
    "collection_item_hashes",
)
_IDS = {"id", "session_id", "activity", "payload", "payload_hash"}


def small_batches(settings: Settings, **changes: Any) -> Settings:
    """The settings with batches of 64 KiB, so that a small file takes many."""
    return settings.model_copy(update={"batch_bytes": ByteSize(64 << 10), **changes})


def load(
    database: Database,
    tenant: Tenant,
    *paths: Path,
    settings: Settings | None = None,
    source: str | None = None,
    timezone: tzinfo | None = None,
    **options: Any,
) -> LoadReport:
    """Load files into the tenant's record; the accounting is checked on the way."""
    request = IngestRequest(tenant.id, tenant.operator, paths, source=source, timezone=timezone)
    report = ingest(database, settings or database.settings, request, **options)
    check_accounting(report)
    return report


def check_accounting(report: LoadReport) -> None:
    """Every record is in exactly one count, of the whole and of each file."""
    for counts in [report.counts, *(file.counts for file in report.files)]:
        assert counts.read == counts.new + counts.merged + counts.duplicate + counts.rejected, report.as_dict()
    assert sum(report.by_reason.values()) == report.counts.rejected
    assert sum(report.by_source.values()) == report.counts.read


def rows(database: Database, tenant: Tenant, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """Rows that the tenant sees."""
    with database.connect_raw() as connection:
        connection.execute("SELECT set_config('app.current_organization_id', %s, false)", (str(tenant.id),))
        return connection.execute(query, parameters).fetchall()


def count(database: Database, tenant: Tenant, table: str) -> int:
    """How many rows of a table the tenant has."""
    return int(rows(database, tenant, f"SELECT count(*) FROM {table}")[0][0])


def facts(database: Database, tenant: Tenant) -> dict[str, list[str]]:
    """All facts with their ids, each row as JSON text, sorted."""
    return {table: _lines(rows(database, tenant, f"SELECT {columns} FROM {table}")) for table, columns in FACTS.items()}


def facts_without_ids(database: Database, tenant: Tenant) -> dict[str, list[str]]:
    """All facts, named by what they say: to be compared between organizations."""
    found = {}
    for table, query in _NATURAL.items():
        columns = ", ".join(name for name in FACTS[table].split(", ") if name not in _IDS)
        found[table] = _lines(rows(database, tenant, query.format(columns=columns)))
    return found


def empty(database: Database, tenant: Tenant) -> None:
    """Take everything that was loaded out of the organization, so that its ids can come again."""
    with database.connect_raw() as connection:
        connection.execute("SELECT set_config('app.current_organization_id', %s, false)", (str(tenant.id),))
        for table in _LOADED:
            connection.execute(psycopg.sql.SQL("DELETE FROM {}").format(psycopg.sql.Identifier(table)))


def line(event: str, second: int = 0, session: str | None = "s1", **fields: Any) -> bytes:
    """A line of a Cowrie log, in the field order of its documentation; a field that is None is left out."""
    values = {
        "eventid": f"cowrie.{event}",
        "src_ip": "198.51.100.7",
        "sensor": "east",
        "timestamp": f"2025-03-09T12:{second // 60:02}:{second % 60:02}.000000Z",
        "session": session,
        "protocol": "ssh",
        **fields,
    }
    return json.dumps({key: value for key, value in values.items() if value is not None}).encode()


def log(path: Path, lines: Iterable[bytes]) -> Path:
    """Write lines to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def held(database: Database, tenant: Tenant) -> list[tuple[Any, ...]]:
    """What is in quarantine: reason, line, byte offset, record."""
    query = "SELECT reason, line, byte_offset, record FROM quarantine WHERE status = 'held' ORDER BY line, byte_offset"
    return rows(database, tenant, query)


def _lines(found: Sequence[tuple[Any, ...]]) -> list[str]:
    return sorted(json.dumps(row, default=_text, sort_keys=True) for row in found)


def _text(value: Any) -> str:
    return value.hex if isinstance(value, UUID) else str(value)


_LOAD = """
import json, resource, signal, sys, threading
from pathlib import Path
from uuid import UUID
from pydantic import ByteSize
from clew.ingest.service import IngestRequest, ingest
from clew.kernel.database import Database
from clew.kernel.settings import Settings
plan = json.loads(sys.argv[1])
if plan["largest_file"]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (plan["largest_file"], resource.RLIM_INFINITY))
settings = Settings(
    data_dir=plan["data_dir"], embedded_fallback_dir=plan["fallback"], embedded_shared_buffers_mb=16,
    batch_bytes=ByteSize(plan["batch_bytes"]), max_record_bytes=ByteSize(plan["max_record_bytes"]),
)
stop = threading.Event()
signal.signal(signal.SIGINT, lambda *_: stop.set())
request = IngestRequest(UUID(plan["organization"]), UUID(plan["user"]), tuple(map(Path, plan["paths"])))
with Database(settings) as database:
    report = ingest(database, settings, request, stop=stop, observe=lambda step: print(step.records, flush=True))
# Not ru_maxrss: that begins with what the process that started this one had.
peak = next(int(row.split()[1]) for row in open("/proc/self/status") if row.startswith("VmHWM"))
print(json.dumps({**report.as_dict(), "peak_kib": peak}), flush=True)
"""


class LoadingProcess:
    """Another process that loads files, as `clew ingest` would: it prints a line for each batch, then its report."""

    def __init__(
        self, database: Database, tenant: Tenant, *paths: Path, batch_bytes: int = 64 << 10, largest_file: int = 0
    ) -> None:
        settings = database.settings
        plan = {
            "data_dir": str(settings.data_dir),
            "fallback": str(settings.embedded_fallback_dir),
            "organization": str(tenant.id),
            "user": str(tenant.operator),
            "batch_bytes": batch_bytes,
            "max_record_bytes": int(settings.max_record_bytes),
            "largest_file": largest_file,
            "paths": [str(path) for path in paths],
        }
        environment = environment_with(SOURCES)
        if settings.database_url:
            environment["CLEW_DATABASE_URL"] = settings.database_url.get_secret_value()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LOAD, json.dumps(plan)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def wait_for_batches(self, number: int) -> bool:
        """Wait until that many progress lines were printed; False if the process ended before."""
        assert self.process.stdout is not None
        return all(self.process.stdout.readline() for _ in range(number))

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.communicate()

    def end(self) -> tuple[int, dict[str, Any], str]:
        """Wait for its end: exit code, report (empty if it failed), what it said on standard error."""
        said, complained = self.process.communicate(timeout=240)
        last = said.strip().rpartition("\n")[2]
        return self.process.returncode, json.loads(last) if last.startswith("{") else {}, complained
