"""Searches and their results as the API takes and shows them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from clew.api.models.listing import Given
from clew.projections.search.fields import SearchIndex
from clew.projections.search.port import (
    MAXIMUM_FACETS,
    MAXIMUM_FUZZY,
    MAXIMUM_TEXT,
    DateHistogram,
    Interval,
    SearchRequest,
)
from clew.projections.search.wording import filters_of, moment_of, place_of, sorts_of

MAXIMUM_CONDITIONS = 100

FieldName = Annotated[str, Field(max_length=100)]


class SearchQuery(Given):
    """What is looked for; everything given must hold. Nothing given finds all, the newest first."""

    text: str = Field(
        "",
        alias="q",
        max_length=MAXIMUM_TEXT,
        description='Words; also "a phrase", begin*, wrong~, -without, field:value, OR and parentheses.',
        examples=["heron -tern"],
    )
    index: SearchIndex = SearchIndex.OSINT_ENTITIES
    entity_type: list[FieldName] = Field(default=[], alias="type", max_length=50, description="Any of these types.")
    where: list[Annotated[str, Field(max_length=500)]] = Field(
        default=[],
        max_length=MAXIMUM_CONDITIONS,
        description="FIELD=VALUE; several values of one field are alternatives.",
        examples=[["platform=github"]],
    )
    since: str | None = Field(None, alias="from", max_length=60, description="Seen at this time or later.")
    until: str | None = Field(None, alias="to", max_length=60, description="Seen before this time.")
    near: str | None = Field(None, max_length=100, description="LAT,LON,KM", examples=["52.52,13.40,50"])
    facet: list[FieldName] = Field(
        default=[], max_length=MAXIMUM_FACETS, description="Fields whose values are counted."
    )
    facet_size: int = Field(10, ge=1, le=1000)
    histogram: Interval | None = None
    stats: list[FieldName] = Field(default=[], max_length=MAXIMUM_FACETS, description="Numbers that are summed up.")
    sort: list[FieldName] = Field(
        default=[], max_length=10, description="Highest first; -FIELD for lowest first; else by rank or time."
    )
    fuzzy: int = Field(0, ge=0, le=MAXIMUM_FUZZY, description="Letters by which words may differ.")
    highlight: bool = False
    hybrid: bool = Field(default=False, description="Rank by likeness of meaning or spelling, too.")
    limit: int = Field(20, ge=0, le=200)
    cursor: str | None = Field(None, max_length=4096)

    def request(self) -> SearchRequest:
        """As the search port takes it. Raises SearchQueryError."""
        return SearchRequest(
            text=self.text,
            index=self.index,
            entity_types=tuple(self.entity_type),
            filters=filters_of(self.index, self.where),
            within=place_of(self.near),
            since=moment_of(self.since, "from"),
            until=moment_of(self.until, "to"),
            facets=tuple(self.facet),
            facet_size=self.facet_size,
            histogram=DateHistogram(self.histogram) if self.histogram else None,
            stats=tuple(self.stats),
            sort=sorts_of(self.sort),
            fuzzy=self.fuzzy,
            highlight=self.highlight,
            limit=self.limit,
            cursor=self.cursor,
        )


class SuggestQuery(Given):
    """What was typed so far."""

    text: str = Field(alias="q", min_length=1, max_length=MAXIMUM_TEXT, examples=["quie"])
    index: SearchIndex = SearchIndex.OSINT_ENTITIES
    entity_type: list[FieldName] = Field(default=[], alias="type", max_length=50)
    limit: int = Field(10, ge=1, le=100)


class BucketModel(BaseModel):
    """A value, or the beginning of an interval, and how many results have it."""

    value: str
    count: int


class StatisticsModel(BaseModel):
    """Of a number over all results."""

    count: int
    minimum: float | None
    maximum: float | None
    mean: float | None
    total: float | None


class HitModel(BaseModel):
    """One document found. Highlights are HTML-escaped text with <mark> around what was found."""

    id: str
    type: str
    name: str
    score: float
    index: str
    highlights: dict[str, list[str]]
    document: dict[str, Any]


class SearchResultModel(BaseModel):
    """What was found. `total` counts all results, exactly; `took_ms` is what the view needed."""

    total: int
    took_ms: float
    hits: list[HitModel]
    facets: dict[str, list[BucketModel]]
    histogram: list[BucketModel]
    stats: dict[str, StatisticsModel]
    next_cursor: str | None


class SuggestionModel(BaseModel):
    """A name that what was typed could become."""

    text: str
    type: str
    id: str
    score: float


class SuggestionsModel(BaseModel):
    """Names, best first."""

    items: list[SuggestionModel]
