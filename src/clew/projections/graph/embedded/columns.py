"""What of a document becomes a number in an array; everything else stays in its text."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import numpy as np
import numpy.typing as npt

from clew.projections.graph.port import Document

Array = npt.NDArray[Any]
Columns = dict[str, Array]

NEVER_FIRST: Final = np.iinfo(np.int64).max
NEVER_LAST: Final = np.iinfo(np.int64).min
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
NO_ID: Final = bytes(16)


@lru_cache(maxsize=65_536)
def microseconds(moment: str) -> int:
    """A document's time as microseconds since 1970."""
    return (datetime.fromisoformat(moment) - _EPOCH) // _MICROSECOND


def id_bytes(text: str) -> bytes:
    """An id of a document as 16 bytes."""
    return bytes.fromhex(text.replace("-", ""))


def id_array(ids: Iterable[bytes]) -> Array:
    """Ids as rows of 16 bytes."""
    return np.frombuffer(b"".join(ids), np.uint8).reshape(-1, 16)


def id_text(row: Array) -> str:
    """An id of an array as documents write it."""
    return str(UUID(bytes=row.tobytes()))


def keys(ids: Array) -> npt.NDArray[np.bytes_]:
    """Ids as values that numpy orders and compares."""
    return np.ascontiguousarray(ids).view("S16").reshape(-1)


def halves(ids: Array) -> tuple[Array, Array]:
    """The two halves of each id as numbers, by which ids are looked up fast."""
    both = np.ascontiguousarray(ids).view(">u8").reshape(-1, 2).astype(np.uint64)
    return np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1])


class Codes:
    """Names as small numbers, given out as they come."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = list(names)
        self._codes = {name: code for code, name in enumerate(self.names)}

    def code(self, name: str) -> int:
        """The name's number; a new one for a new name."""
        code = self._codes.get(name)
        if code is None:
            code = self._codes[name] = len(self.names)
            self.names.append(name)
        return code

    def known(self, names: Iterable[str]) -> Array:
        """The numbers of those names that have one."""
        return np.array([self._codes[name] for name in names if name in self._codes], np.uint16)


def node_columns(documents: Sequence[Document], types: Codes) -> Columns:
    """The arrays of some nodes."""
    return {
        "id": id_array(id_bytes(each["id"]) for each in documents),
        "type": np.array([types.code(each["type"]) for each in documents], np.uint16),
        "wall": np.array([each["wall"] for each in documents], np.bool_),
        "pagerank": np.array([_number(each["pagerank"]) for each in documents], np.float64),
        "betweenness": np.array([_number(each["betweenness"]) for each in documents], np.float64),
        "community": id_array(NO_ID if (of := each["community"]) is None else id_bytes(of) for each in documents),
    }


def edge_columns(documents: Sequence[Document], types: Codes) -> Columns:
    """The arrays of some edges; their ends as ids."""
    seen = [_seen(each["first_seen"], each["last_seen"]) for each in documents]
    return {
        "id": id_array(id_bytes(each["id"]) for each in documents),
        "source": id_array(id_bytes(each["source_entity_id"]) for each in documents),
        "target": id_array(id_bytes(each["target_entity_id"]) for each in documents),
        "type": np.array([types.code(each["type"]) for each in documents], np.uint16),
        "confidence": np.array([each["confidence"] for each in documents], np.uint8),
        "first": np.array([first for first, _ in seen], np.int64),
        "last": np.array([last for _, last in seen], np.int64),
    }


def source_columns(documents: Sequence[Document], _: Codes) -> Columns:
    """The arrays of some sources."""
    return {"id": id_array(id_bytes(each["id"]) for each in documents)}


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _seen(first: str | None, last: str | None) -> tuple[int, int]:
    if first is None and last is None:
        return NEVER_FIRST, NEVER_LAST
    return microseconds(first or last or ""), microseconds(last or first or "")
