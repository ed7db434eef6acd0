"""Answers kept for requests that come again: once done, never mixed up, never readable in the database."""

import concurrent.futures
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from clew.domains.identity.principal import Principal
from clew.domains.identity.repeated_requests import Answer, KeyReusedError, Memory, delete_old_answers
from clew.kernel.database import Database
from tests.support.identity import SECRET, StoppedClock
from tests.support.record import Tenant

MEMORY = Memory(SECRET)
ANSWER = Answer(201, {"Location": "/there"}, b'{"key":"shown once"}')


def principal_of(tenant: Tenant) -> Principal:
    return Principal(tenant.id, tenant.operator, "operator", frozenset())


def do(database: Database, tenant: Tenant, key: str, *parts: bytes) -> tuple[Answer, bool]:
    """What a request with that key is answered, and whether it was done anew."""
    principal = principal_of(tenant)
    with database.transaction(tenant.context) as connection:
        known = MEMORY.begin(connection, principal, key, MEMORY.digest(*parts))
        if known is None:
            MEMORY.finish(connection, principal, key, ANSWER)
        return known or ANSWER, known is None


def test_the_second_time_is_answered_like_the_first(database: Database, tenant: Tenant) -> None:
    assert do(database, tenant, "a", b"POST", b"{}") == (ANSWER, True)
    assert do(database, tenant, "a", b"POST", b"{}") == (ANSWER, False)
    assert do(database, tenant, "b", b"POST", b"{}") == (ANSWER, True)


def test_a_key_belongs_to_one_request_however_its_parts_are_cut(database: Database, tenant: Tenant) -> None:
    do(database, tenant, "a", b"ab", b"c")
    with pytest.raises(KeyReusedError):
        do(database, tenant, "a", b"a", b"bc")


def test_a_request_that_failed_leaves_the_key_free(database: Database, tenant: Tenant) -> None:
    with database.transaction(tenant.context) as connection:
        MEMORY.begin(connection, principal_of(tenant), "a", b"digest")
        connection.rollback()
    assert do(database, tenant, "a", b"x")[1]


def test_of_many_at_once_one_is_done(database: Database, tenant: Tenant) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        done = [pool.submit(do, database, tenant, "a", b"x") for _ in range(24)]
        results = [each.result() for each in done]
    assert sum(anew for _, anew in results) == 1
    assert {answer.body for answer, _ in results} == {ANSWER.body}


def test_two_callers_use_the_same_key_for_themselves(database: Database, tenant: Tenant) -> None:
    do(database, tenant, "a", b"x")
    other = replace(principal_of(tenant), key_id=uuid4())
    with database.transaction(tenant.context) as connection:
        assert MEMORY.begin(connection, other, "a", MEMORY.digest(b"y")) is None


def test_the_database_holds_no_answer_that_can_be_read(database: Database, tenant: Tenant) -> None:
    do(database, tenant, "a", b"x")
    with database.transaction(tenant.context) as connection:
        kept = connection.scalar(sa.text("SELECT response FROM idempotency_keys"))
    assert b"shown once" not in bytes(kept)


def test_answers_are_forgotten_after_a_day(database: Database, tenant: Tenant) -> None:
    clock = StoppedClock(datetime.now(UTC) - timedelta(hours=25))
    with database.transaction(tenant.context) as connection:
        MEMORY.begin(connection, principal_of(tenant), "old", b"digest", clock=clock)
        assert do(database, tenant, "young", b"x")[1]
    with database.transaction(tenant.context) as connection:
        assert delete_old_answers(connection, tenant.id) == 1
        assert connection.scalars(sa.text("SELECT key FROM idempotency_keys")).all() == ["young"]
