"""A steady stream of changes to a record, whatever becomes of the engines that follow it."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.projecting import Place

CHANGES = 20_000
_ENTITIES = 2_000
_AT_ONCE = 50


@dataclass(frozen=True)
class Changes:
    """Statements of the rows `first` to `last` of the organization: added, changed (to `score`), and one removed."""

    add: str
    change: str
    remove: str


DOMAINS = Changes(
    """
INSERT INTO entities (organization_id, entity_type, name, normalized_name, properties)
SELECT %(organization)s, 'domain', 'name-' || n || '.example', 'name-' || n || '.example', '{}'
FROM generate_series(%(first)s::int, %(last)s::int) AS n
""",
    """
UPDATE entities SET risk_score = %(score)s, updated_at = now() WHERE organization_id = %(organization)s
AND normalized_name = ANY(ARRAY(
    SELECT 'name-' || n || '.example' FROM generate_series(%(first)s::int, %(last)s::int) AS n))
""",
    """
DELETE FROM entities
WHERE organization_id = %(organization)s AND normalized_name = 'name-' || %(first)s::int || '.example'
""",
)


class Stream:
    """The writer: `done` says how many changes are committed."""

    def __init__(self, place: Place, seconds: float, changes: int, of: Changes) -> None:
        self._place = place
        self._of = of
        self._seconds = seconds
        self._changes = changes
        self._error: BaseException | None = None
        self.done = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def finish(self) -> None:
        """Wait for the last change. Raises what stopped it, if anything did."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            self._write()
        except BaseException as error:  # noqa: BLE001  told by whoever waits for it
            self._error = error

    def _write(self) -> None:
        batches = self._changes // _AT_ONCE
        with self._place.writing() as connection:
            began = time.monotonic()
            for batch in range(batches):
                first = batch * _AT_ONCE % _ENTITIES + 1
                asked = {
                    "organization": self._place.tenant.id,
                    "first": first,
                    "last": first + _AT_ONCE - 1,
                    "score": 1 + batch % 99,
                }
                done = connection.execute(
                    self._of.add if batch < _ENTITIES // _AT_ONCE else self._of.change, asked
                ).rowcount
                if batch >= _ENTITIES // _AT_ONCE and batch % 7 == 0:
                    done += connection.execute(self._of.remove, asked).rowcount
                self.done += done
                time.sleep(max(0.0, began + (batch + 1) * self._seconds / batches - time.monotonic()))


@contextlib.contextmanager
def stream(place: Place, seconds: float, changes: int = CHANGES, of: Changes = DOMAINS) -> Iterator[Stream]:
    """About so many changes (rows added, changed, and some removed) over so many seconds, and the end of them."""
    writing = Stream(place, seconds, changes, of)
    writing.start()
    try:
        yield writing
    finally:
        writing.finish()
