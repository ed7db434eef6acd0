"""A TAXII 2.1 server with one collection that can be read and written, as the standard says, on loopback."""

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MEDIA_TYPE = "application/taxii+json;version=2.1"
COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


@dataclass
class TaxiiStore:
    """The versions of each object, in the order in which they came. `written` is what was sent to be written."""

    address: str = ""
    key: str = "clew:secret"
    page: int = 3
    objects: list[dict[str, Any]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    refuse: frozenset[str] = frozenset()
    roots: tuple[str, ...] = ("/api/",)
    before_answer: Callable[[str, str], None] = lambda _method, _path: None

    def newest(self) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for each in self.objects:
            if each["id"] not in found or version(found[each["id"]]) <= version(each):
                found[each["id"]] = each
        return found

    def get(self, path: str, query: dict[str, list[str]]) -> Any:
        if path == "/taxii2/":
            return {"title": "Test", "api_roots": list(self.roots), "default": self.roots[0]}
        if path == "/api/":
            return {"title": "Root", "versions": [MEDIA_TYPE], "max_content_length": 10_000_000}
        told = {"id": COLLECTION, "title": "Indicators", "can_read": True, "can_write": True}
        if path == "/api/collections/":
            return {"collections": [told]}
        if path == f"/api/collections/{COLLECTION}/":
            return told
        found = list(self.newest().values())
        if "match[id]" in query:
            wanted = query["match[id]"][0].split(",")
            found = [each for each in found if each["id"] in wanted]
        start = int(query.get("next", ["0"])[0])
        size = min(self.page, int(query.get("limit", ["1000"])[0]))
        some = found[start : start + size]
        more = {"more": True, "next": str(start + size)} if start + size < len(found) else {}
        if path.endswith("/manifest/"):
            stamp = "2025-03-09T12:00:00.000000Z"
            some = [{"id": each["id"], "date_added": stamp, "version": version(each)} for each in some]
        return {"objects": some, **more} if some else {}

    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        status: dict[str, Any] = {"id": "2d086da7-4bdc-4f91-900e-d77486753710", "status": "complete"}
        done, failed = [], []
        for each in body["objects"]:
            if each["id"] in self.refuse:
                failed.append({"id": each["id"], "version": version(each), "message": "not here"})
                continue
            self.written.append(each["id"])
            self.objects.append(each)
            done.append({"id": each["id"], "version": version(each)})
        counts = {"total_count": len(body["objects"]), "success_count": len(done), "failure_count": len(failed)}
        return status | counts | {"pending_count": 0, "successes": done, "failures": failed}

    def delete(self, identifier: str) -> bool:
        kept = [each for each in self.objects if each["id"] != identifier]
        gone = len(kept) != len(self.objects)
        self.objects = kept
        return gone


def version(each: dict[str, Any]) -> str:
    return str(each.get("modified") or each.get("created") or "2025-03-09T12:00:00.000000Z")


@contextlib.contextmanager
def taxii_server() -> Iterator[TaxiiStore]:
    """An empty one. Its login is `store.key`, by Basic."""
    store = TaxiiStore()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def _answer(self, status: int, document: Any) -> None:
            content = json.dumps(document).encode()
            store.before_answer(self.command, urlsplit(self.path).path)
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", MEDIA_TYPE)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def _handle(self) -> None:
            import base64

            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            wanted = f"Basic {base64.b64encode(store.key.encode()).decode()}"
            parts = urlsplit(self.path)
            if self.headers.get("Authorization") != wanted:
                self._answer(401, {"title": "no"})
            elif self.command == "POST":
                self._answer(202, store.post(json.loads(body)))
            elif self.command == "DELETE":
                gone = store.delete(parts.path.rstrip("/").rpartition("/")[2])
                self._answer(200 if gone else 404, {"title": "done"})
            else:
                self._answer(200, store.get(parts.path, parse_qs(parts.query)))

        do_GET = do_POST = do_DELETE = _handle  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    store.address = f"http://127.0.0.1:{server.server_port}/taxii2/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
