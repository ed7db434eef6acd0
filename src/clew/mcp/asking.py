"""What tools ask through: the API, as one caller."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import pydantic
from pydantic import BaseModel

from clew.api.models.campaigns import CampaignModel
from clew.api.models.entities import LookupModel
from clew.api.models.investigations import InvestigationModel
from clew.api.paging import Page
from clew.client.errors import UnknownAnswerError
from clew.client.transport import asked, path_of
from clew.kernel.errors import NotFoundError
from clew.mcp.gateway import Caller, Gateway
from clew.mcp.outside import MOST_CHARACTERS, size_of
from clew.mcp.rights import Rights

PREFIX: Final = "/api/v1"
_AT_ONCE: Final = 200
_MOST_PAGES: Final = 25
_ROOM: Final = 0.9

Answered = TypeVar("Answered", bound=BaseModel)


async def _untold(_done: float, _step: str) -> None:
    await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Asking:
    """The API, asked by one caller. `reports`: the directory in which reports are saved, if any."""

    gateway: Gateway
    caller: Caller
    rights: Rights
    reports: Path | None = None
    observe: Callable[[float, str], Awaitable[None]] = field(default=_untold)

    async def get(
        self, kind: type[Answered], path: str, query: Mapping[str, Any] | None = None, **values: object
    ) -> Answered:
        """What the API answers to a question. Raises ClewError, by the problem's code."""
        return _read(kind, await self.raw(path, query, **values))

    async def raw(self, path: str, query: Mapping[str, Any] | None = None, **values: object) -> bytes:
        """The same as it comes."""
        response = await self.gateway.send(asked("GET", _path(path, values), query=query), self.caller)
        return response.content

    async def post(self, kind: type[Answered], path: str, body: BaseModel, **values: object) -> Answered:
        """Have something done, once, even if the request has to be sent again. Raises as `get`."""
        sent = body.model_dump(mode="json", by_alias=True, exclude_unset=True)
        response = await self.gateway.send(asked("POST", _path(path, values), body=sent, once=True), self.caller)
        return _read(kind, response.content)

    async def page(
        self, kind: type[Answered], path: str, query: Mapping[str, Any], *, items: str = "items", **values: object
    ) -> Answered:
        """A page that is short enough to be told whole: asked again with a smaller limit if it is not.

        So its cursor goes on behind the last item that is told.
        """
        found = await self.get(kind, path, query, **values)
        count = len(getattr(found, items))
        while count > 1 and (size := size_of(found)) > _ROOM * MOST_CHARACTERS:
            count = max(1, min(count - 1, int(count * _ROOM * MOST_CHARACTERS / size)))
            found = await self.get(kind, path, {**query, "limit": count}, **values)
            count = min(count, len(getattr(found, items)))
        return found

    async def campaign_id(self, name_or_id: str) -> UUID:
        """The id of the campaign of that id or name. Raises NotFoundError."""
        return await self._named(Page[CampaignModel], "/campaigns", {"all": True}, name_or_id, "campaign")

    async def case_id(self, name_or_id: str) -> UUID:
        """The id of the case of that id or name. Raises NotFoundError."""
        return await self._named(Page[InvestigationModel], "/investigations", {}, name_or_id, "case")

    async def entity_id(self, value_or_id: str, kind: str | None) -> UUID:
        """The id of the entity that a value means, likeliest first. Raises NotFoundError."""
        found = await self.get(LookupModel, "/entities/lookup", {"value": value_or_id, "type": kind})
        return found.items[0].id

    async def _named(
        self, kind: type[Page[Any]], path: str, query: Mapping[str, Any], name_or_id: str, what: str
    ) -> UUID:
        wanted = " ".join(name_or_id.split())
        if (given := _as_id(wanted)) is not None:
            return given
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await self.get(kind, path, {**query, "limit": _AT_ONCE, "cursor": cursor})
            for each in page.items:
                if each.name == wanted:
                    found: UUID = each.id
                    return found
            cursor = page.next_cursor
            if cursor is None:
                break
        raise NotFoundError(f"no {what} {wanted[:200]!r}", remedy=f"list_{what}s lists them; name one by its id")


def _as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _path(template: str, values: Mapping[str, object]) -> str:
    return path_of(PREFIX + template, **values)


def _read(kind: type[Answered], content: bytes) -> Answered:
    try:
        return kind.model_validate_json(content)
    except pydantic.ValidationError as error:
        raise UnknownAnswerError(
            f"the answer is not what this program understands ({error.error_count()} faults)",
            remedy="use the same release of clew here and there",
        ) from None
