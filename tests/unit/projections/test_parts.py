"""Work on one part while the next is made."""

import threading
from collections.abc import Iterator

import pytest

from clew.projections.documents.parts import while_next_is_made

PATIENCE_SECONDS = 60


def test_the_next_is_made_while_one_is_worked_on_and_results_keep_their_order() -> None:
    made = [threading.Event() for _ in range(6)]

    def items() -> Iterator[int]:
        for number in range(5):
            made[number].set()
            yield number
        made[5].set()

    def work(number: int) -> tuple[int, bool]:
        return number, made[number + 1].wait(PATIENCE_SECONDS)

    assert list(while_next_is_made(work, items())) == [(number, True) for number in range(5)]


def test_one_at_a_time_is_worked_on() -> None:
    at_it = threading.Lock()

    def work(number: int) -> int:
        assert at_it.acquire(blocking=False)
        at_it.release()
        return number

    assert list(while_next_is_made(work, range(200))) == list(range(200))


def test_what_the_work_raises_ends_it_before_anything_is_done_about_the_next() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise ValueError("the second")

    with pytest.raises(ValueError, match="the second"):
        list(while_next_is_made(work, range(9)))
    assert begun == [0, 1]


def test_what_making_an_item_raises_leaves_no_work_under_way() -> None:
    ended: list[int] = []
    made = threading.Event()

    def items() -> Iterator[int]:
        yield 0
        made.set()
        raise ValueError("no second")

    def work(number: int) -> None:
        assert made.wait(PATIENCE_SECONDS)
        ended.append(number)

    with pytest.raises(ValueError, match="no second"):
        list(while_next_is_made(work, items()))
    assert ended == [0]


def test_nothing_is_done_for_no_items() -> None:
    assert list(while_next_is_made(str, [])) == []
