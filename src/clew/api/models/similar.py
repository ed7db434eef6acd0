"""What is like what, as the API takes and shows it."""

from typing import Annotated

from pydantic import BaseModel, Field

from clew.api.models.listing import Given
from clew.domains.similarity.questions import LONGEST_ASKED, MAXIMUM_EXAMPLES, Question, collection_of
from clew.projections.vectors.port import MAXIMUM_LIMIT

Word = Annotated[str, Field(max_length=200)]
_COLLECTION = "cases, profiles, content, domains or knowledge."


class SimilarQuery(Given):
    """Like what: a value, a text, or examples; and what the answers have to meet."""

    value: str | None = Field(
        None, max_length=2000, description="An entity or a case, by id, name or spelling.", examples=["paypal.com"]
    )
    entity_type: str | None = Field(None, alias="type", max_length=60, description="The type of the entity meant.")
    text: str | None = Field(None, alias="q", max_length=LONGEST_ASKED, description="A text in any words.")
    like: list[Word] = Field(default=[], max_length=MAXIMUM_EXAMPLES, description="Ids of examples.")
    unlike: list[Word] = Field(default=[], max_length=MAXIMUM_EXAMPLES, description="Ids of counter-examples.")
    collection: Word | None = Field(None, description=_COLLECTION)
    kind: list[Word] = Field(default=[], max_length=50, description="Only subjects of any of these types.")
    platform: list[Word] = Field(default=[], max_length=50, description="Only of any of these platforms.")
    since: str | None = Field(None, alias="from", max_length=60, description="Seen at this time or later.")
    until: str | None = Field(None, alias="to", max_length=60, description="Seen before this time.")
    limit: int = Field(10, ge=1, le=MAXIMUM_LIMIT)

    def question(self) -> Question:
        """As it is answered. Raises VectorQueryError."""
        return Question(
            value=self.value,
            kind=self.entity_type,
            text=self.text,
            like=tuple(self.like),
            unlike=tuple(self.unlike),
            collection=collection_of(self.collection),
            kinds=tuple(self.kind),
            platforms=tuple(self.platform),
            since=self.since,
            until=self.until,
            limit=self.limit,
        )


class ClusterQuery(Given):
    """Of which collection, and how many groups at most."""

    collection: Word = Field("profiles", description=_COLLECTION)
    limit: int = Field(20, ge=1, le=200)


class LikenessModel(BaseModel):
    """A subject that was found. `score` is the cosine of the two vectors, -1 to 1; compare it within one model only."""

    collection: str
    model: str
    id: str
    kind: str
    name: str
    platform: str | None
    excerpt: str
    score: float


class SimilarModel(BaseModel):
    """What is like what was asked about, best first. `asked` is its name."""

    asked: str | None
    items: list[LikenessModel]


class ClusterModel(BaseModel):
    """Subjects that are alike, the words that tell them from others, and those nearest to the middle."""

    size: int
    terms: list[str]
    examples: list[LikenessModel]


class ClustersModel(BaseModel):
    """Groups of a collection, the largest first. `apart`: subjects that are in none."""

    collection: str
    method: str
    subjects: int
    apart: int
    groups: list[ClusterModel]
