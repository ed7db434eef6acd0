"""Resources: single things of the record by address (URI), as the tools tell them."""

import re
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from mcp import types
from pydantic import BaseModel

from clew.api.models.campaigns import CampaignDetailsModel, CampaignModel
from clew.api.models.entities import CardModel
from clew.api.models.happenings import AttackWithPayload
from clew.api.models.investigations import InvestigationModel, OverviewModel
from clew.api.paging import Page
from clew.kernel.errors import NotFoundError
from clew.mcp.asking import Asking
from clew.mcp.outside import MOST_RESOURCE_CHARACTERS, as_json, told, visible_text
from clew.mcp.tools.cases import Report

JSON: Final = "application/json"
_URI: Final = re.compile(r"clew://([a-z]{1,20})/([0-9a-fA-F-]{32,36})")
_LISTED: Final = 50


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource: clew://NAME/{PARAMETER}, read from `path`."""

    name: str
    parameter: str
    title: str
    description: str
    path: str
    model: type[BaseModel]
    permissions: tuple[str, ...]

    @property
    def template(self) -> str:
        """The URI template (RFC 6570)."""
        return f"clew://{self.name}/{{{self.parameter}}}"


KINDS: Final = (
    Kind(
        "entities",
        "entity_id",
        "An entity",
        "What is known of it, from which line of which file.",
        "/entities/{id}/card",
        CardModel,
        ("entity:read",),
    ),
    Kind(
        "attacks",
        "attack_id",
        "An attack session",
        "An attack session with what was sent in it.",
        "/attacks/{id}",
        AttackWithPayload,
        ("entity:read",),
    ),
    Kind(
        "campaigns",
        "campaign_id",
        "A campaign",
        "Who acts in it, when, and why they are thought to act together.",
        "/campaigns/{id}",
        CampaignDetailsModel,
        ("analysis:read",),
    ),
    Kind(
        "cases",
        "case_id",
        "A case",
        "What it is about, and its files.",
        "/investigations/{id}/overview",
        OverviewModel,
        ("investigation:read",),
    ),
    Kind(
        "reports",
        "case_id",
        "The report of a case",
        "Entities, relations, timeline and sources as data.",
        "/investigations/{id}/report",
        Report,
        ("investigation:read", "report:read"),
    ),
)
_BY_NAME: Final = {kind.name: kind for kind in KINDS}


def templates(asking: Asking) -> list[types.ResourceTemplate]:
    """The kinds of resources that the caller may read."""
    return [
        types.ResourceTemplate(
            uri_template=kind.template,
            name=kind.name,
            title=kind.title,
            description=kind.description,
            mime_type=JSON,
        )
        for kind in KINDS
        if not asking.rights.missing(kind.permissions)
    ]


async def listed(asking: Asking) -> list[types.Resource]:
    """The newest campaigns and cases, for hosts that let people choose. Everything else is found by tools."""
    found: list[types.Resource] = []
    if not asking.rights.missing(("investigation:read",)):
        cases = await asking.get(Page[InvestigationModel], "/investigations", {"limit": _LISTED})
        found += [_resource("cases", each.id, each.name, "Case") for each in cases.items]
    if not asking.rights.missing(("analysis:read",)):
        campaigns = await asking.get(Page[CampaignModel], "/campaigns", {"limit": _LISTED})
        found += [_resource("campaigns", each.id, each.name, "Campaign") for each in campaigns.items]
    return found


async def read(asking: Asking, uri: str) -> types.ReadResourceResult:
    """One resource as JSON, marked as data and bounded as what tools tell.

    Raises NotFoundError for what is none, and what the API raises.
    """
    match = _URI.fullmatch(uri)
    kind = _BY_NAME.get(match[1]) if match else None
    identifier = _id_of(match[2]) if match else None
    if kind is None or identifier is None:
        raise NotFoundError(
            f"no resource {visible_text(uri[:200])}",
            remedy="name one such as " + ", ".join(each.template for each in KINDS),
        )
    query: dict[str, Any] = {"format": "json"} if kind.model is Report else {}
    found = await asking.get(kind.model, kind.path, query, id=identifier)
    text = as_json(told(found, most=MOST_RESOURCE_CHARACTERS))
    return types.ReadResourceResult(contents=[types.TextResourceContents(uri=uri, mime_type=JSON, text=text)])


def _resource(name: str, identifier: UUID, title: str, what: str) -> types.Resource:
    return types.Resource(
        uri=f"clew://{name}/{identifier}",
        name=str(identifier),
        title=f"{what}: {visible_text(title)[:200]}",
        mime_type=JSON,
    )


def _id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
