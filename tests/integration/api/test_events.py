"""Live events: who hears what, from behind which event, and until when."""

import asyncio
import http.client
import threading
from collections.abc import Iterator
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
import sqlalchemy as sa

from clew.api.live import MOST_PER_USER, TOPICS, WAITING, Event, Hub, Subscription
from clew.api.live_feed import Bridge, Follower
from clew.domains.identity.permissions import BUILT_IN
from clew.domains.identity.users import set_active
from clew.domains.investigations.service import create_investigation
from clew.domains.jobs.service import NewJob, cancel_job, enqueue
from clew.kernel.cache.memory import MemoryCache
from clew.kernel.cache.remembering import Memo
from clew.kernel.database import Database
from clew.kernel.errors import LimitError
from tests.support.embedded import wait_until
from tests.support.record import Tenant, migrated_database, new_organization
from tests.support.serving import PATIENCE_SECONDS, Server, served_from
from tests.support.streaming import stream
from tests.support.uploading import client_of

READ_BY = {
    "analyses": "/analyses",
    "campaigns": "/campaigns",
    "investigations": "/investigations",
    "jobs": "/jobs",
    "uploads": "/uploads",
}
"""The ordinary routes to what topics tell of."""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with migrated_database() as opened:
        yield opened


@pytest.fixture(scope="module")
def server(database: Database) -> Iterator[Server]:
    with served_from(database) as opened:
        yield opened


def put(database: Database, tenant: Tenant) -> UUID:
    with database.transaction(tenant.context) as connection:
        return enqueue(connection, tenant.id, NewJob(f"k{uuid4().hex}")).id


def test_changes_of_ones_own_organization_are_told_with_ids_only(server: Server, database: Database) -> None:
    tenant, other = new_organization(database), new_organization(database)
    client = client_of(server, database, tenant)
    with stream(client, "jobs,investigations") as opened:
        put(database, other)
        job = put(database, tenant)
        assert opened.event() == ("jobs", f'{{"topic":"jobs","change":"created","id":"{job}"}}')
        with database.transaction(tenant.context) as connection:
            cancel_job(connection, tenant.id, job)
        assert opened.event() == ("jobs", f'{{"topic":"jobs","change":"updated","id":"{job}"}}')
        with database.transaction(tenant.context) as connection:
            case = create_investigation(connection, tenant.id, "Harbour")
        assert opened.event() == (
            "investigations",
            f'{{"topic":"investigations","change":"created","id":"{case.id}"}}',
        )


def test_who_comes_back_gets_what_came_since(server: Server, database: Database) -> None:
    tenant = new_organization(database)
    client = client_of(server, database, tenant)
    with stream(client, "jobs") as opened:
        put(database, tenant)
        opened.event()
        last = opened.last
    missed = put(database, tenant)
    with stream(client, "jobs", last) as again:
        assert str(missed) in again.event()[1]
    for stale in ("0000-1", "nonsense", f"{(last or '').split('-')[0]}-999999"):
        with stream(client, "jobs", stale) as lost:
            assert lost.event()[0] == "reset"


def test_each_topic_needs_its_right_and_no_other_topic_exists(server: Server, database: Database) -> None:
    tenant = new_organization(database)
    reader = client_of(server, database, tenant, "readonly")
    with stream(reader, "jobs") as allowed:
        assert allowed.response.status == 200
    with stream(reader, "jobs,uploads") as refused:
        assert refused.response.status == 403
    for topics in ("access", "entities", "", ","):
        with stream(reader, topics) as unknown:
            assert unknown.response.status == 400
    connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
    connection.request("GET", "/api/v1/live?topics=jobs")
    assert connection.getresponse().status == 401
    connection.close()


@pytest.mark.parametrize("role", [*sorted(BUILT_IN), "only"])
@pytest.mark.parametrize("topic", sorted(TOPICS))
def test_a_topic_needs_the_permission_of_its_ordinary_route_and_no_other(
    server: Server, database: Database, topic: str, role: str
) -> None:
    """`only`: an administrator's key that may nothing but read this topic's things."""
    tenant = new_organization(database)
    scopes = (TOPICS[topic],) if role == "only" else ("read", "write", "admin")
    client = client_of(server, database, tenant, "admin" if role == "only" else role, scopes=scopes)
    allowed = role == "only" or TOPICS[topic] in BUILT_IN[role]
    ordinary = client.ask("GET", READ_BY[topic])
    assert (ordinary.status != 403) == allowed, ordinary.body
    for topics in (topic, *(f"{topic},{other}" for other in TOPICS if other != topic)):
        granted = all(TOPICS[each] in (scopes if role == "only" else BUILT_IN[role]) for each in topics.split(","))
        with stream(client, topics) as opened:
            assert opened.response.status == (200 if granted else 403), topics


def test_a_stream_ends_when_the_right_to_its_topic_is_taken_though_others_are_left(
    server: Server, database: Database
) -> None:
    tenant = new_organization(database)
    client = client_of(server, database, tenant)
    with stream(client, "jobs") as opened:
        with database.transaction(tenant.context) as connection:
            connection.execute(sa.text("UPDATE api_keys SET scopes = ARRAY['investigation:read']"))
        put(database, tenant)
        assert opened.event() == ("", "")
    with stream(client, "investigations") as other:
        assert other.response.status == 200


@pytest.mark.parametrize("how", ["user", "key"])
def test_a_stream_ends_when_its_reader_is_shut_out(server: Server, database: Database, how: str) -> None:
    tenant = new_organization(database)
    client = client_of(server, database, tenant)
    with stream(client, "jobs") as opened:
        with database.transaction(tenant.context) as connection:
            if how == "key":
                connection.execute(sa.text("UPDATE api_keys SET is_active = false"))
            else:
                user = connection.scalar(sa.text("SELECT user_id FROM api_keys"))
                set_active(connection, tenant.id, user, active=False)
        put(database, tenant)
        assert opened.event() == ("", "")


def test_streams_end_with_the_server() -> None:
    with migrated_database() as database, served_from(database) as own:
        with stream(client_of(own, database, new_organization(database)), "jobs") as opened:
            own.process.terminate()
            assert opened.event() == ("", "")
        assert own.process.wait(PATIENCE_SECONDS) == 0


def test_a_lost_connection_to_the_database_is_told_as_a_gap(server: Server, database: Database) -> None:
    tenant = new_organization(database)
    client = client_of(server, database, tenant)
    with stream(client, "jobs") as opened:
        with database.admin_engine().begin() as connection:
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'LISTEN clew_events'"
                    " AND datname = current_database()"
                )
            )
        assert opened.event()[0] == "reset"
        job = put(database, tenant)
        assert str(job) in opened.event()[1]


def test_nonsense_on_the_channel_is_passed_over(server: Server, database: Database) -> None:
    tenant = new_organization(database)
    client = client_of(server, database, tenant)
    with stream(client, "jobs") as opened:
        with database.connect_raw() as connection:
            connection.autocommit = True
            for payload in ("", "x", "[]", "{}", '{"organization": 1, "topic": "jobs", "id": null, "change": "x"}'):
                connection.execute(psycopg.sql.SQL("SELECT pg_notify('clew_events', %s)"), (payload,))
        job = put(database, tenant)
        assert str(job) in opened.event()[1]


def test_a_slow_reader_costs_a_bounded_number_of_events() -> None:
    async def follow() -> None:
        hub, organization, user = Hub(), uuid4(), uuid4()
        with hub.subscribed(organization, user, ["jobs"], None) as slow:
            for number in range(3 * WAITING):
                hub.publish(organization, "jobs", str(number), "updated", identifier=f"e-{number}")
            waiting, _ = slow.take()
            assert len(waiting) <= WAITING
            assert waiting[0].change == "reset"
            hub.publish(organization, "jobs", "one", "updated", identifier="e-1")
            hub.publish(uuid4(), "jobs", "of others", "updated", identifier="e-2")
            hub.publish(organization, "uploads", "of another topic", "updated", identifier="e-3")
            assert [event.row for event in slow.take()[0]] == ["one"]

    asyncio.run(follow())


def test_one_user_follows_a_bounded_number_of_times() -> None:
    async def follow() -> None:
        from contextlib import ExitStack

        hub, user = Hub(), uuid4()
        with ExitStack() as opened:
            for _ in range(MOST_PER_USER):
                opened.enter_context(hub.subscribed(uuid4(), user, ["jobs"], None))
            with pytest.raises(LimitError), hub.subscribed(uuid4(), user, ["jobs"], None):
                pass
        with hub.subscribed(uuid4(), user, ["jobs"], None):
            pass

    asyncio.run(follow())


def test_a_hub_follows_the_database_of_other_processes(database: Database) -> None:
    async def follow() -> None:
        tenant = new_organization(database)
        hub, stop, cache = Hub(), threading.Event(), MemoryCache()
        bridge, follower = Bridge(database, cache), Follower(hub, Memo(cache), cache)
        threads = [threading.Thread(target=work, args=(stop,)) for work in (bridge.run, follower.run)]
        with hub.subscribed(tenant.id, tenant.operator, ["jobs"], None) as subscription:
            for thread in threads:
                thread.start()
            assert [event.change for event in await given(subscription)] == ["reset"]
            job = put(database, tenant)
            assert [event.row for event in await given(subscription)] == [str(job)]
        stop.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)

    async def given(subscription: Subscription) -> list[Event]:
        async with asyncio.timeout(60):
            # What somebody may do may have changed, too, which is told without an event.
            while not (events := subscription.take()[0]):
                await subscription.wait(30)
            return list(events)

    asyncio.run(follow())


class SlowCache(MemoryCache):
    """Tells nothing before it may, as a Redis that is far away, and remembers each time that it was asked to."""

    def __init__(self) -> None:
        super().__init__()
        self.may = threading.Event()
        self.asked: list[tuple[bytes, ...]] = []

    def tell(self, channel: str, *messages: bytes) -> str:
        self.asked.append(messages)
        if len(self.asked) > 1:  # the first one says that everything has to be looked at anew
            assert self.may.wait(60)
        return super().tell(channel, *messages)


def test_what_changes_often_is_passed_on_together(database: Database) -> None:
    cache, stop, number = SlowCache(), threading.Event(), 300
    often, last = str(uuid4()), str(uuid4())
    thread = threading.Thread(target=Bridge(database, cache).run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: bool(cache.asked), "the bridge")
        with database.connect_raw() as connection:
            connection.autocommit = True
            for row in [*[often] * number, last]:
                told = {"organization": often, "topic": "campaigns", "id": row, "change": "updated"}
                connection.execute("SELECT pg_notify('clew_events', %s)", (orjson.dumps(told).decode(),))
            cache.may.set()
            wait_until(lambda: any(last.encode() in each for told in cache.asked for each in told), "the last one")
    finally:
        cache.may.set()
        stop.set()
        thread.join()
    rows = [orjson.loads(each)["id"] for told in cache.asked[1:] for each in told]
    assert rows[-1] == last
    assert set(rows) == {often, last}
    assert len(rows) < number // 2, rows
