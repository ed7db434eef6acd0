"""What the record of this machine knows."""

from dataclasses import dataclass

from clew.cli.options import Invocation
from clew.cli.session import opened_record
from clew.records import acts
from clew.records.cards import Card, card
from clew.records.finding import found_entities
from clew.records.paths import PathResult, find_path


@dataclass(frozen=True, slots=True)
class LocalEntities:
    """See `ports.Entities`."""

    call: Invocation

    def card(self, value: str, kind: str | None, *, limit: int) -> Card:
        """The card of what the value means."""
        with opened_record(self.call) as record, record.transaction() as connection:
            first, *others = found_entities(connection, record.organization_id, value, kind)
            shown = card(connection, record.organization_id, first.id, limit=limit, alternatives=others)
            acts.record(connection, acts.Act("entity_read", "READ", "entity", first.id, first.name))
        return shown

    def path(self, start: str, goal: str, *, max_length: int) -> PathResult:
        """The shortest way between two of them."""
        with opened_record(self.call) as record, record.transaction() as connection:
            where = record.organization_id
            here, there = (found_entities(connection, where, value, None)[0] for value in (start, goal))
            result = find_path(connection, where, here.id, there.id, max_length=max_length)
            asked = {"to": there.id, "max_length": max_length, "found": result.found}
            acts.record(connection, acts.Act("path_read", "READ", "entity", here.id, here.name, request=asked))
        return result
