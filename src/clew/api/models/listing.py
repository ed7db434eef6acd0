"""What requests and answers about lists have in common."""

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from clew.api.paging import Page
from clew.records.lookup import is_storable
from clew.records.paging import MAXIMUM_LIMIT, PageRequest
from clew.records.paging import Page as FoundPage

Found = TypeVar("Found")
Shown = TypeVar("Shown", bound=BaseModel)
Filter = TypeVar("Filter")


def _storable(text: str) -> str:
    if not is_storable(text):
        raise ValueError("must hold no NUL and no half characters")
    return text


Text = Annotated[str, AfterValidator(_storable)]
"""A text that the record can hold."""


class Record(BaseModel):
    """An answer that shows what the record has, field for field."""

    model_config = ConfigDict(from_attributes=True)


class Given(BaseModel):
    """What a caller gives. What is not described is refused, not overlooked."""

    model_config = ConfigDict(extra="forbid")


class ListQuery(Given):
    """The part of an address that says which page of a list; those that can be sorted have a field `sort` besides.

    A page looks at a bounded number of things. Where few of many are wanted it may hold fewer than asked for, or none,
    and still have a `next_cursor`.
    """

    limit: int = Field(50, ge=1, le=MAXIMUM_LIMIT, description="Most items of one page.")
    cursor: str | None = Field(
        None, max_length=4000, description="`next_cursor` of the page before, asked for with the same filters and sort."
    )

    @property
    def page(self) -> PageRequest:
        """Which page."""
        return PageRequest(self.limit, self.cursor, getattr(self, "sort", None))

    def wanted(self, kind: Callable[..., Filter]) -> Filter:
        """The filters, as the record takes them: the fields of that dataclass that the caller may give."""
        names = {each.name for each in dataclasses.fields(kind)}  # type: ignore[arg-type]
        return kind(**{name: value for name, value in self if name in names})

    def asked(self) -> dict[str, Any]:
        """What was asked for, as the audit trail keeps it."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"cursor"})


def page_shown(found: FoundPage[Found], model: type[Shown]) -> Page[Shown]:
    """A page of the record as the API shows it."""
    items = [model.model_validate(item) for item in found.items]
    return Page[model](items=items, next_cursor=found.next_cursor)  # type: ignore[valid-type]
