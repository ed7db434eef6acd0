"""Bringing an event of a MISP server from what it is there to what it is to be, by the calls that MISP has for each.

What is done is worked out from the two documents alone, so it can be done again: an addition that was made is no
difference any more. What the server does not take shows when the event is read again.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from clew.domains.exchange.misp_client import MispServer
from clew.domains.exchange.misp_shape import MISP
from clew.domains.exchange.three_way import Fields, Path, parts_of

_SERVERS_OWN: Final = frozenset(
    {
        "id", "event_id", "object_id", "attribute_id", "org_id", "orgc_id", "tag_id", "Org", "RelatedEvent", "Feed",
        "attribute_count", "event_creator_email", "RelatedAttribute", "event_uuid", "attribute_uuid", "locked",
        "proposal_email_lock", "ShadowAttribute", "RelatedShadowAttribute", "warnings", "publish_timestamp",
    }
)  # fmt: skip
_CONTENT: Final = frozenset({"Attribute", "Object", "EventReport"})
"""Members that go into an event's own document; all else has calls of its own."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call: what it does, and to which part."""

    kind: str  # edit, delete_attribute, delete_object, tag, untag, sighting, unsighting, proposal, unproposal
    path: Path
    fields: Fields


def whole(event: Fields) -> Fields:
    """An event as it is added: without what is one server's own."""
    return {
        name: [whole(each) if isinstance(each, dict) else each for each in value] if isinstance(value, list) else value
        for name, value in event.items()
        if name not in _SERVERS_OWN
    }


def steps(there: Fields, wanted: Fields) -> Iterator[Step]:
    """What is to be done, deletions last."""
    have, want = parts_of(there, MISP), parts_of(wanted, MISP)
    have_all, want_all = dict(_parts(there)), dict(_parts(wanted))
    touched = {path for path in want if _is_content(path) and have.get(path) != want[path]}
    if touched:
        yield Step("edit", (), _edited(wanted, touched))
    fresh = {path for path in touched if path not in have}
    for path in sorted(want.keys() - have.keys()):
        if _is_content(path) or any(path[:length] in fresh and length for length in range(2, len(path), 2)):
            continue  # it went with what it is a part of
        kind = {"Tag": "tag", "Sighting": "sighting", "ShadowAttribute": "proposal"}.get(path[-2])
        if kind:
            yield Step(kind, path, want_all[path])
    for path in sorted(have.keys() - want.keys()):
        if path[:-2] not in want:
            continue  # it goes with what it is a part of
        kind = {
            "Tag": "untag", "Sighting": "unsighting", "ShadowAttribute": "unproposal", "Attribute": "delete_attribute",
            "Object": "delete_object",
        }.get(path[-2])  # fmt: skip
        if kind:
            yield Step(kind, path, have_all[path])


def perform(server: MispServer, uuid: str, step: Step) -> None:
    """Do one. Raises what the server's methods raise."""
    holder = step.path[-3] if len(step.path) > 2 else uuid
    number = str(step.fields.get("id") or step.fields.get("uuid") or "")
    match step.kind:
        case "edit":
            server.edit(uuid, step.fields)
        case "tag":
            server.tag(holder, step.path[-1])
        case "untag":
            server.untag(holder, step.path[-1])
        case "delete_attribute":
            server.delete_attribute(step.path[-1])
        case "delete_object":
            server.delete_object(step.path[-1])
        case "sighting":
            server.add_sighting(holder, step.fields)
        case "unsighting":
            server.delete_sighting(number)
        case "proposal":
            server.propose(uuid, holder if len(step.path) > 2 else None, whole(step.fields))
        case _:
            server.discard(number)


def _is_content(path: Path) -> bool:
    return all(name in _CONTENT or name == "ObjectReference" for name in path[::2])


def _edited(wanted: Fields, touched: set[Path]) -> Fields:
    """The event's head, and of its content what is touched, without the times that say that it is old."""

    def pick(part: Fields, path: Path) -> Fields:
        result: Fields = {}
        for name, value in part.items():
            if name in _SERVERS_OWN or (name == "timestamp" and path in touched | {()}):
                continue
            if name not in MISP.keys or not isinstance(value, list):
                result[name] = value
            elif name in _CONTENT or name == "ObjectReference":
                below = [(each, (*path, name, str(each.get(MISP.keys[name])))) for each in value]
                kept = [pick(each, at) for each, at in below if any(one[: len(at)] == at for one in touched)]
                if kept:
                    result[name] = kept
            elif path and path in touched and name == "Tag":
                result[name] = value
        return result

    return pick(wanted, ())


def _parts(document: Fields, path: Path = ()) -> Iterator[tuple[Path, Fields]]:
    yield path, document
    for name, value in document.items():
        if name in MISP.keys and isinstance(value, list):
            for each in value:
                key: Any = each.get(MISP.keys[name]) if isinstance(each, dict) else None
                if key is not None:
                    yield from _parts(each, (*path, name, str(key)))
