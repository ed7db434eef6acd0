"""Long sequences in parts, and work on one part while the next is made."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def parts(items: Iterable[Item], most: int) -> Iterator[list[Item]]:
    """The items in lists of that many, the last one shorter."""
    left = iter(items)
    while some := list(islice(left, most)):
        yield some


def while_next_is_made(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """What the work gives for each item, in order: done in a thread, one at a time, while the next item is made here.

    What the work raises is raised here, before anything is done about the next item. However this ends, no work is
    under way any more.
    """
    with ThreadPoolExecutor(1) as thread:
        under_way: Future[Result] | None = None
        for item in items:
            if under_way is not None:
                yield under_way.result()
            under_way = thread.submit(work, item)
        if under_way is not None:
            yield under_way.result()
