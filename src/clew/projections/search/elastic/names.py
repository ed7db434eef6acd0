"""What things are called in the engine.

    osint_entities attacks documents entities     aliases, for whoever reads: what is published. `entities` is a
                                                  filtered alias of osint_entities
    search_state                                  alias of the published generation's state
    osint_entities-GENERATION                     alias through which a generation is written and read
    osint_entities-GENERATION-000001              the index itself
    attacks-GENERATION-000002                     one that was begun when the former was a week old, or large
    attacks-GENERATION-000001-shrunk              the former, as one shard
    attacks-GENERATION.000001                     alias through which it is still written
    search_state-GENERATION                       schema version, position, and which indices belong to the generation

Before each stands the installation's prefix and a hyphen, if it has one.
"""

import re
from typing import Final

from clew.projections.search.fields import DocumentSet, SearchIndex

STATE: Final = "search_state"
STATE_ID: Final = "state"
SHRUNK: Final = "-shrunk"


class Names:
    """The names of an installation. prefix: "" for none."""

    def __init__(self, prefix: str) -> None:
        self.prefix = f"{prefix}-" if prefix else ""
        documents = rf"(?:{'|'.join(DocumentSet)})-([0-9a-f]{{24}})-(\d{{6}})(?:{SHRUNK})?"
        self._owned = re.compile(rf"{re.escape(self.prefix)}(?:{documents}|{STATE}-([0-9a-f]{{24}}))")

    def public(self, index: SearchIndex) -> str:
        """The alias of what is published."""
        return f"{self.prefix}{index}"

    @property
    def public_state(self) -> str:
        """The alias of the published generation's state."""
        return f"{self.prefix}{STATE}"

    def alias(self, document_set: DocumentSet, generation: str) -> str:
        """Through which a generation's documents are written and read."""
        return f"{self.prefix}{document_set}-{generation}"

    def aliases(self, generation: str) -> str:
        """Those of all sets, as part of a target."""
        return ",".join(self.alias(document_set, generation) for document_set in DocumentSet)

    def index(self, document_set: DocumentSet, generation: str, number: int = 1) -> str:
        """The index itself, the first or a later one."""
        return f"{self.alias(document_set, generation)}-{number:06}"

    def part(self, document_set: DocumentSet, generation: str, number: int) -> str:
        """The alias of an index that is not the newest of its set any more."""
        return f"{self.alias(document_set, generation)}.{number:06}"

    def number_of(self, index: str) -> int | None:
        """Which of its set's indices it is; None for what holds no documents, or is none of this installation's."""
        match = self._owned.fullmatch(index)
        return int(match[2]) if match is not None and match[2] else None

    def state(self, generation: str) -> str:
        """Where a generation's state is."""
        return f"{self.prefix}{STATE}-{generation}"

    def generation_of(self, index: str) -> str | None:
        """The generation that an index belongs to; None for what is none of this installation's."""
        match = self._owned.fullmatch(index)
        return (match[1] or match[3]) if match is not None else None

    @property
    def pattern(self) -> str:
        """Matches every index of every generation, as part of a target; `generation_of` says which surely are."""
        return ",".join(f"{self.prefix}{name}-*" for name in (*DocumentSet, STATE))
