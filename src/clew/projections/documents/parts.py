"""Long sequences in parts."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def parts(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """The items in lists of that many, the last one shorter."""
    left = iter(items)
    while some := list(islice(left, most)):
        yield some
