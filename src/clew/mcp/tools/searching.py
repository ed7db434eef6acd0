"""Search, completion of names, and what there is to ask about."""

from typing import Final

from pydantic import Field

from clew.api.models.account import CallerModel
from clew.api.models.jobs import JobModel
from clew.api.models.listing import Given
from clew.api.models.operations import CapabilitiesModel, ProjectionsModel
from clew.api.models.search import SearchQuery, SearchResultModel, SuggestionsModel, SuggestQuery
from clew.api.paging import Page
from clew.mcp.asking import Asking
from clew.mcp.tool import Few, Tool, query_of


class Search(SearchQuery):
    """What is looked for."""

    limit: int = Field(10, ge=0, le=200)


class ListJobs(Given):
    """Which jobs."""

    limit: int = Few
    cursor: str | None = Field(None, max_length=2000, description="`next_cursor` of the page before.")
    status: str | None = Field(None, pattern="^(pending|running|completed|failed|cancelled)$")
    kind: str | None = Field(None, max_length=100, examples=["analyze"])


class Nothing(Given):
    """No arguments."""


async def _search(asking: Asking, wanted: Search) -> SearchResultModel:
    return await asking.page(SearchResultModel, "/search", query_of(wanted), items="hits")


async def _suggest(asking: Asking, wanted: SuggestQuery) -> SuggestionsModel:
    return await asking.get(SuggestionsModel, "/suggest", query_of(wanted))


async def _capabilities(asking: Asking, _wanted: Nothing) -> CapabilitiesModel:
    return await asking.get(CapabilitiesModel, "/capabilities")


async def _projections(asking: Asking, _wanted: Nothing) -> ProjectionsModel:
    return await asking.get(ProjectionsModel, "/projections")


async def _jobs(asking: Asking, wanted: ListJobs) -> Page[JobModel]:
    return await asking.page(Page[JobModel], "/jobs", query_of(wanted))


async def _who(asking: Asking, _wanted: Nothing) -> CallerModel:
    return await asking.get(CallerModel, "/session")


TOOLS: Final = (
    Tool(
        "search",
        "Search the record",
        "Find things by words, place and time, with facets (counts of values), histograms and statistics. Indices: "
        "osint_entities (entities, accounts, posts), entities, attacks (attack sessions), documents. `q` takes words, "
        '"a phrase", begin*, wrong~, -without, field:value, OR and parentheses; `where` takes FIELD=VALUE. With '
        "limit 0 only totals, facets and histograms come. An unknown field is refused with a list of those there are.",
        Search,
        SearchResultModel,
        _search,
        ("search:read",),
    ),
    Tool(
        "suggest",
        "Complete a name",
        "Names with words that begin with the last typed word and hold the ones before, best first.",
        SuggestQuery,
        SuggestionsModel,
        _suggest,
        ("search:read",),
    ),
    Tool(
        "describe_record",
        "See what can be asked about",
        "Types of entities and relationships, the formats that can be loaded, and the search indices there are.",
        Nothing,
        CapabilitiesModel,
        _capabilities,
    ),
    Tool(
        "show_projections",
        "See how the views fare",
        "How far every view (search and others) follows the record: look here if a search seems to miss something.",
        Nothing,
        ProjectionsModel,
        _projections,
        ("projection:read",),
    ),
    Tool(
        "list_jobs",
        "List jobs",
        "What is done beside requests – loads, analyses – and how far it is, the newest first.",
        ListJobs,
        Page[JobModel],
        _jobs,
        ("job:read",),
    ),
    Tool(
        "who_am_i",
        "See who is asking",
        "Whose record this is, in whose name you ask, and what they may do.",
        Nothing,
        CallerModel,
        _who,
    ),
)
