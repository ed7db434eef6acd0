"""Calls into Tantivy whose failures become the product's errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tantivy import SearchResult

from clew.projections.search.errors import SearchViewError

_PANIC = "PanicException"  # not to be imported: the extension makes it when it first happens


@contextmanager
def engine(place: Path) -> Iterator[None]:
    """Turn what Tantivy raises into SearchViewError, a broken-off call of its Rust code, too."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise _failed(place, error) from error
    except BaseException as error:
        if type(error).__name__ != _PANIC:
            raise
        raise _failed(place, error) from error


def count_of(result: SearchResult) -> int:
    """How many documents a search found; the library's type stubs leave it out."""
    counted: Any = result
    return int(counted.count)


def _failed(place: Path, error: BaseException) -> SearchViewError:
    text = str(error).splitlines()
    return SearchViewError(
        f"the search index failed: {text[0][:300] if text else type(error).__name__}",
        where=str(place),
        remedy="if the disk is not full, it is damaged: rebuild it with `clew projection rebuild`",
    )
