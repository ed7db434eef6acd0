"""A trail of each module's own: what one test seals, another may not tamper with."""

from collections.abc import Iterator

import pytest

from tests.support.auditing import Trail, new_trail


@pytest.fixture(scope="module")
def trail() -> Iterator[Trail]:
    with new_trail() as made:
        yield made
