"""What the record of a server knows."""

from dataclasses import dataclass

from clew.cli.desk.remote.connection import connected, shaped
from clew.cli.options import Invocation
from clew.records.cards import Card
from clew.records.lookup import EntityRow
from clew.records.paths import PathResult


@dataclass(frozen=True, slots=True)
class RemoteEntities:
    """See `ports.Entities`."""

    call: Invocation

    def card(self, value: str, kind: str | None, *, limit: int) -> Card:
        """The card of what the value means."""
        with connected(self.call) as client:
            first, *others = client.look_up_entity(value=value, type=kind).items
            shown = client.get_card(first.id, limit=limit)
        return shaped(shown, Card, alternatives=[shaped(each, EntityRow, flags=()) for each in others])

    def path(self, start: str, goal: str, *, max_length: int) -> PathResult:
        """The shortest way between two of them."""
        with connected(self.call) as client:
            return shaped(client.find_path(start=start, goal=goal, max_length=max_length), PathResult)
