"""Documents as the API takes and shows them."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from clew.api.models.listing import ListQuery, Text
from clew.projections.documents.port import MAXIMUM_CONDITIONS, DocumentCollection, DocumentRequest
from clew.projections.documents.wording import conditions_of


class DocumentQuery(ListQuery):
    """Which documents; everything given must hold. The newest come first."""

    where: list[Annotated[Text, Field(max_length=1000)]] = Field(
        default=[],
        max_length=MAXIMUM_CONDITIONS,
        description="FIELD=VALUE; of numbers and times also FIELD>=VALUE and FIELD<VALUE.",
        examples=[["metadata.source=whois"]],
    )

    def request(self, collection: DocumentCollection) -> DocumentRequest:
        """As the document port takes it. Raises DocumentQueryError."""
        return DocumentRequest(conditions_of(collection, self.where), self.limit, self.cursor)


class DocumentModel(BaseModel):
    """A document: its fields depend on its collection (see how-to/read-documents)."""

    collection: DocumentCollection
    id: str
    created_at: str = Field(examples=["2025-03-09T12:00:00.000000+00:00"])
    document: dict[str, Any]
