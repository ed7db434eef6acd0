"""Uploads as the API takes and shows them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from clew.domains.uploads.options import LONGEST_MAPPING, LONGEST_NAME, ReadingOptions
from clew.domains.uploads.service import Upload

UploadStatus = Literal["receiving", "completed", "cancelled", "expired"]
Source = Annotated[
    str | None, Field(max_length=100, examples=["cowrie"], description="The tool; null: recognised by content.")
]
TimeZone = Annotated[
    str | None, Field(max_length=100, examples=["Europe/Berlin"], description="Of times that name none; null: UTC.")
]
Region = Annotated[
    str | None, Field(max_length=10, examples=["DE"], description="Of phone numbers without a country code.")
]
Case = Annotated[
    str | None, Field(max_length=300, examples=["Harbour Lantern"], description="Case to put it into, or to open.")
]


class UploadOptions(BaseModel):
    """What the file does not say itself."""

    model_config = ConfigDict(extra="forbid")

    source: Source = None
    time_zone: TimeZone = None
    region: Region = None
    mapping: str | None = Field(None, max_length=LONGEST_MAPPING, description="Text of a mapping file, for own tables.")
    case: Case = None

    def checked(self) -> ReadingOptions:
        """As the domain takes it."""
        return ReadingOptions(**self.model_dump())


class UploadRequest(BaseModel):
    """A file that is going to be sent."""

    model_config = ConfigDict(extra="forbid")

    file_name: str = Field(max_length=4 * LONGEST_NAME, examples=["cowrie.json.gz"])
    size_bytes: int | None = Field(None, ge=0, lt=2**62, examples=[1048576], description="Null if not known yet.")
    sha256: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="Of the whole file: what arrives is checked against it.",
        examples=["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    )
    options: UploadOptions = Field(default_factory=UploadOptions)


class UploadModel(BaseModel):
    """A file on its way into the record."""

    model_config = ConfigDict(json_schema_extra={"title": "Upload"})

    id: UUID = Field(examples=["0190c6a1-7f3e-7b2a-9c4d-2f1e8a6b5c4d"])
    user_id: UUID | None
    file_name: str = Field(examples=["cowrie.json.gz"])
    status: UploadStatus
    size_bytes: int | None
    received_bytes: int = Field(description="So many bytes have arrived and are safe; the next one goes there.")
    sha256: str | None = Field(description="Of the whole file, once it is here.")
    options: UploadOptions
    job_id: UUID | None = Field(description="The job that loads it, once it is whole.")
    expires_at: datetime = Field(description="When it is given up if nobody goes on.")
    completed_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, upload: Upload) -> "UploadModel":
        """As the domain has it."""
        return cls.model_validate(upload, from_attributes=True)
