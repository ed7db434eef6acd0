"""Jobs as rows: they exist exactly if their caller's work does, are claimed once, and end in one way."""

import threading
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
import sqlalchemy.exc

from clew.domains.jobs import claims
from clew.domains.jobs.claims import Advance, Claim, ClaimLostError, Failure, Turns
from clew.domains.jobs.service import NewJob, cancel_job, enqueue, find_job, list_jobs, retry_job
from clew.domains.jobs.tables import QUEUES
from clew.kernel.database import Database
from clew.kernel.errors import ConflictError, InputError, NotFoundError
from clew.kernel.roles import RUNNER
from tests.support.jobs import job_of, put
from tests.support.record import Tenant, new_organization


@pytest.fixture
def kind() -> str:
    """A kind of job that no other test knows: the queues are shared."""
    return f"k{uuid4().hex}"


def claim(database: Database, kind: str, queues: tuple[str, ...] = QUEUES) -> Claim | None:
    with database.transaction(None, RUNNER) as connection:
        return claims.claim_next(connection, queues=queues, kinds=[kind])


def claimed(database: Database, kind: str) -> Claim:
    found = claim(database, kind)
    assert found is not None
    return found


def by_runner(database: Database, act: Callable[[sa.Connection], object]) -> object:
    with database.transaction(None, RUNNER) as connection:
        return act(connection)


def silence(database: Database, tenant: Tenant, job: UUID, seconds: int) -> None:
    with database.transaction(tenant.context) as connection:
        connection.execute(
            sa.text("UPDATE jobs SET heartbeat_at = now() - make_interval(secs => :seconds) WHERE id = :id"),
            {"seconds": seconds, "id": job},
        )


def test_an_organization_with_a_thousand_jobs_does_not_starve_another(
    database: Database, tenant: Tenant, kind: str
) -> None:
    with database.transaction(tenant.context) as connection:
        for _ in range(1000):
            enqueue(connection, tenant.id, NewJob(kind, priority=10))
    turns = Turns()

    def serve() -> Claim:
        with database.transaction(None, RUNNER) as connection:
            found = claims.claim_next(connection, queues=QUEUES, kinds=[kind], turns=turns)
        assert found is not None
        return found

    assert [serve().organization_id for _ in range(3)] == 3 * [tenant.id]
    late, later = new_organization(database), new_organization(database)
    for other in (late, later):
        for _ in range(2):
            put(database, other, kind, priority=1)
    # Whose jobs are young, few and of low priority has a turn at once, and then one in three.
    served = [serve() for _ in range(8)]
    assert {each.organization_id for each in served[:2]} == {late.id, later.id}
    assert served[2].organization_id == tenant.id
    assert {each.organization_id for each in served[3:5]} == {late.id, later.id}
    assert {each.organization_id for each in served[5:]} == {tenant.id}
    assert len({each.job_id for each in served}) == len(served)
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text("DELETE FROM jobs"))


def test_within_an_organization_priority_decides_and_then_age(database: Database, tenant: Tenant, kind: str) -> None:
    jobs = [put(database, tenant, kind, priority=priority) for priority in (5, 5, 9, 1)]
    assert [claimed(database, kind).job_id for _ in jobs] == [jobs[2], jobs[0], jobs[1], jobs[3]]


def test_turns_are_remembered_of_a_bounded_number() -> None:
    turns, many = Turns(), [uuid4() for _ in range(1200)]
    for each in many:
        turns.take(each)
    turns.take(many[-1000])
    assert turns.served() == [*many[-999:], many[-1000]]


def test_a_job_exists_exactly_if_its_callers_work_does(database: Database, tenant: Tenant, kind: str) -> None:
    def fail() -> None:
        with database.transaction(tenant.context) as connection:
            enqueue(connection, tenant.id, NewJob(kind))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert claim(database, kind) is None
    with database.transaction(tenant.context) as connection:
        job = enqueue(connection, tenant.id, NewJob(kind, {"a": [1]}))
        assert claim(database, kind) is None  # not committed yet
    assert (job.status, job.user_id, job.parameters, job.queue) == ("pending", tenant.operator, {"a": [1]}, "celery")
    found = claimed(database, kind)
    assert (found.organization_id, found.job_id, found.user_id, found.attempts) == (
        tenant.id,
        job.id,
        tenant.operator,
        1,
    )
    with database.transaction(tenant.context) as connection:
        told = sa.text("SELECT event_type FROM audit.events WHERE resource_id = :id")
        assert connection.scalars(told, {"id": str(job.id)}).all() == ["job_enqueued"]


def test_the_more_urgent_goes_first_then_the_older(database: Database, tenant: Tenant, kind: str) -> None:
    jobs = [put(database, tenant, kind, priority=priority) for priority in (5, 1, 10, 5)]
    order = [claimed(database, kind).job_id for _ in jobs]
    assert order == [jobs[2], jobs[0], jobs[3], jobs[1]]


def test_a_runner_takes_only_from_its_queues(database: Database, tenant: Tenant, kind: str) -> None:
    with database.transaction(tenant.context) as connection:
        enqueue(connection, tenant.id, NewJob(kind, queue="reports"))
    assert claim(database, kind, ("celery", "analysis")) is None
    assert claim(database, kind, ("reports",)) is not None


def test_many_runners_at_once_never_take_the_same_job(database: Database, tenant: Tenant, kind: str) -> None:
    wanted = {put(database, tenant, kind) for _ in range(40)}
    taken: list[UUID] = []
    start = threading.Barrier(8)

    def take() -> None:
        start.wait()
        while (found := claim(database, kind)) is not None:
            taken.append(found.job_id)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 40
    assert set(taken) == wanted


def test_the_job_of_a_silent_runner_is_taken_up_again_and_the_old_claim_is_worth_nothing(
    database: Database, tenant: Tenant, kind: str
) -> None:
    job = put(database, tenant, kind)
    first = claimed(database, kind)
    silence(database, tenant, job, 19)
    by_runner(database, lambda connection: claims.take_back(connection, silent_seconds=20))
    assert job_of(database, tenant, job).status == "running"
    silence(database, tenant, job, 21)
    by_runner(database, lambda connection: claims.take_back(connection, silent_seconds=20))
    again = job_of(database, tenant, job)
    assert (again.status, again.attempts) == ("pending", 1)
    assert again.error is not None
    assert again.error["code"] == "runner_died"

    second = claimed(database, kind)
    assert (second.job_id, second.attempts) == (job, 2)
    with pytest.raises(ClaimLostError):
        by_runner(database, lambda connection: claims.beat(connection, first))
    for late in (
        lambda connection: claims.complete(connection, first, {"late": True}),
        lambda connection: claims.fail(connection, first, Failure("late", "late")),
        lambda connection: claims.advance(connection, first, Advance("late")),
        lambda connection: claims.cancel(connection, first, None),
        lambda connection: claims.parameters_of(connection, first),
    ):
        with pytest.raises(ClaimLostError), database.transaction(tenant.context) as connection:
            late(connection)
    by_runner(database, lambda connection: claims.give_back(connection, first))
    with database.transaction(tenant.context) as connection:
        claims.advance(connection, second, Advance("loading", 10, 20, 3))
        claims.complete(connection, second, {"read": 3})
    done = job_of(database, tenant, job)
    assert (done.status, done.result, done.error) == ("completed", {"read": 3}, None)
    assert (done.step, done.bytes_done, done.bytes_total, done.records_done) == ("loading", 10, 20, 3)


def test_a_runner_that_freezes_in_a_transaction_holds_nobody_up(database: Database, tenant: Tenant, kind: str) -> None:
    put(database, tenant, kind)
    held = claimed(database, kind)
    for begin in (
        lambda connection: claims.beat(connection, held),
        lambda connection: claims.advance(connection, held, Advance("x")),
        lambda connection: claims.complete(connection, held, {}),
    ):
        with database.transaction(tenant.context) as connection:
            begin(connection)
            assert connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")) == "5s"
            connection.rollback()
    with database.transaction(tenant.context) as connection:
        assert connection.scalar(sa.text("SHOW idle_in_transaction_session_timeout")) == "0"


def test_a_job_that_kills_its_runners_fails_in_the_end(database: Database, tenant: Tenant, kind: str) -> None:
    job = put(database, tenant, kind, attempts=2)
    for _ in range(2):
        with database.transaction(tenant.context) as connection:
            connection.execute(sa.text("UPDATE jobs SET run_after = now() WHERE id = :id"), {"id": job})
        claimed(database, kind)
        silence(database, tenant, job, 100)
        by_runner(database, lambda connection: claims.take_back(connection, silent_seconds=20))
    found = job_of(database, tenant, job)
    assert (found.status, found.attempts) == ("failed", 2)
    assert found.completed_at is not None


def test_a_transient_failure_is_tried_again_later_and_a_terminal_one_is_not(
    database: Database, tenant: Tenant, kind: str
) -> None:
    job = put(database, tenant, kind, attempts=2)
    with database.transaction(tenant.context) as connection:
        assert claims.fail(connection, claimed(database, kind), Failure("away", "gone", transient=True))
    waiting = job_of(database, tenant, job)
    assert waiting.status == "pending"
    assert (waiting.run_after - waiting.updated_at).total_seconds() == pytest.approx(4.5, abs=1)
    assert claim(database, kind) is None  # not yet
    with database.transaction(tenant.context) as connection:
        connection.execute(sa.text("UPDATE jobs SET run_after = now() WHERE id = :id"), {"id": job})
    with database.transaction(tenant.context) as connection:
        assert not claims.fail(connection, claimed(database, kind), Failure("away", "gone", transient=True))
    assert job_of(database, tenant, job).status == "failed"

    terminal = put(database, tenant, kind)
    with database.transaction(tenant.context) as connection:
        assert not claims.fail(connection, claimed(database, kind), Failure("input", "no\0t this"))
    error = job_of(database, tenant, terminal).error
    assert error == {"code": "input", "message": "no\ufffdt this", "where": None, "remedy": None}


def test_pauses_grow_and_are_bounded() -> None:
    assert 3.7 < claims.pause_seconds(1) <= 5
    assert 15 <= claims.pause_seconds(3) <= 20
    assert 450 <= claims.pause_seconds(100) <= 600


def test_cancelling_what_waits_runs_and_is_over(database: Database, tenant: Tenant, kind: str) -> None:
    def cancel(job: UUID) -> str:
        with database.transaction(tenant.context) as connection:
            return cancel_job(connection, tenant.id, job).status

    waiting = put(database, tenant, kind)
    assert cancel(waiting) == cancel(waiting) == "cancelled"
    assert claim(database, kind) is None

    running = put(database, tenant, kind)
    held = claimed(database, kind)
    assert by_runner(database, lambda connection: claims.beat(connection, held)) is False
    assert cancel(running) == "running"
    assert by_runner(database, lambda connection: claims.beat(connection, held)) is True
    with database.transaction(tenant.context) as connection:
        claims.cancel(connection, held, {"read": 2})
    assert job_of(database, tenant, running).result == {"read": 2}

    dying = put(database, tenant, kind)
    claimed(database, kind)
    cancel(dying)
    silence(database, tenant, dying, 100)
    by_runner(database, lambda connection: claims.take_back(connection, silent_seconds=20))
    assert job_of(database, tenant, dying).status == "cancelled"

    ended = put(database, tenant, kind)
    with database.transaction(tenant.context) as connection:
        claims.complete(connection, claimed(database, kind), {})
    with pytest.raises(ConflictError, match="completed"):
        cancel(ended)


def test_a_job_that_is_given_back_costs_no_attempt(database: Database, tenant: Tenant, kind: str) -> None:
    job = put(database, tenant, kind)
    held = claimed(database, kind)
    by_runner(database, lambda connection: claims.give_back(connection, held))
    assert job_of(database, tenant, job).attempts == 0
    assert claimed(database, kind).attempts == 1


def test_failed_and_cancelled_jobs_are_retried_and_others_not(database: Database, tenant: Tenant, kind: str) -> None:
    job = put(database, tenant, kind)

    def retry() -> str:
        with database.transaction(tenant.context) as connection:
            return retry_job(connection, tenant.id, job).status

    with pytest.raises(ConflictError, match="pending"):
        retry()
    with database.transaction(tenant.context) as connection:
        claims.fail(connection, claimed(database, kind), Failure("input", "bad"))
    assert retry() == "pending"
    again = job_of(database, tenant, job)
    assert (again.attempts, again.error, again.completed_at) == (0, None, None)
    with database.transaction(tenant.context) as connection:
        claims.complete(connection, claimed(database, kind), {})
    with pytest.raises(ConflictError, match="completed"):
        retry()


def test_lists_are_filtered_and_paged_newest_first(database: Database, tenant: Tenant, kind: str) -> None:
    jobs = [put(database, tenant, kind) for _ in range(5)]
    with database.transaction(tenant.context) as connection:
        first = list_jobs(connection, tenant.id, limit=2)
        rest = list_jobs(connection, tenant.id, before=first[-1].id, kind=kind, status="pending", queue="celery")
        assert [job.id for job in [*first, *rest]] == jobs[::-1]
        assert list_jobs(connection, tenant.id, kind="other") == []
        with pytest.raises(InputError, match="no state"):
            list_jobs(connection, tenant.id, status="dancing")


def test_the_jobs_of_others_are_not_found(database: Database, tenant: Tenant, kind: str) -> None:
    job = put(database, tenant, kind)
    other = new_organization(database)
    for act in (find_job, cancel_job, retry_job):
        with pytest.raises(NotFoundError), database.transaction(other.context) as connection:
            act(connection, tenant.id, job)
        with pytest.raises(NotFoundError), database.transaction(other.context) as connection:
            act(connection, other.id, job)


GRANTED = sa.text("""
    SELECT c.relname, may FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS may
    WHERE c.relnamespace IN ('public'::regnamespace, to_regnamespace('audit')) AND c.relkind IN ('r', 'p', 'v')
      AND has_any_column_privilege(:role, c.oid, may)
    UNION ALL
    SELECT c.relname, may FROM pg_class c CROSS JOIN unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) AS may
    WHERE c.relnamespace IN ('public'::regnamespace, to_regnamespace('audit')) AND c.relkind IN ('r', 'p', 'v')
      AND has_table_privilege(:role, c.oid, may)
""")


def test_the_runner_has_these_rights_and_no_others(database: Database) -> None:
    with database.transaction(None, RUNNER) as connection:
        found = {tuple(row) for row in connection.execute(GRANTED, {"role": RUNNER})}
    assert found == {
        ("jobs", "SELECT"),
        ("jobs", "UPDATE"),
        ("schedules", "SELECT"),
        ("schema_version", "SELECT"),
    }


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT parameters FROM jobs",
        "SELECT result FROM jobs",
        "SELECT error FROM jobs",
        "SELECT * FROM jobs",
        "UPDATE jobs SET result = '{}'",
        "UPDATE jobs SET parameters = '{}'",
        "UPDATE jobs SET kind = 'x'",
        "UPDATE jobs SET user_id = NULL",
        "UPDATE jobs SET organization_id = gen_random_uuid()",
        "UPDATE jobs SET max_attempts = 1000",
        "INSERT INTO jobs (organization_id, kind) VALUES (gen_random_uuid(), 'x')",
        "DELETE FROM jobs",
        "SELECT FROM uploads",
        "SELECT FROM users",
        "SELECT FROM entities",
        "SELECT FROM organizations",
    ],
)
def test_the_runner_cannot(database: Database, statement: str) -> None:
    with pytest.raises(sqlalchemy.exc.ProgrammingError) as caught:
        by_runner(database, lambda connection: connection.execute(sa.text(statement)))
    assert getattr(caught.value.orig, "sqlstate", None) == "42501"


def test_the_runner_completes_no_job(database: Database, tenant: Tenant, kind: str) -> None:
    put(database, tenant, kind)
    with pytest.raises(sqlalchemy.exc.ProgrammingError, match="row-level security"):
        by_runner(
            database,
            lambda connection: connection.execute(
                sa.text("UPDATE jobs SET status = 'completed' WHERE kind = :kind"), {"kind": kind}
            ),
        )
