"""The baseline `row-by-row`: `python -m bench.row_by_row PLACE FILE` loads a log as a first version would.

Each line goes through json.loads; its event is inserted, its address, its login and the relationship between both are
looked up or made through SQLAlchemy's ORM, with where they were seen; a flush for each event, a commit for a thousand.
It stores less than the product does: no sessions, no other kinds of entities, no repeats, no progress.
"""

import ipaddress
import itertools
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4, uuid5

from sqlalchemy.orm import Session, registry

from bench.places import OTHER_ORGANIZATION, record_at
from bench.usage import Meter
from clew.kernel.database import Database, TenantContext
from clew.records.tables import entities, events

_COMMIT_EVERY: Final = 1000


class Event:
    """A row of events."""


class Entity:
    """A row of entities."""


class EntitySource:
    """A row of entity_sources."""


class Relationship:
    """A row of relationships."""


class RelationshipSource:
    """A row of relationship_sources."""


def map_rows() -> None:
    """Map the classes to the record's own tables."""
    mapper = registry()
    for mapped, table in (
        (Event, events.events),
        (Entity, entities.entities),
        (EntitySource, entities.entity_sources),
        (Relationship, entities.relationships),
        (RelationshipSource, entities.relationship_sources),
    ):
        mapper.map_imperatively(mapped, table)


def main(arguments: list[str]) -> None:
    """Print what the baseline took, as a line of JSON."""
    place, log = Path(arguments[0]), Path(arguments[1])
    map_rows()
    with record_at(place) as database, log.open(encoding="utf-8") as file:
        if database.embedded is None:
            raise LookupError("the benchmark's record is kept by the embedded server")
        with database.transaction(TenantContext(OTHER_ORGANIZATION)) as connection:
            connection.exec_driver_sql("SELECT ensure_partitions('events', ARRAY['2025-01-01', '2025-02-01']::date[])")
        with Meter(database.embedded.ensure_running().pid) as meter:
            read = _load(database, file)
    print(json.dumps({"read": read, **meter.usage.as_dict()}))


def _load(database: Database, file: Any) -> int:
    item = uuid4()
    numbered = enumerate(file, start=1)
    read = 0
    while some := list(itertools.islice(numbered, _COMMIT_EVERY)):
        with database.transaction(TenantContext(OTHER_ORGANIZATION)) as connection, Session(connection) as session:
            for line, text in some:
                _Row(session, item, line, json.loads(text)).store()
            session.flush()
        read += len(some)
    return read


class _Row:
    """One event on its way into the record."""

    def __init__(self, session: Session, item: UUID, line: int, event: dict[str, Any]) -> None:
        self._session = session
        self._item = item
        self._line = line
        self._event = event
        self._seen = datetime.fromisoformat(event["timestamp"])

    def store(self) -> None:
        address = str(ipaddress.ip_address(self._event["src_ip"]))
        self._add(
            Event,
            id=uuid4(),
            occurred_at=self._seen,
            source="cowrie",
            kind=self._event["eventid"],
            item_id=self._item,
            line=self._line,
            source_ip=address,
            protocol=self._event.get("protocol"),
            sensor=self._event.get("sensor"),
            payload=self._event.get("input"),
            properties={key: self._event[key] for key in ("username", "password", "url") if key in self._event},
        )
        source = self._entity("ip_address", address)
        if "username" in self._event and "password" in self._event:
            login = self._entity("credential", f"{self._event['username']}:{self._event['password']}")
            self._relate(source, "uses", login)
        self._session.flush()

    def _entity(self, entity_type: str, name: str) -> UUID:
        identifier = uuid5(OTHER_ORGANIZATION, f"{entity_type}:{name}")
        self._see(Entity, identifier, entity_type=entity_type, name=name, normalized_name=name)
        seen = uuid5(self._item, str(identifier))
        if self._session.get(EntitySource, (OTHER_ORGANIZATION, seen)) is None:
            self._add(EntitySource, id=seen, entity_id=identifier, collection_item_id=self._item, line=self._line)
        return identifier

    def _relate(self, source: UUID, relationship_type: str, target: UUID) -> None:
        identifier = uuid5(OTHER_ORGANIZATION, f"{source}:{relationship_type}:{target}")
        ends = {"source_entity_id": source, "target_entity_id": target}
        self._see(Relationship, identifier, relationship_type=relationship_type, source="cowrie", **ends)
        key = (OTHER_ORGANIZATION, identifier, self._item)
        if self._session.get(RelationshipSource, key) is None:
            self._add(RelationshipSource, relationship_id=identifier, collection_item_id=self._item, line=self._line)

    def _see(self, mapped: type[Any], identifier: UUID, **columns: Any) -> None:
        """Get or create, and note when it was seen."""
        row = self._session.get(mapped, (OTHER_ORGANIZATION, identifier))
        if row is None:
            row = self._add(mapped, id=identifier, first_seen=self._seen, last_seen=self._seen, **columns)
            self._session.flush()
        row.last_seen = max(row.last_seen, self._seen)

    def _add(self, mapped: type[Any], **columns: Any) -> Any:
        row = mapped()
        row.organization_id = OTHER_ORGANIZATION
        for name, value in columns.items():
            setattr(row, name, value)
        self._session.add(row)
        return row


if __name__ == "__main__":
    main(sys.argv[1:])
