"""Under which domain a host name lies: the one that was searched, else the registered one."""

from dataclasses import dataclass, field
from typing import Final

from clew.ingest.sources.registrable_domain import registrable_domain

_REMEMBERED: Final = 65_536


@dataclass(slots=True)
class ParentDomains:
    """Finds parents and remembers the registered domains it has looked up, since siblings are many."""

    _registered: dict[str, str | None] = field(default_factory=dict)

    def parent(self, host: str, searched: str | None = None) -> str | None:
        """`searched` where the host lies under it, else its registered domain; None where the host is that itself."""
        name = host.casefold().rstrip(".").removeprefix("*.")
        domain = (searched or "").casefold().rstrip(".")
        if domain and (name == domain or name.endswith(f".{domain}")):
            return None if name == domain else domain
        above = name.partition(".")[2]
        if above not in self._registered:
            if len(self._registered) >= _REMEMBERED:
                self._registered.clear()
            self._registered[above] = registrable_domain(above) if "." in above else None
        parent = self._registered[above] or registrable_domain(name)
        return None if parent == name else parent
