"""Cases (investigations), and reports of them."""

from typing import Any, Final

from pydantic import Field, RootModel

from clew.api.models.investigations import InvestigationModel, InvestigationQuery, OverviewModel
from clew.api.models.listing import Given
from clew.api.paging import Page
from clew.mcp.asking import Asking
from clew.mcp.tool import Few, Tool, query_of

CaseName: Any = Field(min_length=1, max_length=200, description="Its id or its whole name.", examples=["Harbour"])


class ListCases(InvestigationQuery):
    """Which cases."""

    limit: int = Few


class NamedCase(Given):
    """Which case."""

    case: str = CaseName


class Report(RootModel[dict[str, Any]]):
    """The document of `clew report --format json`."""


async def _list(asking: Asking, wanted: ListCases) -> Page[InvestigationModel]:
    return await asking.page(Page[InvestigationModel], "/investigations", query_of(wanted))


async def _get(asking: Asking, wanted: NamedCase) -> OverviewModel:
    found = await asking.case_id(wanted.case)
    return await asking.get(OverviewModel, "/investigations/{investigation_id}/overview", investigation_id=found)


async def _read_report(asking: Asking, wanted: NamedCase) -> Report:
    found = await asking.case_id(wanted.case)
    return await asking.get(
        Report, "/investigations/{investigation_id}/report", {"format": "json"}, investigation_id=found
    )


TOOLS: Final = (
    Tool(
        "list_cases",
        "List cases",
        "Cases (investigations) page by page, the newest first.",
        ListCases,
        Page[InvestigationModel],
        _list,
        ("investigation:read",),
    ),
    Tool(
        "get_case",
        "Read a case at a glance",
        "What a case is about, which files belong to it, and how much of what they told.",
        NamedCase,
        OverviewModel,
        _get,
        ("investigation:read",),
    ),
    Tool(
        "read_report",
        "Read the report of a case",
        "The report of a case as data: entities, relations, timeline, sources. Long ones are cut, and `truncated` "
        "says where; the other tools give the parts.",
        NamedCase,
        Report,
        _read_report,
        ("investigation:read", "report:read"),
    ),
)
