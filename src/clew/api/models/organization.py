"""Organizations as the API shows them."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from clew.domains.identity.service import Organization


class OrganizationModel(BaseModel):
    """The organization that the caller belongs to."""

    model_config = ConfigDict(json_schema_extra={"title": "Organization"})

    id: UUID = Field(examples=["0190c6a1-7f3e-7b2a-9c4d-2f1e8a6b5c4d"])
    slug: str = Field(examples=["harbour"])
    name: str = Field(examples=["Harbour Office"])
    is_active: bool
    created_at: datetime

    @classmethod
    def of(cls, organization: Organization) -> "OrganizationModel":
        """As the domain has it."""
        return cls.model_validate(organization, from_attributes=True)
