"""The end of an analysis is told once, signed, or it is said why not; and never to an address inside."""

import base64
import hashlib
import hmac
import json
import threading
from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy as sa

from clew.domains.analyses.callbacks import (
    CallbackDelayedError,
    CallbackFailedError,
    CallbackUnknownError,
    deliver,
)
from clew.domains.analyses.ending import CALLBACK_ATTEMPTS
from clew.domains.analyses.request import NewAnalysisSession
from clew.domains.analyses.service import cancel, remove_secrets, renew_secret, sealer_of, settle
from clew.domains.jobs.service import list_jobs
from clew.kernel.database import Database
from clew.kernel.errors import ConfigurationError
from clew.kernel.outbound import Outbound
from clew.kernel.outbound_settings import allowed_hosts
from clew.worker.callback_job import CALLBACK
from clew.worker.work import Work
from tests.support.analysing import asked_for, carried_out, shown
from tests.support.killing import KillingProcess
from tests.support.receiver import Received, Receiver, receiver
from tests.support.record import Tenant

INSIDE = Outbound()
KILLED = -9


def allowing(made: Receiver) -> Outbound:
    return Outbound(allowed=allowed_hosts(made.address), connect_seconds=2, answer_seconds=2)


def secret_of(database: Database, tenant: Tenant) -> str:
    with database.transaction(tenant.context) as connection:
        return renew_secret(connection, tenant.id, sealer_of(database.settings))


def ended(database: Database, tenant: Tenant, url: str, outbound: Outbound) -> UUID:
    """An analysis (of nothing) that is over, and whose callback waits."""
    identifier = asked_for(database, tenant, NewAnalysisSession(callback_url=url, priority=9), outbound)
    assert carried_out(database, tenant, identifier).status == "completed"
    callback = shown(database, tenant, identifier).callback
    assert callback is not None
    assert (callback.status, callback.attempts) == ("pending", 0)
    return identifier


def is_signed(message: Received, secret: str) -> bool:
    """As Standard Webhooks say that a receiver checks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message.headers['webhook-id']}.{message.headers['webhook-timestamp']}.".encode() + message.body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(each, expected) for each in message.headers["webhook-signature"].split(" "))


def test_it_is_delivered_once_and_signed(database: Database, tenant: Tenant) -> None:
    secret = secret_of(database, tenant)
    with receiver() as made:
        identifier = ended(database, tenant, made.url, allowing(made))
        with database.transaction(tenant.context) as connection:
            (job,) = list_jobs(connection, tenant.id, kind="analysis_callback")
        assert (job.priority, job.max_attempts, job.status) == (9, CALLBACK_ATTEMPTS, "pending")
        for _ in range(2):
            told = deliver(database, tenant.context, identifier, last=False, outbound=allowing(made))
            assert told["status"] == "delivered"
        (message,) = made.received
    assert is_signed(message, secret)
    assert not is_signed(replace(message, body=message.body + b" "), secret)
    told = json.loads(message.body)
    assert (told["type"], told["data"]["analysis_id"]) == ("analysis.completed", str(identifier))
    assert told["data"]["result"]["sessions"] == 0
    callback = shown(database, tenant, identifier).callback
    assert callback is not None
    assert (callback.status, callback.attempts, callback.response_status) == ("delivered", 1, 204)
    assert message.headers["webhook-id"] == f"msg_{callback.id}"


def test_a_renewed_secret_signs_beside_the_one_before(database: Database, tenant: Tenant) -> None:
    before, after = secret_of(database, tenant), secret_of(database, tenant)
    with receiver() as made:
        identifier = ended(database, tenant, made.url, allowing(made))
        deliver(database, tenant.context, identifier, last=False, outbound=allowing(made))
        (message,) = made.received
    assert is_signed(message, before)
    assert is_signed(message, after)


def test_what_is_not_taken_comes_again_under_the_same_id_until_the_last_attempt(
    database: Database, tenant: Tenant
) -> None:
    secret_of(database, tenant)
    with receiver(lambda number: (500 if number < 2 else 200, None)) as made:
        way = allowing(made)
        identifier = ended(database, tenant, made.url, way)
        for attempt in (1, 2):
            with pytest.raises(CallbackDelayedError, match="answered 500"):
                deliver(database, tenant.context, identifier, last=False, outbound=way)
            callback = shown(database, tenant, identifier).callback
            assert callback is not None
            assert (callback.status, callback.attempts, callback.response_status) == ("pending", attempt, 500)
        deliver(database, tenant.context, identifier, last=True, outbound=way)
        assert len({message.headers["webhook-id"] for message in made.received}) == 1
    callback = shown(database, tenant, identifier).callback
    assert callback is not None
    assert (callback.status, callback.attempts, callback.reason) == ("delivered", 3, None)


REFUSALS: tuple[tuple[tuple[int, str | None], str, bool], ...] = (
    ((400, None), "answered 400: it did not take it", False),
    ((410, None), "answered 410", False),
    ((302, "http://169.254.169.254/latest"), "leads elsewhere, which is not followed", False),
    ((307, "http://127.0.0.1:1/"), "leads elsewhere", False),
    ((429, None), "answered 429", True),
    ((503, None), "answered 503", True),
)


@pytest.mark.parametrize(("answer", "reason", "passes"), REFUSALS)
def test_what_fails_for_good_says_why(
    database: Database, tenant: Tenant, answer: tuple[int, str | None], reason: str, passes: bool
) -> None:
    secret_of(database, tenant)
    with receiver(lambda _: answer) as made:
        identifier = ended(database, tenant, made.url, allowing(made))
        with pytest.raises(CallbackFailedError, match=reason) as raised:
            deliver(database, tenant.context, identifier, last=True, outbound=allowing(made))
        assert raised.value.transient == passes
        assert len(made.received) == 1, "a redirection is not followed"
    callback = shown(database, tenant, identifier).callback
    assert callback is not None
    assert callback.status == "failed"
    assert reason in str(callback.reason)


def test_no_request_reaches_an_address_inside_whatever_its_name_leads_to(database: Database, tenant: Tenant) -> None:
    secret_of(database, tenant)
    answers = iter(["203.0.113.9", "127.0.0.1"])

    def rebinding(_host: str, _port: int) -> list[str]:
        return [next(answers, "127.0.0.1")]

    with receiver() as made:
        url = f"http://hooks.example.com:{made.port}/hook"
        identifier = ended(database, tenant, url, INSIDE)
        assert rebinding("first", 0) == ["203.0.113.9"]  # what it led to when it was looked at
        way = Outbound(resolve=rebinding)
        with pytest.raises(CallbackFailedError, match="leads to this machine or its network") as raised:
            deliver(database, tenant.context, identifier, last=False, outbound=way)
        assert not raised.value.transient
        assert made.received == []
    callback = shown(database, tenant, identifier).callback
    assert callback is not None
    assert callback.status == "failed"


def test_a_receiver_that_is_away_is_tried_again(database: Database, tenant: Tenant) -> None:
    secret_of(database, tenant)
    with receiver() as made:
        way = allowing(made)
        identifier = ended(database, tenant, made.url, way)
    with pytest.raises(CallbackDelayedError, match="cannot be reached: ConnectError"):
        deliver(database, tenant.context, identifier, last=False, outbound=way)


def test_without_a_secret_nothing_is_sent(database: Database, tenant: Tenant) -> None:
    secret_of(database, tenant)
    with receiver() as made:
        identifier = ended(database, tenant, made.url, allowing(made))
        with database.transaction(tenant.context) as connection:
            remove_secrets(connection, tenant.id)
        with pytest.raises(ConfigurationError, match="no secret"):
            deliver(database, tenant.context, identifier, last=False, outbound=allowing(made))
        assert made.received == []
    callback = shown(database, tenant, identifier).callback
    assert callback is not None
    assert callback.status == "failed"


@pytest.mark.parametrize(("moment", "came"), [("before", 0), ("behind", 1)])
def test_one_whose_process_is_killed_before_it_notes_the_answer_is_reported_and_not_sent_again(
    database: Database, tenant: Tenant, moment: str, came: int
) -> None:
    """kill -9 before the message goes out, and behind the receiver's answer: nobody can tell which it was."""
    secret_of(database, tenant)
    with receiver() as made, KillingProcess() as process:
        identifier = ended(database, tenant, made.url, allowing(made))
        assert process.kill_delivery(database.settings, tenant.context, identifier, made.address, moment) == KILLED
        assert len(made.received) == came
        way = allowing(made)
        with pytest.raises(CallbackUnknownError, match="whether the receiver took it is unknown") as raised:
            deliver(database, tenant.context, identifier, last=False, outbound=way)
        assert not raised.value.transient, "its job is over"
        assert len(made.received) == came
        callback = shown(database, tenant, identifier).callback
        assert callback is not None
        assert (callback.status, callback.attempts) == ("failed", 1)
        assert "ended before it could note the answer" in str(callback.reason)
        deliver(database, tenant.context, identifier, last=False, outbound=way)  # as `clew jobs retry` has it
        assert {message.headers["webhook-id"] for message in made.received} == {f"msg_{callback.id}"}
        assert len(made.received) == came + 1
    callback = shown(database, tenant, identifier).callback
    assert callback is not None
    assert (callback.status, callback.reason) == ("delivered", None)


def test_one_whose_process_and_job_are_gone_says_that_nobody_knows(database: Database, tenant: Tenant) -> None:
    secret_of(database, tenant)
    with receiver() as made, KillingProcess() as process:
        identifier = ended(database, tenant, made.url, allowing(made))
        assert process.kill_delivery(database.settings, tenant.context, identifier, made.address, "behind") == KILLED
    with database.transaction(tenant.context) as connection:
        connection.exec_driver_sql("UPDATE jobs SET status = 'cancelled' WHERE kind = 'analysis_callback'")
    settle(database, tenant.id)
    callback = shown(database, tenant, identifier).callback
    assert callback is not None
    assert callback.status == "failed"
    assert "whether the receiver took it is unknown" in str(callback.reason)


def test_one_that_went_out_and_is_not_answered_is_reported_and_not_sent_again(
    database: Database, tenant: Tenant
) -> None:
    secret_of(database, tenant)

    def silence(_number: int) -> tuple[int, str | None]:
        raise ConnectionAbortedError

    with receiver(silence) as made:
        identifier = ended(database, tenant, made.url, allowing(made))
        with pytest.raises(CallbackUnknownError, match="it was sent and not answered") as raised:
            deliver(database, tenant.context, identifier, last=False, outbound=allowing(made))
    assert not raised.value.transient
    callback = shown(database, tenant, identifier).callback
    assert callback is not None
    assert (callback.status, callback.attempts) == ("failed", 1)


def test_that_one_was_cancelled_is_told_too_and_a_lost_job_is_a_failed_callback(
    database: Database, tenant: Tenant
) -> None:
    secret_of(database, tenant)
    with receiver() as made:
        way = allowing(made)
        identifier = asked_for(database, tenant, NewAnalysisSession(callback_url=made.url), way)
        with database.transaction(tenant.context) as connection:
            cancel(connection, tenant.id, identifier)
        deliver(database, tenant.context, identifier, last=False, outbound=way)
        assert json.loads(made.received[0].body)["type"] == "analysis.cancelled"
        lost = ended(database, tenant, made.url, way)
    with database.transaction(tenant.context) as connection:
        connection.execute(
            sa.text("DELETE FROM jobs WHERE kind = 'analysis_callback' AND parameters ->> 'analysis_session_id' = :id"),
            {"id": str(lost)},
        )
    settle(database, tenant.id)
    callback = shown(database, tenant, lost).callback
    assert callback is not None
    assert (callback.status, callback.reason) == ("failed", "its job was cancelled or is gone")


def test_the_worker_sends_it_by_the_settings(database: Database, tenant: Tenant) -> None:
    secret_of(database, tenant)
    with receiver() as made:
        identifier = ended(database, tenant, made.url, allowing(made))
        with database.transaction(tenant.context) as connection:
            (job,) = list_jobs(connection, tenant.id, kind="analysis_callback")
        work = Work(database, tenant.id, job.id, tenant.operator, 1, job.parameters, lambda _: None, threading.Event())
        with pytest.raises(CallbackFailedError, match="leads to this machine"):
            CALLBACK.run(work)
        assert made.received == [], "the administrator allowed no host"
    assert shown(database, tenant, identifier).callback is not None
