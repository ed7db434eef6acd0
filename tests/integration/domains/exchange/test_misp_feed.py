"""A MISP feed by its address: what is new or changed comes, once; what is broken is told, and keeps nothing back.

The feed is written by hand from MISP's documented format (manifest.json and a file for each event).
"""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from clew.domains.exchange import keeping, peers, service
from clew.domains.exchange.report import SyncReport
from clew.kernel.database import Database
from clew.kernel.errors import InputError
from clew.kernel.outbound import OutboundFailedError, OutboundRefusedError
from tests.support.record import Tenant

pytestmark = pytest.mark.slow  # a folder behind an address for each, read again and again

Document = dict[str, Any]
NOW = datetime(2023, 11, 15, tzinfo=UTC)
RECENT, OLD = int(NOW.timestamp()) - 3600, int(NOW.timestamp()) - 40 * 86_400
UUID = "11111111-1111-4111-8111-{:012}"


@dataclass
class Folder:
    """Files behind an address. `asked` are the paths that were asked for."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    address: str = ""

    def put(self, number: int, *tags: str, timestamp: int = RECENT, value: str = "198.51.100.1") -> None:
        uuid = UUID.format(number)
        attribute = {
            "uuid": uuid.replace("1111-4", "2222-4"), "type": "ip-src", "category": "Network activity", "value": value,
            "timestamp": str(timestamp), "to_ids": True,
        }  # fmt: skip
        told: Document = {"info": f"Event {number}", "date": "2023-11-14", "timestamp": str(timestamp)}
        told |= {"Tag": [{"name": name} for name in tags]}
        self.files[f"/{uuid}.json"] = orjson.dumps({"Event": told | {"uuid": uuid, "Attribute": [attribute]}})
        self.listed({uuid: told})

    def listed(self, more: Document) -> None:
        listed = orjson.loads(self.files.get("/manifest.json", b"{}"))
        self.files["/manifest.json"] = orjson.dumps(listed | more)


@pytest.fixture
def folder() -> Iterator[Folder]:
    made = Folder()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)
            made.keys.add(self.headers["Authorization"])
            content = made.files.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with contextlib.closing(_Server(("127.0.0.1", 0), Handler)) as server:
        made.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield made
        server.shutdown()
        thread.join()


class _Server(ThreadingHTTPServer):
    def close(self) -> None:
        self.server_close()


@dataclass
class Desk:
    """An organization that reads the feed."""

    database: Database
    tenant: Tenant
    folder: Folder

    def add(self, kind: str = "misp", **settings: Any) -> None:
        new = service.NewPeer("feed", kind, self.folder.address, "secret", {"feed": True, "tags": []} | settings)
        with self.database.transaction(self.tenant.context) as connection:
            service.add_peer(connection, self.tenant.id, self.database.settings, new)

    def read(self, *, dry_run: bool = False) -> SyncReport:
        self.folder.asked.clear()
        return service.synchronize(self.database, self.tenant.context, "feed", dry_run=dry_run, clock=lambda: NOW)

    def kept(self, number: int) -> Document | None:
        with self.database.transaction(self.tenant.context) as connection:
            found = keeping.find(connection, self.tenant.id, "misp", UUID.format(number))
        return None if found is None or found.content is None else found.document

    def addresses(self) -> set[str]:
        with self.database.transaction(self.tenant.context) as connection:
            rows = connection.exec_driver_sql(
                "SELECT name FROM entities WHERE organization_id = %s AND entity_type = 'ip_address'", (self.tenant.id,)
            )
            return set(rows.scalars())


@pytest.fixture
def desk(database: Database, tenant: Tenant, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Desk:
    allowing = database.settings.model_copy(update={"outbound_allowed_hosts": "127.0.0.1"})
    monkeypatch.setattr(database, "settings", allowing)
    return Desk(database, tenant, folder)


def told(report: SyncReport) -> list[tuple[str, str]]:
    return sorted((each["direction"], each["id"]) for each in report.told)


def test_new_and_changed_events_come_once(desk: Desk) -> None:
    for number in (1, 2):
        desk.folder.put(number, value=f"198.51.100.{number}")
    desk.add()
    assert desk.read(dry_run=True).pulled["new"] == 2
    assert desk.kept(1) is None
    assert desk.read().pulled == {"new": 2, "changed": 0, "deleted": 0}
    assert desk.addresses() == {"198.51.100.1", "198.51.100.2"}
    assert desk.folder.keys == {"secret"}

    again = desk.read()
    assert (again.unchanged, again.told) == (2, [])
    assert desk.folder.asked == ["/manifest.json"]

    desk.folder.put(2, timestamp=RECENT + 60, value="198.51.100.3")
    changed = desk.read()
    assert (changed.pulled["changed"], changed.unchanged) == (1, 1)
    assert desk.folder.asked == ["/manifest.json", f"/{UUID.format(2)}.json"]
    assert "198.51.100.3" in desk.addresses()


def test_tags_and_age_choose_among_them(desk: Desk) -> None:
    desk.folder.put(1, "honeypot")
    desk.folder.put(2, "phishing")
    desk.folder.put(3, "honeypot", timestamp=OLD)
    desk.add(tags=["honeypot"], days=30)
    assert told(desk.read()) == [("pull", UUID.format(1))]


def test_what_is_no_longer_listed_stays(desk: Desk) -> None:
    desk.folder.put(1)
    desk.add()
    desk.read()
    desk.folder.files = {"/manifest.json": b"{}"}
    assert desk.read().pulled == {"new": 0, "changed": 0, "deleted": 0}
    assert desk.kept(1) is not None


@pytest.mark.parametrize("content", [None, b"not JSON", b"{}", b'{"Event": []}', b'{"Event": {"uuid": "other"}}'])
def test_a_broken_file_is_told_and_keeps_nothing_back(desk: Desk, content: bytes | None) -> None:
    for number in (1, 2, 3):
        desk.folder.put(number)
    desk.add()
    broken = f"/{UUID.format(2)}.json"
    whole = desk.folder.files.pop(broken)
    if content is not None:
        desk.folder.files[broken] = content
    report = desk.read()
    assert report.pulled["new"] == 2
    assert ("unreadable", UUID.format(2)) in told(report)
    desk.folder.files[broken] = whole
    assert told(desk.read()) == [("pull", UUID.format(2))]

    desk.folder.put(2, timestamp=RECENT + 60)
    del desk.folder.files[broken]
    assert told(desk.read()) == [("unreadable", UUID.format(2))]
    assert desk.kept(2) is not None


@pytest.mark.parametrize(
    "content", [None, b"<html>", b"[1]", b'{"../../x": {}}', b'{"' + UUID.format(1).encode() + b'": 7}']
)
def test_what_is_no_feed_is_refused(desk: Desk, content: bytes | None) -> None:
    if content is not None:
        desk.folder.files["/manifest.json"] = content
    desk.add()
    with pytest.raises(OutboundFailedError, match="no list of events"):
        desk.read()


def test_a_feed_is_only_read_and_only_of_misp(desk: Desk) -> None:
    with pytest.raises(InputError, match="only read"):
        desk.add(push=True)
    with pytest.raises(InputError, match="only MISP"):
        desk.add(kind="taxii")
    desk.add()
    with desk.database.transaction(desk.tenant.context) as connection:
        peer = peers.find_peer(connection, desk.tenant.id, "feed")
        with pytest.raises(InputError, match="only read"):
            peers.change_peer(connection, desk.tenant.id, peer, {"push": True}, is_active=None)


def test_a_feed_within_the_network_is_refused(database: Database, tenant: Tenant, folder: Folder) -> None:
    with pytest.raises(OutboundRefusedError):
        Desk(database, tenant, folder).add()
