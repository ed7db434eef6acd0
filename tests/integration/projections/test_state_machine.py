"""Writers, long transactions, crashes, killed projectors and restores in any order: no change is lost or doubled."""

import contextlib
import shutil
from typing import Any, ClassVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule, run_state_machine_as_test

from clew.kernel.roles import PROJECTOR
from clew.projections import feed
from clew.projections.books import Books
from clew.projections.search.fields import DocumentSet
from clew.projections.search_projection import SearchWriting
from tests.support.projecting import Place, add_domain, new_place
from tests.support.record import new_organization

NAMES = st.integers(min_value=0, max_value=9).map(lambda number: f"name-{number}.example")
EXAMPLES, STEPS = 4, 15
SLOW_EXAMPLES, SLOW_STEPS = 40, 40
Open = tuple[contextlib.ExitStack, psycopg.Connection[Any]]


PLACES_TO_DIE = ((SearchWriting, "apply"), (SearchWriting, "commit"), (Books, "intend"), (Books, "confirm"))


class DiedError(Exception):
    """Stands for a projector that was killed."""


class Machine(RuleBasedStateMachine):
    """What the view must show is what PostgreSQL says is committed, whatever came before."""

    place: ClassVar[Place]
    open_transactions = Bundle("open_transactions")

    @initialize()
    def begin(self) -> None:
        self.tenants = [new_organization(self.place.database) for _ in range(2)]
        self.opened: list[Open] = []
        self.kept = self.place.directory.parent / "kept"
        self.place.step_changes = 2  # so that it dies in the middle of what is to be taken over, too

    @rule(name=NAMES, whose=st.integers(0, 1))
    def write(self, name: str, whose: int) -> None:
        with self.place.writing(self.tenants[whose]) as connection:
            add_domain(connection, self.tenants[whose], name)

    @rule(name=NAMES, whose=st.integers(0, 1), text=st.sampled_from(["", "one", "two"]))
    def change(self, name: str, whose: int, text: str) -> None:
        with (
            self.place.writing(self.tenants[whose]) as connection,
            contextlib.suppress(psycopg.errors.LockNotAvailable),
        ):
            connection.execute("SET lock_timeout = '50ms'")
            connection.execute(
                "UPDATE entities SET properties = jsonb_build_object('t', %s::text) WHERE name = %s", (text, name)
            )

    @rule(name=NAMES, whose=st.integers(0, 1))
    def delete(self, name: str, whose: int) -> None:
        with (
            self.place.writing(self.tenants[whose]) as connection,
            contextlib.suppress(psycopg.errors.LockNotAvailable),
        ):
            connection.execute("SET lock_timeout = '50ms'")
            connection.execute("DELETE FROM entities WHERE name = %s", (name,))

    @rule(target=open_transactions, name=NAMES, whose=st.integers(0, 1))
    def open_transaction(self, name: str, whose: int) -> Open:
        stack = contextlib.ExitStack()
        connection = stack.enter_context(self.place.writing(self.tenants[whose]))
        connection.execute("BEGIN")
        add_domain(connection, self.tenants[whose], name)
        self.opened.append((stack, connection))
        return stack, connection

    @rule(transaction=consumes(open_transactions), keep=st.booleans())
    def end_transaction(self, transaction: Open, keep: bool) -> None:
        stack, connection = transaction
        connection.execute("COMMIT" if keep else "ROLLBACK")
        stack.close()
        self.opened.remove(transaction)

    @rule()
    def project(self) -> None:
        assert self.place.catch_up().error is None
        assert self.place.lag() == 0

    @rule(
        at=st.sampled_from(
            [(SearchWriting, "apply"), (SearchWriting, "commit"), (Books, "intend"), (Books, "confirm")]
        ),
        steps=st.integers(0, 2),
    )
    def die_while_projecting(self, at: tuple[Any, str], steps: int) -> None:
        done, left = getattr(*at), [steps]

        def die(*arguments: Any, **options: Any) -> Any:
            if not left[0]:
                raise DiedError
            left[0] -= 1
            return done(*arguments, **options)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(*at, die)
            with contextlib.suppress(DiedError):
                self.place.catch_up()

    @rule()
    def keep_a_copy_of_the_view(self) -> None:
        shutil.rmtree(self.kept, ignore_errors=True)
        if self.place.directory.exists():
            shutil.copytree(self.place.directory, self.kept)

    @rule()
    def put_the_copy_back(self) -> None:
        if self.kept.exists():
            shutil.rmtree(self.place.directory, ignore_errors=True)
            shutil.copytree(self.kept, self.place.directory)

    @rule()
    def restore_the_record(self) -> None:
        with self.place.database.connect_raw(PROJECTOR) as connection:
            feed.start_epoch(connection, "restored")

    @rule()
    def lose_the_view(self) -> None:
        shutil.rmtree(self.place.directory, ignore_errors=True)

    def _unless_locked(self, whose: int, statement: str, *parameters: str) -> None:
        with self.place.writing(self.tenants[whose]) as connection:
            connection.execute("SET lock_timeout = '50ms'")
            with contextlib.suppress(psycopg.errors.LockNotAvailable):
                connection.execute(statement, parameters)

    def teardown(self) -> None:
        for stack, _ in self.opened:
            stack.close()
        self.place.assert_equal()
        for tenant in self.tenants:
            with self.place.writing(tenant) as connection:
                rows = connection.execute("SELECT count(*) FROM entities").fetchone()
            with self.place.projection.view.reader() as reader:
                assert rows == (sum(1 for _ in reader.stored(tenant.id, DocumentSet.OSINT_ENTITIES)),)
        shutil.rmtree(self.kept, ignore_errors=True)


def run(examples: int, steps: int) -> None:
    with new_place() as place:
        Machine.place = place
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                derandomize=False,
            ),
        )


def test_nothing_is_lost_or_doubled() -> None:
    run(EXAMPLES, STEPS)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_nothing_is_lost_or_doubled_at_length() -> None:
    run(SLOW_EXAMPLES, SLOW_STEPS)
