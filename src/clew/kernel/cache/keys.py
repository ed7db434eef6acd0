"""Under which keys things are kept, and for how long: one table, for every adapter.

Parts of keys come from outside. What stands in one is written such that it can neither end it nor begin another.
"""

from dataclasses import dataclass
from datetime import timedelta
from string import Formatter
from typing import Final
from urllib.parse import quote

_PLAIN: Final = "/@{}"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A family of keys and how long each is kept."""

    template: str
    lifetime: timedelta

    def key(self, **parts: object) -> str:
        """The key with these parts. Raises TypeError unless they are the template's."""
        names = {name for _, name, _, _ in Formatter().parse(self.template) if name}
        if names != parts.keys():
            raise TypeError(f"{self.template} takes {sorted(names)}, not {sorted(parts)}")
        return self.template.format(**{name: quote(str(part), safe=_PLAIN) for name, part in parts.items()})


RATE_LIMIT: Final = Pattern("rate_limit:{subject}:{endpoint}", timedelta(minutes=1))
RATE_LIMIT_OF_ADDRESS: Final = Pattern("rate_limit:{subject}:{endpoint}", timedelta(hours=1))
RATE_LIMIT_OF_ALL: Final = Pattern("ratelimit:global:{endpoint}", timedelta(minutes=1))
RESOURCE: Final = Pattern("cache:{resource_type}:{resource_id}", timedelta(minutes=5))
"""5 minutes unless the kind of thing is kept longer: callers of `put` say so."""
