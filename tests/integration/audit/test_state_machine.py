"""Whatever order transactions begin, act, commit, undo and are sealed in: every row is sealed once, none early."""

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from clew.domains.audit.chain import decode
from clew.domains.audit.service import Act, record
from clew.kernel.transactions import SET_CONTEXT, TenantContext, context_parameters
from tests.support.auditing import Trail

MOST_OPEN = 4


class Sealing(RuleBasedStateMachine):
    """Transactions of two organizations, open side by side, and a sealer that takes a few rows at a time."""

    trail: Trail

    def __init__(self) -> None:
        super().__init__()
        self.trail.seal()
        self.open: list[tuple[sa.Connection, list[int]]] = []
        self.waiting: set[int] = set()
        self.sealed: set[int] = set()
        self.first = self.trail.verify().rows

    @precondition(lambda self: len(self.open) < MOST_OPEN)
    @rule(ours=st.booleans())
    def begin(self, ours: bool) -> None:
        tenant = self.trail.ours if ours else self.trail.theirs
        connection = self.trail.database.engine().connect()
        connection.exec_driver_sql(SET_CONTEXT, context_parameters(TenantContext(tenant.id)))
        self.open.append((connection, []))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), rows=st.integers(1, 4))
    def act(self, data: st.DataObject, rows: int) -> None:
        connection, ids = data.draw(st.sampled_from(self.open))
        for _ in range(rows):
            record(connection, Act("step", "READ", "entity"))
            ids.append(int(connection.scalar(sa.text("SELECT currval('audit.trail_id_seq')")) or 0))

    @precondition(lambda self: self.open)
    @rule(data=st.data(), keep=st.booleans())
    def end(self, data: st.DataObject, keep: bool) -> None:
        connection, ids = self.open.pop(data.draw(st.integers(0, len(self.open) - 1)))
        if keep:
            connection.commit()
            self.waiting |= set(ids)
        else:
            connection.rollback()
        connection.close()

    @rule(rows_at_once=st.integers(1, 5))
    def seal(self, rows_at_once: int) -> None:
        assert self.trail.seal(rows_at_once) == len(self.waiting)
        self.sealed |= self.waiting
        self.waiting = set()

    @invariant()
    def the_trail_holds(self) -> None:
        verified = self.trail.verify()
        assert verified.first_bad is None
        assert verified.unsealed == len(self.waiting)
        assert verified.rows == self.first + len(self.sealed)

    def teardown(self) -> None:
        for connection, _ in self.open:
            connection.rollback()
            connection.close()
        self.trail.seal()
        entries = self.trail.read("SELECT entries FROM audit.seals")
        ids = [entry.id for (each,) in entries for entry in decode(bytes(each))]
        assert len(ids) == len(set(ids))
        assert self.sealed <= set(ids)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_any_order_of_transactions_and_seals(trail: Trail) -> None:
    class OfThisTrail(Sealing):
        pass

    OfThisTrail.trail = trail
    thorough = settings(max_examples=20, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(OfThisTrail, settings=thorough)
