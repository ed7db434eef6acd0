"""Lists by the page, read one item after the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")
ItemOfPage_co = TypeVar("ItemOfPage_co", covariant=True)


class Page(Protocol[ItemOfPage_co]):
    """One page of a list."""

    @property
    def items(self) -> Sequence[ItemOfPage_co]:
        """What is on it."""

    @property
    def next_cursor(self) -> str | None:
        """What to ask the next page with; None on the last one."""


def each(page_at: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """Every item of every page; a page is asked for when the one before is used up."""
    cursor: str | None = None
    while True:
        page = page_at(cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
