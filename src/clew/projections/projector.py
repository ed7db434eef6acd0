"""The projector: keeps every view in step with the record. One process projects at a time, for all organizations.

Each step reads a stretch of the feed and the rows it names in one REPEATABLE READ transaction, writes them to the
view, and commits the view together with its new position. Dying anywhere costs at most that step: it is done again.
What the books in PostgreSQL say comes second; they only serve to trim the log and to notice when record and view no
longer belong together, as after a restore.
"""

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import psycopg
import structlog

from clew.kernel.database import Database
from clew.kernel.database_errors import database_errors
from clew.kernel.errors import ClewError, ConflictError, NotFoundError
from clew.kernel.roles import PROJECTOR
from clew.projections import feed, forgetting
from clew.projections.attempts import BackOff, Outcome, pause
from clew.projections.books import Books, Page
from clew.projections.feed import Key, Position
from clew.projections.kept_writings import KeptWritings
from clew.projections.place import (
    EndedError,
    ProjectorPlace,
    Stop,
    StopForGuests,
    keep_books,
    leave_books,
    never,
    unless,
)
from clew.projections.projection import Aside, Projection, Writing
from clew.projections.slow_side import SharedPlace, Slow, SlowSide

ATTEMPTS: Final = 4
STEP_CHANGES: Final = 500_000  # a row that changes often is taken over once in so many
IDLE_SECONDS: Final = 0.2
TRIM_SECONDS: Final = 10.0  # between two looks at what of the log nobody needs any more, while following

log: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Built:
    """A rebuild: rows in the view afterwards."""

    name: str
    rows: int


class Projector:
    """Has the projector's place for as long as it is open. Raises ProjectorBusyError if another process has it.

    step_changes: changes that are worked off and committed at once, at most. patience_seconds: how long to wait for
    whoever follows the record to lend the place, as they do between two of their steps. share: how much of the time
    may go into steps while following; it rests in between. shared: somebody else in this process has the place, and
    forgets of the log what nobody needs.
    """

    def __init__(
        self,
        database: Database,
        projections: Sequence[Projection],
        *,
        step_changes: int = STEP_CHANGES,
        patience_seconds: float = 0.0,
        share: float = 1.0,
        shared: SharedPlace | None = None,
    ) -> None:
        self._database = database
        self._rests = 1 / share - 1  # how many times as long as a step lasted
        self._step_changes = step_changes
        self._projections = {projection.name: projection for projection in projections}
        self._connection = database.connect_raw(PROJECTOR)
        self._books_connection: psycopg.Connection[Any] | None = None
        self._kept: KeptWritings | None = None
        self._place: ProjectorPlace | SharedPlace = shared or ProjectorPlace(self._connection, database.address)
        self._is_shared = shared is not None
        self._side: SlowSide | None = None
        self._gives_up: Callable[[], bool] = never  # whether what is being made is to be made another time
        self.is_building = False
        try:
            self._connection.autocommit = True
            self._place.take(patience_seconds)
            feed.prepare(self._connection)
            self._books_connection = database.connect_raw(PROJECTOR)
            self._books_connection.autocommit = True
            if not self._is_shared:
                keep_books(self._books_connection)
            self.books = Books(self._books_connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the place up, at once for whoever waits for it."""
        if not self._connection.closed:
            with contextlib.suppress(psycopg.Error):
                self._place.leave()
        for connection in (self._connection, self._books_connection):
            if connection is not None:
                connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def projection(self, name: str) -> Projection:
        """The projection of that name. Raises NotFoundError."""
        if name not in self._projections:
            raise NotFoundError(
                f"there is no projection {name!r}", remedy=f"there are: {', '.join(sorted(self._projections))}"
            )
        return self._projections[name]

    def catch_up(self, stop: Stop | None = None) -> list[Outcome]:
        """Bring every view up to now. What fails is tried again a few times, then told; the others go on.

        With `stop`, until that is set or nothing is left to do, however much others write meanwhile.
        """
        outcomes = self._catch_up(stop)
        self._trim()
        return outcomes

    def follow(
        self,
        stop: threading.Event,
        *,
        idle_seconds: float = IDLE_SECONDS,
        then_rest: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Keep every view up to date until `stop` is set; one that fails is left alone longer and longer.

        Between two steps the place is lent to whoever waits for it. Where `then_rest` says so, all that is committed
        in the end is still taken over; gives whether that was done.
        """
        views = list(self._projections.values())
        slow = [] if self._is_shared else [each for each in views if isinstance(each, Slow)]
        self._kept = kept = KeptWritings()
        self._give_up_when(lambda: stop.is_set() and not then_rest())
        self._side = SlowSide(lambda place: self._beside(slow, place), stop, idle_seconds) if slow else None
        try:
            if self._side is not None:
                self._side.start()
            self._follow([each for each in views if each not in slow], stop, kept, idle_seconds)
        finally:
            self._kept = None
            if self._side is not None:
                stop.set()
                self._side.join()
                self._side = None
            self._give_up_when(never)
            kept.close()
        # Somebody waits for these: what they need no more of the log goes when the next one follows.
        return then_rest() and not any(outcome.error for outcome in self._catch_up(None))

    def rebuild(self, name: str, reason: str, observe: Callable[[int], None] = lambda _: None) -> Built:
        """Make the view anew from the record; the old one is read until the new one takes its place."""
        projection = self.projection(name)
        self.books.open(projection)
        self.books.building(name, reason)
        if self._kept is not None:
            self._kept.let_go(name)
        self.is_building = True
        try:
            return self._build(projection, reason, observe)
        finally:
            self.is_building = False

    def _build(self, projection: Projection, reason: str, observe: Callable[[int], None]) -> Built:
        name = projection.name
        with projection.building() as writing:
            with self.moment() as epoch:
                position = Position(epoch, feed.current_snapshot(self._connection))
                aside = writing.fill(self._connection, observe)
            token = self._intend(name)
            aside += writing.commit(replace(position, token=token).encode())
        self.books.clear_aside(name)
        self.books.set_aside(name, (), aside)
        rows = projection.rows()
        self.books.confirm(name, replace(position, token=token), rows, 0)
        self.books.built(name)
        log.info("projection rebuilt", projection=name, reason=reason, rows=rows)
        return Built(name, rows)

    def advance(self, projection: Projection, stop: Stop | None = None) -> Outcome:
        """Bring one view up to now; one that cannot be brought up to date is rebuilt first. `stop` as `catch_up`."""
        found = self._position(projection)
        rebuilt = found if isinstance(found, str) else None
        if rebuilt is not None:
            self.rebuild(projection.name, rebuilt, unless(self._gives_up))
            found = self._position(projection)
        if isinstance(found, str):
            raise ConflictError(f"the view does not keep what was just built: {found}", where=projection.name)
        changes, reached = self._follow_feed(projection, found, stop)
        if reached:
            self.books.caught_up(projection.name)
        return Outcome(projection.name, changes, rebuilt)

    @contextlib.contextmanager
    def moment(self) -> Iterator[uuid.UUID]:
        """A transaction that sees the record as it is at one moment; gives the feed's epoch."""
        with database_errors(self._database.address), self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            self._connection.execute("SET LOCAL jit = off")
            yield feed.current_epoch(self._connection)

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection that `moment` opens its transactions on."""
        return self._connection

    def commit(
        self, projection: Projection, writing: Writing, position: Position, changes: int
    ) -> tuple[Position, tuple[Aside, ...]]:
        """Commit a view with its new position, and note it in the books; with rows that were refused only now."""
        token = self._intend(projection.name)
        reached = replace(position, token=token)
        late = writing.commit(reached.encode())
        for each in late:
            _tell_aside(projection, each)
        self.books.confirm(projection.name, reached, projection.rows(), changes)
        return reached, late

    def apply(self, projection: Projection, writing: Writing) -> tuple[Sequence[Key], tuple[Aside, ...]]:
        """Take over the rows in STRETCH; those that were tried (named only if any were ever refused), and refused."""
        aside = writing.apply(self._connection)
        for each in aside:
            _tell_aside(projection, each)
        matters = aside or self.books.count_aside(projection.name)
        return feed.keys_of(self._connection, projection.tables) if matters else (), aside

    def _follow(
        self, views: Sequence[Projection], stop: threading.Event, kept: KeptWritings, idle_seconds: float
    ) -> None:
        """Keep these views until `stop` is set, and lend the place when nobody beside this works."""
        waits, trimmed = BackOff(), -TRIM_SECONDS
        guests = StopForGuests(stop, self._place)
        while not stop.is_set():
            if self._side is not None:
                self._side.check()
            # A guest has to wait until what is being made beside this is made; the views here do not.
            until: Stop = stop if guests.is_set() and not self._is_alone() else guests
            if until.is_set():
                kept.close()
                self._lend(stop)
                self._go_on()
                continue
            for projection in views:
                if waits.is_due(projection.name):
                    waits.note(self._surely(projection, until, attempts=1))
            kept.close_rested()
            if time.monotonic() - trimmed >= TRIM_SECONDS:
                self._trim()
                trimmed = time.monotonic()
            until.wait(idle_seconds)

    def _give_up_when(self, given_up: Callable[[], bool]) -> None:
        """From now on, what is being made is given up when that is so."""
        self._gives_up = given_up
        for projection in self._projections.values():
            if isinstance(projection, Slow):
                projection.given_up = given_up

    def _lend(self, stop: threading.Event) -> None:
        """Lend the place and the books; a guest who has them in the end is not waited for."""
        if self._is_shared or self._books_connection is None:
            self._place.lend(stop)
            return
        leave_books(self._books_connection)
        self._place.lend(stop)
        if not stop.is_set():
            keep_books(self._books_connection)

    def _beside(self, views: Sequence[Projection], place: SharedPlace) -> "Projector":
        return Projector(self._database, views, step_changes=self._step_changes, shared=place)

    def _is_alone(self) -> bool:
        return self._side is None or self._side.gives_way()

    def _go_on(self) -> None:
        if self._side is not None:
            self._side.go_on()

    def _follow_feed(self, projection: Projection, position: Position, stop: Stop | None) -> tuple[int, bool]:
        """How many changes were taken over, and whether those were all."""
        changes = 0
        most = min(self._step_changes, projection.step_changes) if isinstance(projection, Slow) else self._step_changes
        begun_before = position.target is not None  # by whoever died, or stopped, in the middle of a stretch
        with contextlib.ExitStack() as opened:
            writing: Writing | None = None
            while stop is None or not stop.is_set():
                began = time.monotonic()
                with self.moment():
                    stretch = feed.read(self._connection, position, limit=most)
                    if not stretch.changes and position.target is None:
                        return changes, True
                    if writing is None:
                        kept = projection.writing() if self._kept is None else self._kept.writing(projection)
                        writing = opened.enter_context(kept)
                    tried, aside = self.apply(projection, writing)
                position, late = self.commit(projection, writing, stretch.position, stretch.changes)
                self.books.set_aside(projection.name, tried, (*aside, *late))
                changes += stretch.changes
                if stop is None and stretch.is_last:
                    if not begun_before:
                        return changes, True  # all that was there when this began: writers may go on for ever
                    begun_before = False  # that stretch ended before this began
                if stop is not None and self._rests:
                    stop.wait(self._rests * (time.monotonic() - began))
        return changes, False

    def _catch_up(self, stop: Stop | None) -> list[Outcome]:
        return [self._surely(projection, stop) for projection in self._projections.values()]

    def _position(self, projection: Projection) -> Position | str:
        """Where a view stands, or why it has to be rebuilt."""
        page = self.books.open(projection)
        text = projection.position()
        if text is None:
            return "there is no view of this version yet"
        position = Position.decode(text)
        if position is None:
            return "the view does not say where it stands"
        with self.moment() as epoch:
            now = feed.current_snapshot(self._connection)
        mismatch = _mismatch(position, page, epoch, now)
        if mismatch is None and page is not None and position.token != page.token:
            # Somebody died between the view's commit and the note of it: noted now, before another is intended.
            self.books.confirm(projection.name, position, projection.rows(), 0)
        return mismatch or position

    def _surely(self, projection: Projection, stop: Stop | None, attempts: int = ATTEMPTS) -> Outcome:
        """Advance, trying again after what may pass; the last error is noted and told, not raised."""
        for attempt in range(1, attempts + 1):
            try:
                return self.advance(projection, stop)
            except EndedError:
                return Outcome(projection.name)
            except (ClewError, OSError, psycopg.Error) as error:
                if self._connection.closed or isinstance(error, psycopg.OperationalError):
                    raise  # without the connection the place is lost, too
                self.books.failed(projection.name, f"{type(error).__name__}: {error}")
                log.warning("projection failed", projection=projection.name, attempt=attempt, error=str(error))
                if attempt == attempts or (stop or threading.Event()).wait(pause(attempt)):
                    return Outcome(projection.name, error=str(error))
        raise AssertionError("the last attempt returns")

    def _trim(self) -> None:
        """Forget what every view has; what is beyond the log's cap as well, and who needed that is rebuilt."""
        connection = self._books_connection
        if connection is None or self._is_shared or (self._side is not None and self._side.is_building):
            return
        forgetting.forget(connection, self.books, self._projections, self._database.settings)

    def _intend(self, name: str) -> str:
        token = uuid.uuid4().hex
        self.books.intend(name, token)
        return token


def _tell_aside(projection: Projection, aside: Aside) -> None:
    log.warning("row set aside", projection=projection.name, table=aside.key.table, row=str(aside.key.row_id))


def _mismatch(position: Position, page: Page | None, epoch: uuid.UUID, now: feed.Snapshot) -> str | None:
    """Why this view cannot go on from where it stands, if so."""
    if position.epoch != epoch:
        return "the record was restored since: a new epoch of the feed began"
    if position.snapshot.xmax > now.xmax:
        return "the view is ahead of the record, which must have been restored"
    if page is None:
        return "the record knows nothing of this view"
    if page.status == "rebuild":
        return page.reason or "it was marked for rebuild"
    if position.token not in (page.token, page.intended_token):
        return "the view's last commit is unknown to the record: one of them was replaced"
    return None
