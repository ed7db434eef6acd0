"""psycopg's connection, made sparing with trips to the server: each costs more than the small statements of a request.

- A transaction begins with its first statement: BEGIN, for whom it works and the statement are sent together.
- Statements of the product's own (`clew.kernel.statements`) are prepared once for each connection and then only named.
- What is written and gives nothing back, such as what the audit trail is told, travels with whatever comes next: with
  COMMIT at the latest.
- Whoever only read does not wait for the answer to COMMIT; it is collected before the connection is used again.
"""

import contextlib
import itertools
import select
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_BEGIN: Final = b"BEGIN"
_BEGIN_READING: Final = b"BEGIN READ ONLY"
_COMMIT: Final = b"COMMIT"
_FAILED: Final = frozenset({ExecStatus.FATAL_ERROR, ExecStatus.BAD_RESPONSE})

_MOST_KEPT_BACK: Final = 100
"""So many statements wait at most: their answers fit into the socket's buffer while we are still sending."""

Observer = Callable[[str, float], None]
"""Is told of each statement that was asked, and how many seconds the answer took."""


class Prepared:
    """A statement with parameters $1, $2 …, as connections keep it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._row: Callable[[Sequence[Any]], Any] | None = None

    def row_of(self, result: PGresult) -> Callable[[Sequence[Any]], Any]:
        """What makes a row with named columns of the values of one."""
        if self._row is None:
            names = [(result.fname(number) or b"").decode() for number in range(result.nfields)]
            kind: Any = namedtuple("Row", names, rename=True)  # type: ignore[misc]  # noqa: PYI024
            self._row = kind._make
        return self._row


class DriverConnection(psycopg.Connection[Any]):
    """A connection that may begin a transaction later, and may leave the end of one unanswered.

    Everything that psycopg's own does may be done with it. Used by one thread at a time.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._kept: dict[str, bytes] = {}
        self._numbers = itertools.count()
        self._transformer = Transformer(self)
        self._pending: tuple[bytes, Prepared, Sequence[Any]] | None = None
        self._kept_back: list[tuple[Prepared, Sequence[Any]]] = []
        self._keeps_back = False
        self._reads = False
        self._owed = False
        self.observer: Observer | None = None

    def begin_later(self, first: Prepared, values: Sequence[Any], *, reading: bool) -> None:
        """With the next statement a transaction begins, in which `first` is carried out before it.

        One that is `reading` may not write, and is not waited for when it ends.
        """
        self.settle()
        self._pending = (_BEGIN_READING if reading else _BEGIN, first, values)
        self._keeps_back = True
        self._reads = reading

    def ask(self, statement: Prepared, values: Sequence[Any]) -> list[Any]:
        """The rows of a statement, in one trip. Raises psycopg.Error."""
        if self._owed:
            self.settle()
        began = time.perf_counter()
        result = self._trip((statement, values))[-1] if self._is_behind else self._asked(statement, values)
        if self.observer is not None:
            self.observer(statement.text, time.perf_counter() - began)
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, statement.row_of(result))

    def write_later(self, statement: Prepared, values: Sequence[Any]) -> None:
        """Carry out a statement that gives nothing back: with the next one of this transaction, or with its COMMIT.

        What the database has against it is raised then, and so whatever the transaction did is not kept. Only within
        a transaction that `begin_later` began (see `keeps_back`); of psycopg's own nothing is known here.
        """
        if not self._keeps_back:
            raise psycopg.ProgrammingError("no transaction of ours is open")
        self._kept_back.append((statement, values))
        if len(self._kept_back) >= _MOST_KEPT_BACK:
            self._trip()

    @property
    def keeps_back(self) -> bool:
        """Whether `write_later` may be used: the transaction is ours, and nothing in it has failed."""
        return self._keeps_back and self.pgconn.transaction_status != TransactionStatus.INERROR

    @property
    def is_between_transactions(self) -> bool:
        """Whether nothing is open, and psycopg would begin a transaction by itself with the next statement."""
        if self._owed:
            self.settle()
        idle = self.pgconn.transaction_status == TransactionStatus.IDLE
        return idle and not self.autocommit and self.isolation_level is None

    def settle(self) -> None:
        """Collect the answer that was not waited for. Raises psycopg.OperationalError if the server is gone."""
        if not self._owed:
            return
        self._owed = False
        with self._closed_if_it_breaks():
            results = self._collected(None)
        for result in results:
            _checked(result)

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """As psycopg does it; a transaction that was to begin later begins, and what was kept back is written."""
        if self._owed:
            self.settle()
        if self._is_behind:
            self._trip()
        return super().cursor(*arguments, **options)

    @contextlib.contextmanager
    def transaction(self, *arguments: Any, **options: Any) -> Iterator[psycopg.Transaction]:
        """As psycopg does it; what was kept back is written before it begins, and within it nothing is kept back."""
        if self._is_behind:
            self._trip()
        keeps_back, self._keeps_back = self._keeps_back, False
        try:
            with super().transaction(*arguments, **options) as block:
                yield block
        finally:
            self._keeps_back = keeps_back

    def commit(self) -> None:
        """As psycopg does it; what was kept back goes with it, and nobody who only read waits for the answer."""
        if self._kept_back:
            self._trip(end=_COMMIT)
            self._reads = self._keeps_back = False
            return
        reads, self._reads, self._keeps_back, self._pending = self._reads, False, False, None
        if self._owed:
            return
        if reads and self.pgconn.transaction_status == TransactionStatus.INTRANS:
            self.pgconn.send_query(_COMMIT)
            self._owed = True
        else:
            super().commit()

    def rollback(self) -> None:
        """As psycopg does it; nothing is left to do if the transaction did not begin, or was committed."""
        self._reads, self._keeps_back, self._pending = False, False, None
        self._kept_back.clear()
        if not self._owed and not self.closed:
            super().rollback()

    def _deallocate(self, name: bytes | None) -> PQGen[None]:
        """As psycopg does it: after some statements, such as DROP TABLE, it forgets all that is prepared, ours too."""
        if name is None:
            self._kept.clear()
        return super()._deallocate(name)

    def _asked(self, statement: Prepared, values: Sequence[Any]) -> PGresult:
        name = self._kept.get(statement.text) or self._prepare(statement)
        return _checked(self.pgconn.exec_prepared(name, self._dumped(values)))

    @property
    def _is_behind(self) -> bool:
        return self._pending is not None or bool(self._kept_back)

    def _trip(self, *last: tuple[Prepared, Sequence[Any]], end: bytes | None = None) -> list[PGresult]:
        """Begin, say for whom, write what was kept back and ask: all on their way at once. The results of all.

        If one fails, those behind it are not carried out, COMMIT least of all.
        """
        begin, opening = None, []
        if self._pending is not None:
            begin, first, context = self._pending
            opening = [(first, context)]
        statements = [*opening, *self._kept_back, *last]
        self._pending = None
        self._kept_back = []
        sent = [(self._kept.get(each.text) or self._prepare(each), self._dumped(given)) for each, given in statements]
        connection = self.pgconn
        with self._closed_if_it_breaks():
            connection.enter_pipeline_mode()
            if begin is not None:
                connection.send_query_params(begin, None)
            for name, dumped in sent:
                connection.send_query_prepared(name, dumped)
            if end is not None:
                connection.send_query_params(end, None)
            connection.pipeline_sync()
            if not last:
                self._await_answer()
            results = self._collected(ExecStatus.PIPELINE_SYNC, complete=not last)
            connection.exit_pipeline_mode()
        return [_checked(result) for result in results]

    def _prepare(self, statement: Prepared) -> bytes:
        name = b"clew_%d" % next(self._numbers)
        _checked(self.pgconn.prepare(name, statement.text.encode()))
        self._kept[statement.text] = name
        return name

    def _dumped(self, values: Sequence[Any]) -> Any:
        return self._transformer.dump_sequence(values, [PyFormat.TEXT] * len(values))

    def _await_answer(self) -> None:
        """Wait for the answers of statements that give nothing back.

        The server keeps them until the end of a trip, and so few of them come in one piece.
        """
        while self.pgconn.flush():
            self._await(select.POLLOUT)
        self._await(select.POLLIN)
        self.pgconn.consume_input()

    def _collected(self, end: ExecStatus | None, *, complete: bool = False) -> list[PGresult]:
        """All results that are on their way, the last of which is of that kind, or is followed by nothing.

        Those that are known to be `complete` are not asked about first, which lets another thread run each time.
        """
        connection = self.pgconn
        results: list[PGresult] = []
        while connection.flush():
            self._await(select.POLLOUT)
        while True:
            while not complete and connection.is_busy():  # get_result would keep all other threads waiting
                self._await(select.POLLIN)
                connection.consume_input()
            result = connection.get_result()
            if result is not None and result.status == end:
                return results
            if result is not None:
                results.append(result)
            elif end is None:
                return results

    @contextlib.contextmanager
    def _closed_if_it_breaks(self) -> Iterator[None]:
        """Nobody can use a connection on which answers are still to come, such as after Ctrl-C."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _await(self, what: int) -> None:
        waiting = select.poll()
        waiting.register(self.pgconn.socket, what)
        waiting.poll()


def _checked(result: PGresult) -> PGresult:
    if result.status in _FAILED:
        raise psycopg.errors.error_from_result(result)
    return result
