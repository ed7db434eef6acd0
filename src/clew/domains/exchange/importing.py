"""From documents to our copies: events of MISP, objects and bundles of STIX, as files and peers bring them.

Whatever the order in which versions come: the newest stays (MISP's `timestamp`, STIX's `modified`; of two of the same
time the one with the greater digest, so that order decides nothing).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from clew.domains.exchange import keeping
from clew.domains.exchange.attack import learn_techniques
from clew.domains.exchange.keeping import NewObject
from clew.domains.exchange.tables import bundle_members
from clew.domains.exchange.times import modified_of, timestamp_of
from clew.ingest.sources.misp import events_of
from clew.ingest.sources.result_rows import RefusedRowError
from clew.ingest.sources.stix import objects_of
from clew.kernel.errors import InputError


@dataclass(slots=True)
class Imported:
    """What was kept of documents: how many were read, and how many are new or newer than what was here."""

    read: int = 0
    changed: int = 0
    refused: list[str] = field(default_factory=list)


def keep_document(
    connection: sa.Connection,
    organization_id: UUID,
    source: str,
    content: bytes,
    now: datetime,
    *,
    one_a_line: bool = False,
) -> Imported:
    """Keep what one document holds; `source` is misp or stix."""
    plain = content.removeprefix(b"\xef\xbb\xbf")
    if source == "misp":
        pieces = plain.splitlines() if one_a_line else [plain]
        return keep_events(connection, organization_id, _events(pieces), now)
    return keep_bundle(connection, organization_id, plain, now)


def _events(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        if piece.strip():
            yield from (raw for raw, _, fault in events_of(piece) if fault is None)


def keep_events(connection: sa.Connection, organization_id: UUID, events: Iterable[bytes], now: datetime) -> Imported:
    """Keep events that are newer than ours."""
    done = Imported()
    newest: dict[str, tuple[Any, NewObject]] = {}
    for raw in events:
        done.read += 1
        made = event_object(raw)
        if made is None:
            done.refused.append("an event without uuid")
            continue
        age = (timestamp_of(raw), keeping.digest(raw))
        if made.external_id not in newest or newest[made.external_id][0] < age:
            newest[made.external_id] = (age, made)
    known = keeping.find_all(connection, organization_id, "misp", list(newest))
    fresh = []
    for identifier, (age, made) in newest.items():
        have = known.get(identifier)
        if have is not None and have.content is not None:
            if (timestamp_of(have.content), keeping.digest(have.content)) >= age:
                continue
        elif (
            have is not None
            and have.deleted_at is not None
            and timestamp_of(made.content) <= have.deleted_at.timestamp()
        ):
            continue
        fresh.append(made)
    done.changed = keeping.keep(connection, organization_id, fresh, now)
    return done


def event_object(raw: bytes) -> NewObject | None:
    """An event as it is to be kept; None if it has no uuid."""
    try:
        event = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    identifier = event.get("uuid") if isinstance(event, dict) else None
    if not isinstance(identifier, str):
        return None
    title = event.get("info")
    return NewObject("misp", identifier.lower(), "event", title if isinstance(title, str) else None, raw)


def keep_bundle(connection: sa.Connection, organization_id: UUID, content: bytes, now: datetime) -> Imported:
    """Keep a bundle and those of its objects that are newer than ours; learn techniques from one of ATT&CK."""
    try:
        found = [raw for raw, _ in objects_of(content)]
        head = orjson.loads(content)
    except (RefusedRowError, orjson.JSONDecodeError) as error:
        return Imported(1, 0, [str(error)[:200]])
    head.pop("objects", None)
    done = keep_stix(connection, organization_id, found, now)
    identifier = head.get("id")
    if head.get("type") == "bundle" and isinstance(identifier, str):
        _keep_members(connection, organization_id, identifier, found)
        title = NewObject("bundle", identifier, "bundle", None, orjson.dumps(head))
        done.changed += keeping.keep(connection, organization_id, [title], now)
    learn_techniques(connection, organization_id, found)
    return done


def keep_stix(connection: sa.Connection, organization_id: UUID, objects: Iterable[bytes], now: datetime) -> Imported:
    """Keep objects of STIX that are newer than ours."""
    done = Imported()
    newest: dict[str, tuple[Any, NewObject]] = {}
    for raw in objects:
        done.read += 1
        made = stix_object(raw)
        if made is None:
            done.refused.append("an object without id and type")
            continue
        age = (modified_of(raw), keeping.digest(raw))
        if made.external_id not in newest or newest[made.external_id][0] < age:
            newest[made.external_id] = (age, made)
    known = keeping.find_all(connection, organization_id, "stix", list(newest))
    fresh = []
    for identifier, (age, made) in newest.items():
        have = known.get(identifier)
        if have is not None and have.content is not None:
            if (modified_of(have.content), keeping.digest(have.content)) >= age:
                continue
        elif have is not None and have.deleted_at is not None and modified_of(made.content) <= have.deleted_at:
            continue
        fresh.append(made)
    done.changed = keeping.keep(connection, organization_id, fresh, now)
    return done


def stix_object(raw: bytes) -> NewObject | None:
    """An object as it is to be kept; None if it has no id or type."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in ("id", "type")):
        return None
    title = value.get("name")
    return NewObject("stix", value["id"], value["type"], title if isinstance(title, str) else None, raw)


def bundle_of(connection: sa.Connection, organization_id: UUID, identifier: str) -> bytes:
    """A bundle as it came, its objects in the versions that it had. Raises InputError if there is none."""
    head = keeping.find(connection, organization_id, "bundle", identifier)
    if head is None or head.content is None:
        raise InputError(f"no bundle {identifier}", remedy="load it first, as `clew ingest FILE`")
    rows = connection.execute(
        sa.text("""
            SELECT c.content FROM exchange_bundle_members AS m
            JOIN exchange_contents AS c ON c.organization_id = m.organization_id AND c.hash = m.content_hash
            WHERE m.organization_id = :organization AND m.bundle_id = :bundle ORDER BY m.position"""),
        {"organization": organization_id, "bundle": identifier},
    )
    members = b",".join(row[0] for row in rows)
    inner = head.content[1:-1]
    return b"{" + inner + (b"," if inner else b"") + b'"objects":[' + members + b"]}"


def _keep_members(connection: sa.Connection, organization_id: UUID, bundle: str, found: list[bytes]) -> None:
    keeping.put_contents(connection, organization_id, found)
    table = bundle_members.c
    connection.execute(
        sa.delete(bundle_members).where(table.organization_id == organization_id, table.bundle_id == bundle)
    )
    connection.execute(
        sa.text("""
            INSERT INTO exchange_bundle_members (organization_id, bundle_id, position, content_hash)
            SELECT :organization, :bundle, position, hash
            FROM unnest(CAST(:hashes AS text[])) WITH ORDINALITY AS new (hash, position)"""),
        {"organization": organization_id, "bundle": bundle, "hashes": [keeping.digest(each) for each in found]},
    )
