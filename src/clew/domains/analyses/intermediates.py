"""What nodes of an analysis gave, put away until it is over, so that whoever goes on need not do them again.

Frames are Arrow IPC, everything else is JSON; both are kept in parts of some megabytes. What a node gives is put away
in the transaction that says that the node is done, and in place of what it gave before.
"""

import io
from typing import Any, Final
from uuid import UUID

import orjson
import polars as pl
import psycopg

PART_BYTES: Final = 8 << 20

_DROP: Final = """
DELETE FROM analysis_intermediates
WHERE organization_id = %(organization)s AND analysis_session_id = %(analysis)s AND name = %(name)s
"""
_DROP_ALL: Final = """
DELETE FROM analysis_intermediates
WHERE organization_id = %(organization)s AND analysis_session_id = %(analysis)s
"""
_PUT: Final = """
INSERT INTO analysis_intermediates (organization_id, analysis_session_id, name, part, content)
VALUES (%(organization)s, %(analysis)s, %(name)s, %(part)s, %(content)b)
"""
_GET: Final = """
SELECT content FROM analysis_intermediates
WHERE organization_id = %(organization)s AND analysis_session_id = %(analysis)s AND name = %(name)s
ORDER BY part
"""


class Intermediates:
    """Those of one analysis, on a connection of its organization."""

    def __init__(self, connection: psycopg.Connection[Any], organization_id: UUID, analysis_id: UUID) -> None:
        self._connection = connection
        self._of = {"organization": organization_id, "analysis": analysis_id}

    def put_frame(self, name: str, frame: pl.DataFrame) -> None:
        """Put a frame away under that name."""
        buffer = io.BytesIO()
        frame.write_ipc(buffer, compression="zstd")
        self._put(name, buffer.getvalue())

    def frame(self, name: str) -> pl.DataFrame:
        """The frame of that name. Raises LookupError."""
        return pl.read_ipc(io.BytesIO(self._content(name)))

    def put(self, name: str, value: Any) -> None:
        """Put something of JSON away under that name."""
        self._put(name, orjson.dumps(value))

    def get(self, name: str) -> Any:
        """What is there under that name. Raises LookupError."""
        return orjson.loads(self._content(name))

    def find(self, name: str) -> Any:
        """The same; None if there is nothing."""
        try:
            return self.get(name)
        except LookupError:
            return None

    def drop_all(self) -> None:
        """Keep nothing."""
        self._connection.execute(_DROP_ALL, self._of)

    def _put(self, name: str, content: bytes) -> None:
        named = self._of | {"name": name}
        self._connection.execute(_DROP, named)
        for part, start in enumerate(range(0, max(len(content), 1), PART_BYTES)):
            self._connection.execute(_PUT, named | {"part": part, "content": content[start : start + PART_BYTES]})

    def _content(self, name: str) -> bytes:
        rows = self._connection.execute(_GET, self._of | {"name": name}, binary=True).fetchall()
        if not rows:
            raise LookupError(f"nothing was put away as {name}")
        return b"".join(row[0] for row in rows)
