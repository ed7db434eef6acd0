"""What a caller may do here: what the API lets them, and no change unless whoever started the server allowed that."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from clew.api.models.account import CallerModel
from clew.client.transport import asked
from clew.domains.identity.permissions import ADMIN, BUILT_IN, PERMISSIONS, READ
from clew.mcp.gateway import Caller, Gateway

MEMORY_SECONDS: Final = 5.0
_MOST_REMEMBERED: Final = 1000
READING: Final = frozenset(each.code for each in PERMISSIONS if each.scope == READ)
"""What somebody is left with who may change nothing."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a caller may. `writing`: whether whoever started the server lets assistants change anything."""

    permissions: frozenset[str]
    writing: bool

    def missing(self, needed: Iterable[str]) -> list[str]:
        """Those of the needed permissions that are not there, in order."""
        return sorted(set(needed) - self.permissions)


def operator_rights(*, allow_write: bool) -> Rights:
    """What the operator of an organization may here, who runs the program and whom nobody need ask about."""
    return Rights(BUILT_IN[ADMIN] if allow_write else READING, allow_write)


class RightsDesk:
    """Finds out what callers may. For a few seconds it is remembered, so that not every message costs two requests.

    That decides only which tools are offered and who is turned away at the door: each question of a tool is asked with
    the caller's own credential and judged anew, so that revoking one counts at once.
    """

    def __init__(self, gateway: Gateway, *, allow_write: bool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._gateway = gateway
        self._writing = allow_write
        self._monotonic = monotonic
        self._remembered: OrderedDict[bytes, tuple[float, Rights]] = OrderedDict()

    async def of(self, caller: Caller) -> Rights:
        """The caller's rights. Raises AuthenticationError, and what else the API refuses with."""
        if caller.principal is not None:
            return Rights(caller.principal.permissions, self._writing)
        key = hashlib.sha256((caller.authorization or "").encode()).digest()
        known = self._remembered.get(key)
        now = self._monotonic()
        if known is not None and now < known[0]:
            return known[1]
        answer = await self._gateway.send(asked("GET", "/api/v1/session"), caller)
        told = CallerModel.model_validate_json(answer.content)
        rights = Rights(frozenset(told.permissions), self._writing)
        self._remembered[key] = (now + MEMORY_SECONDS, rights)
        self._remembered.move_to_end(key)
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return rights
