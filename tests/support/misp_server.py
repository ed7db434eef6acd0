"""A MISP server as its REST documentation says, as far as PyMISP and Clew ask for it; nothing of it is MISP's code.

Kept to what the OpenAPI description and PyMISP's own calls show: authorization by key, restSearch with tags, ages,
uuids and pages, events that get numbers and times of the server's own, edits that must be newer than what is there,
members that nobody knows being dropped, soft deletion of attributes and objects, tags, sightings and proposals.
"""

import contextlib
import copy
import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Document = dict[str, Any]

KEY = "k" * 40
_EVENT = {
    "uuid", "info", "date", "threat_level_id", "analysis", "distribution", "sharing_group_id", "SharingGroup",
    "published", "timestamp", "publish_timestamp", "extends_uuid", "Orgc", "Tag", "Attribute", "Object", "Galaxy",
    "ShadowAttribute", "EventReport", "disable_correlation",
}  # fmt: skip
_ATTRIBUTE = {
    "uuid", "type", "category", "value", "comment", "to_ids", "distribution", "sharing_group_id", "SharingGroup",
    "timestamp", "deleted", "disable_correlation", "object_relation", "first_seen", "last_seen", "data", "Tag",
    "Galaxy", "Sighting", "ShadowAttribute",
}  # fmt: skip
_OBJECT = {
    "uuid", "name", "meta-category", "description", "template_uuid", "template_version", "timestamp", "distribution",
    "sharing_group_id", "comment", "deleted", "first_seen", "last_seen", "ObjectReference", "Attribute",
}  # fmt: skip


class Refused(Exception):  # noqa: N818  an answer, not a failure
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class MispStore:
    """The events of one server. `now` is its clock, which a test may set; `calls` is what it was asked."""

    now: int = 1_700_000_000
    events: dict[str, Document] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    written: list[tuple[str, Any]] = field(default_factory=list)
    before_answer: Callable[[str], None] = lambda _path: None
    address: str = ""
    refuse: dict[str, int] = field(default_factory=dict)
    _number: int = 0

    def number(self) -> str:
        self._number += 1
        return str(self._number)

    def put(self, event: Document) -> str:
        """An event as somebody on this server made it."""
        self.add({"Event": copy.deepcopy(event)})
        return str(event["uuid"]).lower()

    def event(self, identifier: str) -> Document:
        found = self.events.get(identifier.lower()) or next(
            (each for each in self.events.values() if each["id"] == identifier), None
        )
        if found is None:
            raise Refused(404, "Invalid event.")
        return found

    def attribute(self, identifier: str) -> tuple[Document, Document]:
        for event in self.events.values():
            for each in attributes(event):
                if identifier in {each["uuid"], each["id"]}:
                    return event, each
        raise Refused(404, "Invalid attribute")

    def tick(self) -> int:
        self.now += 1
        return self.now

    # ---------------------------------------------------------------------------------------------------------- calls

    def search(self, asked: Document) -> list[Document]:
        found = sorted(self.events.values(), key=lambda event: int(event["id"]))
        if asked.get("uuid"):
            wanted = asked["uuid"] if isinstance(asked["uuid"], list) else [asked["uuid"]]
            found = [each for each in found if each["uuid"] in {one.lower() for one in wanted}]
        if asked.get("tags"):
            tags = asked["tags"] if isinstance(asked["tags"], list) else [asked["tags"]]
            found = [each for each in found if {tag["name"] for tag in each["Tag"]} & set(tags)]
        if asked.get("timestamp"):
            days = int(re.fullmatch(r"(\d+)d", asked["timestamp"])[1])  # type: ignore[index]
            found = [each for each in found if int(each["timestamp"]) >= self.now - days * 86_400]
        if asked.get("limit"):
            start = (int(asked.get("page") or 1) - 1) * int(asked["limit"])
            found = found[start : start + int(asked["limit"])]
        return [{"Event": self.shown(each, asked)} for each in found]

    def shown(self, event: Document, asked: Document) -> Document:
        result = copy.deepcopy(event)
        if asked.get("metadata"):
            return {name: value for name, value in result.items() if name not in {"Attribute", "Object"}}
        if not asked.get("deleted"):
            result["Object"] = [each for each in result["Object"] if not each["deleted"]]
            for holder in [result, *result["Object"]]:
                holder["Attribute"] = [each for each in holder["Attribute"] if not each["deleted"]]
        result["attribute_count"] = str(len(attributes(result)))
        for each in attributes(result):
            if not asked.get("includeSightings"):
                each.pop("Sighting", None)
            if not asked.get("withAttachments"):
                each.pop("data", None)
        return result

    def add(self, body: Document) -> Document:
        given = body.get("Event", body)
        identifier = str(given.get("uuid") or uuid.uuid4()).lower()
        if identifier in self.events:
            raise Refused(
                403, "Event already exists, if you would like to edit it, use the url in the location header."
            )
        if not given.get("info"):
            raise Refused(403, "Could not add Event: Info cannot be empty.")
        number = self.number()
        event = {name: copy.deepcopy(value) for name, value in given.items() if name in _EVENT}
        defaults: Document = {
            "date": "2023-11-14", "threat_level_id": "4", "analysis": "0", "distribution": "1", "published": False,
            "sharing_group_id": "0", "extends_uuid": "", "disable_correlation": False, "publish_timestamp": "0",
        }  # fmt: skip
        event = defaults | event | {"uuid": identifier, "id": number, "org_id": "1", "orgc_id": "1"}
        event["timestamp"] = str(event.get("timestamp") or self.tick())
        event.setdefault("Orgc", {"id": "1", "name": "Peer", "uuid": "2a7f0d4c-2f1b-4f0e-8f34-5d8d8a3f1c00"})
        event |= {
            "Org": {"id": "1", "name": "Peer", "uuid": "2a7f0d4c-2f1b-4f0e-8f34-5d8d8a3f1c00"},
            "RelatedEvent": [],
        }
        event["Tag"] = [self._tag(each) for each in event.get("Tag") or []]
        event["Attribute"] = [self._attribute(each, number, "0") for each in event.get("Attribute") or []]
        event["Object"] = [self._object(each, number) for each in event.get("Object") or []]
        event.setdefault("Galaxy", [])
        event.setdefault("ShadowAttribute", [])
        self.events[identifier] = event
        return {"Event": self.shown(event, {})}

    def edit(self, identifier: str, body: Document) -> Document:
        event = self.event(identifier)
        given = body.get("Event", body)
        if given.get("timestamp") and int(given["timestamp"]) <= int(event["timestamp"]):
            raise Refused(403, "Could not edit Event: Event in the request not newer than the local copy.")
        if "info" in given and not given["info"]:
            raise Refused(403, "Could not edit Event: Info cannot be empty.")
        plain = _EVENT - {"Attribute", "Object", "Tag", "Galaxy", "ShadowAttribute", "uuid", "Orgc", "EventReport"}
        event |= {name: value for name, value in given.items() if name in plain}
        event["timestamp"] = str(given.get("timestamp") or self.tick())
        self._edit_attributes(event, given.get("Attribute") or [], event["id"], "0")
        for each in given.get("Object") or []:
            known = next((one for one in event["Object"] if one["uuid"] == each.get("uuid")), None)
            if known is None:
                event["Object"].append(self._object(each, event["id"]))
                continue
            known |= {name: value for name, value in each.items() if name in _OBJECT - {"Attribute"}}
            known["timestamp"] = str(each.get("timestamp") or self.tick())
            self._edit_attributes(known, each.get("Attribute") or [], event["id"], known["id"])
        return {"Event": self.shown(event, {})}

    def _edit_attributes(self, holder: Document, given: list[Document], event: str, inside: str) -> None:
        for each in given:
            known = next((one for one in holder["Attribute"] if one["uuid"] == each.get("uuid")), None)
            if known is None:
                holder["Attribute"].append(self._attribute(each, event, inside))
            elif not each.get("timestamp") or int(each["timestamp"]) > int(known["timestamp"]):
                plain = _ATTRIBUTE - {"Tag", "Galaxy", "Sighting", "ShadowAttribute", "uuid"}
                known |= {name: value for name, value in each.items() if name in plain}
                known["timestamp"] = str(each.get("timestamp") or self.tick())

    def delete_event(self, identifier: str) -> Document:
        del self.events[self.event(identifier)["uuid"]]
        return {
            "saved": True,
            "success": True,
            "name": "Event deleted",
            "message": "Event deleted",
            "url": "/events/delete",
        }

    def delete_attribute(self, identifier: str) -> Document:
        event, attribute = self.attribute(identifier)
        attribute |= {"deleted": True, "timestamp": str(self.tick())}
        event["timestamp"] = str(self.tick())
        return {"message": "Attribute deleted."}

    def delete_object(self, identifier: str) -> Document:
        for event in self.events.values():
            for each in event["Object"]:
                if identifier in {each["uuid"], each["id"]}:
                    each |= {"deleted": True, "timestamp": str(self.tick())}
                    event["timestamp"] = str(self.tick())
                    return {"message": "Object deleted"}
        raise Refused(404, "Invalid object")

    def attach_tag(self, body: Document, *, on: bool) -> Document:
        event, holder = self._tagged(str(body["uuid"]))
        names = [each["name"] for each in holder["Tag"]]
        if on and body["tag"] not in names:
            holder["Tag"].append(self._tag({"name": body["tag"], "local": body.get("local")}))
        elif not on:
            if body["tag"] not in names:
                raise Refused(404, "Invalid tag")
            holder["Tag"] = [each for each in holder["Tag"] if each["name"] != body["tag"]]
        event["timestamp"] = str(self.tick())
        return {"saved": True, "success": True, "name": "Tag", "message": "done", "url": "/tags/attachTagToObject"}

    def add_sighting(self, identifier: str, body: Document) -> Document:
        event, attribute = self.attribute(identifier)
        made: Document = {
            "id": self.number(), "attribute_id": attribute["id"], "event_id": event["id"], "org_id": "1",
            "date_sighting": str(body.get("timestamp") or self.tick()), "uuid": body.get("uuid") or str(uuid.uuid4()),
            "source": body.get("source", ""), "type": str(body.get("type", "0")), "attribute_uuid": attribute["uuid"],
        }  # fmt: skip
        attribute.setdefault("Sighting", []).append(made)
        event["timestamp"] = str(self.tick())
        return {"Sighting": made}

    def delete_sighting(self, identifier: str) -> Document:
        for event in self.events.values():
            for each in attributes(event):
                kept = [one for one in each.get("Sighting", []) if one["id"] != identifier]
                if len(kept) != len(each.get("Sighting", [])):
                    each["Sighting"] = kept
                    event["timestamp"] = str(self.tick())
                    return {"message": "Sighting deleted."}
        raise Refused(404, "Invalid sighting")

    def propose(self, identifier: str, body: Document, *, change: bool) -> Document:
        given = body.get("ShadowAttribute", body)
        event, holder = self.attribute(identifier) if change else (self.event(identifier), self.event(identifier))
        made = {"id": self.number(), "event_id": event["id"], "deleted": False, "proposal_to_delete": False} | {
            name: value for name, value in given.items() if name in _ATTRIBUTE | {"proposal_to_delete"}
        }
        made.setdefault("uuid", str(uuid.uuid4()))
        made["timestamp"] = str(self.tick())
        holder["ShadowAttribute"].append(made)
        event["timestamp"] = str(self.tick())
        return {"ShadowAttribute": made}

    def discard(self, identifier: str) -> Document:
        for event in self.events.values():
            for holder in [event, *attributes(event)]:
                kept = [each for each in holder["ShadowAttribute"] if each["id"] != identifier]
                if len(kept) != len(holder["ShadowAttribute"]):
                    holder["ShadowAttribute"] = kept
                    event["timestamp"] = str(self.tick())
                    return {"message": "1 proposal discarded."}
        raise Refused(404, "Invalid proposal.")

    def _tagged(self, identifier: str) -> tuple[Document, Document]:
        if identifier.lower() in self.events:
            return self.events[identifier.lower()], self.events[identifier.lower()]
        return self.attribute(identifier)

    def _tag(self, given: Document) -> Document:
        return {
            "id": self.number(), "name": given["name"], "colour": given.get("colour") or "#ffffff", "exportable": True,
            "user_id": "0", "hide_tag": False, "numerical_value": None, "is_galaxy": False, "is_custom_galaxy": False,
            "local": 1 if given.get("local") else 0,
        }  # fmt: skip

    def _attribute(self, given: Document, event: str, inside: str) -> Document:
        made = {name: copy.deepcopy(value) for name, value in given.items() if name in _ATTRIBUTE}
        defaults: Document = {
            "category": "Other", "comment": "", "to_ids": False, "distribution": "5", "sharing_group_id": "0",
            "deleted": False, "disable_correlation": False, "object_relation": None, "Galaxy": [],
            "ShadowAttribute": [], "first_seen": None, "last_seen": None,
        }  # fmt: skip
        made = defaults | made | {"id": self.number(), "event_id": event, "object_id": inside}
        made.setdefault("uuid", str(uuid.uuid4()))
        made["timestamp"] = str(made.get("timestamp") or self.tick())
        made["Tag"] = [self._tag(each) for each in made.get("Tag") or []]
        return made

    def _object(self, given: Document, event: str) -> Document:
        made: Document = {"comment": "", "deleted": False, "distribution": "5", "sharing_group_id": "0"}
        made |= {"ObjectReference": []}
        made |= {name: copy.deepcopy(value) for name, value in given.items() if name in _OBJECT}
        made |= {"id": self.number(), "event_id": event}
        made.setdefault("uuid", str(uuid.uuid4()))
        made["timestamp"] = str(made.get("timestamp") or self.tick())
        made["Attribute"] = [self._attribute(each, event, made["id"]) for each in made.get("Attribute") or []]
        return made


def attributes(event: Document) -> list[Document]:
    """Of an event, those in objects included."""
    return [*event["Attribute"], *(each for held in event["Object"] for each in held["Attribute"])]


ROUTES: tuple[tuple[str, str, Callable[[MispStore, str, Document], Any]], ...] = (
    ("GET", r"servers/getVersion(?:\.json)?", lambda _s, _i, _b: {
        "version": "2.5.20", "perm_sync": True, "perm_sighting": True, "perm_galaxy_editor": True,
        "pymisp_recommended_version": "2.5.20"}),
    ("GET", r"users/view/me(?:\.json)?", lambda _s, _i, _b: {
        "User": {"id": "1", "email": "clew@peer.example", "org_id": "1", "role_id": "1"},
        "Role": {"id": "1", "name": "Sync user", "perm_add": True}, "UserSetting": {}}),
    ("GET", r"attributes/describeTypes\.json", lambda _s, _i, _b: {
        "result": {"categories": [], "types": [], "category_type_mappings": {}, "sane_defaults": {}}}),
    ("POST", r"events/restSearch", lambda s, _i, b: {"response": s.search(b)}),
    ("POST", r"events/index", lambda s, _i, b: [each["Event"] for each in s.search(b | {"metadata": True})]),
    ("GET", r"events/view/([^/]+)", lambda s, i, _b: {"Event": s.shown(s.event(i), {"includeSightings": True})}),
    ("POST", r"events/add(?:/.*)?", lambda s, _i, b: s.add(b)),
    ("POST", r"events/edit/([^/]+)(?:/.*)?", lambda s, i, b: s.edit(i, b)),
    ("POST", r"events/delete/([^/]+)", lambda s, i, _b: s.delete_event(i)),
    ("POST", r"attributes/delete/([^/]+)", lambda s, i, _b: s.delete_attribute(i)),
    ("POST", r"objects/delete/([^/]+)", lambda s, i, _b: s.delete_object(i)),
    ("POST", r"tags/attachTagToObject", lambda s, _i, b: s.attach_tag(b, on=True)),
    ("POST", r"tags/removeTagFromObject", lambda s, _i, b: s.attach_tag(b, on=False)),
    ("POST", r"sightings/add/([^/]+)", lambda s, i, b: s.add_sighting(i, b)),
    ("POST", r"sightings/delete/([^/]+)", lambda s, i, _b: s.delete_sighting(i)),
    ("POST", r"shadowAttributes/add/([^/]+)", lambda s, i, b: s.propose(i, b, change=False)),
    ("POST", r"shadowAttributes/edit/([^/]+)", lambda s, i, b: s.propose(i, b, change=True)),
    ("POST", r"shadowAttributes/discard/([^/]+)", lambda s, i, _b: s.discard(i)),
)  # fmt: skip


@contextlib.contextmanager
def misp_server() -> Iterator[MispStore]:
    """A server with no events, on loopback, that takes KEY."""
    store = MispStore()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0].lstrip("/")
            with lock:
                status, answer = self._answered(path, body)
                store.calls.append((self.command, path))
            store.before_answer(path)
            content = json.dumps(answer).encode()
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def _answered(self, path: str, body: bytes) -> tuple[int, Any]:
            if self.headers.get("Authorization") != KEY:
                return 403, {"name": "Authentication failed.", "message": "Authentication failed.", "url": f"/{path}"}
            for method, pattern, do in ROUTES:
                match = re.fullmatch(pattern, path)
                if match is None or method != self.command:
                    continue
                try:
                    if (
                        path.partition("/")[0] in store.refuse
                        or path.rpartition("/")[0] in store.refuse
                        or path in store.refuse
                    ):
                        raise Refused(403, "You do not have permission to do that.")  # noqa: TRY301
                    given = json.loads(body) if body else {}
                    if method == "POST" and not path.endswith(("restSearch", "index")):
                        store.written.append((path, given))
                    return 200, do(store, match[1] if match.groups() else "", given)
                except Refused as refused:
                    return refused.status, {"name": str(refused), "message": str(refused), "url": f"/{path}"}
            return 404, {"name": "Not Found", "message": "Not Found", "url": f"/{path}"}

        do_GET = do_POST = _handle  # noqa: N815

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    store.address = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
