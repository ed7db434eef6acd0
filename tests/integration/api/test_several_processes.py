"""Several server processes with a real Redis: limits hold together, events reach everybody, and Redis may go away."""

import functools
import http.client
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import uuid4

import psutil
import pytest
from pydantic import SecretStr

from clew.cli import main
from clew.domains.campaigns.live import told_live
from clew.domains.investigations.service import create_investigation
from clew.kernel.cache.keys import BRIDGE
from clew.kernel.cache.opening import mark_of
from clew.kernel.database import Database
from clew.kernel.errors import ConfigurationError, ConflictError
from clew.kernel.single_server import SingleServer
from clew.projections.keeping import projecting, status, verify
from clew.projections.registry import projections
from tests.engines.redis import RedisServer, redis_server
from tests.support.embedded import command_line, wait_until
from tests.support.record import migrated_database, new_organization
from tests.support.serving import Server, served_from
from tests.support.streaming import stream
from tests.support.uploading import Client, client_of

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("several processes")]
LIMIT = 40
_WITH_THE_PLACE = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND mode = 'ExclusiveLock'
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND (classid::bigint << 32 | objid::bigint) = hashtextextended('clew projector', 0)
"""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with migrated_database() as opened:
        yield opened


@pytest.fixture(scope="module")
def engine() -> Iterator[RedisServer]:
    with redis_server() as started:
        yield started


@pytest.fixture(scope="module")
def server(database: Database, engine: RedisServer) -> Iterator[Server]:
    with served_from(
        database, "--workers", "3", CLEW_REDIS_URL=engine.url, CLEW_LIMIT_CALLER_PER_MINUTE=str(LIMIT)
    ) as opened:
        wait_until(lambda: bool(engine.client().exists(BRIDGE.key())), "the bridge")
        yield opened


def processes(server: Server) -> list[psutil.Process]:
    """Those that answer."""
    found = psutil.Process(server.process.pid).children()
    return [each for each in found if any("server_process" in word for word in command_line(each))]


def statuses(client: Client, path: str, count: int) -> list[int]:
    """Many requests at once, each on a connection of its own, so that all processes get some."""
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda _: client.ask("GET", path).status, range(count)))


def test_a_limit_is_exact_over_all_processes(server: Server, database: Database) -> None:
    client = client_of(server, database, new_organization(database), scopes=("read", "write", "admin"))
    found = statuses(client, "/organization", 3 * LIMIT)
    assert (found.count(200), found.count(429)) == (LIMIT, 2 * LIMIT)
    assert len(processes(server)) == 3


def test_a_quota_is_exact_over_all_processes(server: Server, database: Database) -> None:
    tenant = new_organization(database)
    client = client_of(server, database, tenant)
    with database.transaction(tenant.context) as connection:
        connection.exec_driver_sql("UPDATE api_keys SET rate_limit_per_minute = 7, rate_limit_per_hour = 0")
    assert statuses(client, "/organization", 30).count(200) == 7


def test_live_events_reach_every_client_once_whichever_process_it_got(server: Server, database: Database) -> None:
    tenant, other = new_organization(database), new_organization(database)
    client = client_of(server, database, tenant)
    with ExitStack() as opened:
        streams = [opened.enter_context(stream(client, "investigations")) for _ in range(12)]
        with database.transaction(other.context) as connection:
            create_investigation(connection, other.id, "of others")
        with database.transaction(tenant.context) as connection:
            made = [create_investigation(connection, tenant.id, f"case {number}").id for number in range(5)]
        for each in streams:
            told = [each.event() for _ in made]
            assert [data.rpartition('"id":"')[2].rstrip('"}') for _, data in told] == [str(one) for one in made]
        last = streams[0].last
    with database.transaction(tenant.context) as connection:
        missed = create_investigation(connection, tenant.id, "missed").id
    for _ in range(8):  # whichever process answers knows what came since
        with stream(client, "investigations", last) as again:
            assert str(missed) in again.event()[1]


def test_a_process_that_is_killed_is_replaced_and_nobody_is_turned_away(server: Server, database: Database) -> None:
    client = client_of(server, database, new_organization(database))
    before = processes(server)
    before[0].kill()
    wait_until(lambda: len({each.pid for each in processes(server)} - {each.pid for each in before}) == 1, "another")
    wait_until(lambda: client.ask("GET", "/organization").status == 200, "an answer")
    wait_until(lambda: len(processes(server)) == 3, "three processes")


def test_figures_are_those_of_all_processes(server: Server, database: Database) -> None:
    client = client_of(server, database, new_organization(database))
    statuses(client, "/roles", 12)
    line = 'http_requests_total{method="GET",route="/api/v1/roles",status="200"}'

    def counted() -> bool:
        lines = dict(each.rpartition(" ")[::2] for each in server.get("/metrics").text.splitlines())
        return float(lines.get(line, 0)) == 12

    wait_until(counted, "twelve requests in the figures")
    assert "cache_hit_ratio" in server.get("/metrics").text


def test_who_shares_nothing_is_refused_beside_them(server: Server, database: Database) -> None:
    with pytest.raises(ConflictError, match="limits are kept in the memory"), SingleServer(database):
        pass
    with SingleServer(database, shared=True):
        pass


def test_who_names_another_redis_is_refused_beside_them(
    server: Server, database: Database, engine: RedisServer
) -> None:
    def beside(url: str) -> SingleServer:
        mark = mark_of(database.settings.model_copy(update={"redis_url": SecretStr(url)}))
        return SingleServer(database, shared=True, mark=mark)

    assert server.get("/healthz").status_code == 200
    with beside(engine.url) as same:
        assert same.mark is not None
    with pytest.raises(ConflictError, match="names another Redis"), beside(engine.url.removesuffix("0") + "7"):
        pass
    # One that lost everything has its mark again, and who starts just then waits for it.
    engine.client().flushall()
    with beside(engine.url) as same_again:
        assert same_again.mark == same.mark
    wait_until(lambda: bool(engine.client().exists(BRIDGE.key())), "the bridge")


def sessions_with_the_place(database: Database) -> int:
    """Of those who may write views."""
    with database.admin_engine().connect() as connection:
        return int(connection.exec_driver_sql(_WITH_THE_PLACE).scalar_one())


def keepers(server: Server) -> int:
    """Processes that this server has for keeping views, its workers' included."""
    found = psutil.Process(server.process.pid).children(recursive=True)
    return sum(any("companion_process" in word for word in command_line(each)) for each in found)


def test_one_process_keeps_the_views_for_all_and_another_takes_over(engine: RedisServer) -> None:
    variables = {"CLEW_REDIS_URL": engine.url_of("default", engine.password, 3), "CLEW_SEARCH": "tantivy"}
    with migrated_database() as database, served_from(database, "--workers", "3", **variables) as first:
        tenant = new_organization(database)
        views = projections(database.settings.model_copy(update={"search": "tantivy"}))

        def follow(cases: int) -> None:
            with database.transaction(tenant.context) as connection:
                create_investigation(connection, tenant.id, f"case {cases}")
            wait_until(lambda: follows(cases), "the views to follow")

        def follows(cases: int) -> bool:
            told = {each.projection: each for each in status(database, views)}
            return told["search"].rows == cases and not any(each.lag_changes for each in told.values())

        follow(1)
        assert (keepers(first), sessions_with_the_place(database)) == (1, 1)
        with served_from(database, "--workers", "2", **variables):
            follow(2)
            assert (keepers(first), sessions_with_the_place(database)) == (1, 1)
            first.kill()  # what it had for the views ends after its step
            follow(3)
            wait_until(lambda: sessions_with_the_place(database) == 1, "another to have the place")
            follow(4)
        with projecting(database, views) as projector:
            assert all(verify(projector, view.name).equal for view in views)


def test_without_redis_several_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["serve", "--workers", "2"]) == ConfigurationError.exit_code
    assert "without Redis" in capsys.readouterr().err


def wait_for_event(client: Client, database: Database, tenant: object) -> None:
    """Changes are told again."""
    heard = threading.Event()

    def listen() -> None:
        with stream(client, "investigations") as opened:
            while opened.event()[0] == "reset":
                pass
            heard.set()

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()

    def told() -> bool:
        with database.transaction(tenant.context) as connection:  # type: ignore[attr-defined]
            create_investigation(connection, tenant.id, uuid4().hex)  # type: ignore[attr-defined]
        return heard.wait(0.3)

    wait_until(told, "an event")
    thread.join(30)


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_while_redis_is_away_requests_are_answered_and_limits_hold_for_each_process(how: str) -> None:
    with (
        migrated_database() as database,
        redis_server() as engine,
        served_from(database, "--workers", "2", CLEW_REDIS_URL=engine.url, CLEW_LIMIT_CALLER_PER_MINUTE="10") as server,
    ):
        tenant = new_organization(database)
        clients = [client_of(server, database, tenant) for _ in range(3)]
        assert statuses(clients[0], "/organization", 30).count(200) == 10
        if how == "killed":
            engine.kill()
        else:
            engine.freeze()
        found = statuses(clients[1], "/organization", 60)
        assert set(found) == {200, 429}
        assert 10 <= found.count(200) <= 20  # each of the two for itself
        if how == "killed":
            engine.start()
        else:
            engine.thaw()
        wait_until(lambda: bool(engine.client().exists(BRIDGE.key())), "the bridge to be back")
        wait_for_event(clients[1], database, tenant)

        def exact() -> bool:
            fresh = client_of(server, database, tenant)
            return statuses(fresh, "/organization", 30).count(200) == 10

        wait_until(exact, "the limit to be counted in common again")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"password": "wrong"}, "refuses this user or password"),
        ({"port": 1}, "cannot be reached"),
    ],
)
def test_a_server_does_not_start_with_a_redis_that_will_not_do(
    database: Database, engine: RedisServer, changed: dict[str, object], told: str
) -> None:
    from clew.kernel.cache.opening import opened_cache

    port, password = changed.get("port", engine.port), changed.get("password", engine.password)
    url = SecretStr(f"redis://default:{password}@127.0.0.1:{port}/0")
    settings = database.settings.model_copy(update={"redis_url": url})
    with pytest.raises(ConfigurationError, match=told) as refused, opened_cache(settings):
        pass
    assert engine.password not in str(refused.value)


def test_connections_end_with_the_server() -> None:
    with (
        migrated_database() as database,
        redis_server() as engine,
        served_from(database, "--workers", "2", CLEW_REDIS_URL=engine.url) as own,
    ):
        client = client_of(own, database, new_organization(database))
        with stream(client, "jobs") as opened:
            own.process.terminate()
            while (told := opened.event())[0] == "reset":
                pass
            assert told == ("", "")
        assert own.process.wait(60) == 0
    connection = http.client.HTTPConnection(own.host, own.port, timeout=5)
    with pytest.raises(OSError, match="refused"):
        connection.request("GET", "/healthz")


def test_how_far_an_analysis_is_shows_while_it_is_worked_on(server: Server, database: Database) -> None:
    tenant = new_organization(database)
    client = client_of(server, database, tenant)
    with database.transaction(tenant.context) as connection:
        analysis = connection.exec_driver_sql(
            "INSERT INTO analysis_sessions (organization_id, id, status, analysis_depth, created_at)"
            " VALUES (%s, gen_random_uuid(), 'processing', 'standard', now()) RETURNING id",
            (tenant.id,),
        ).scalar_one()
    assert client.ask("GET", f"/analyses/{analysis}").document["current_step"] is None
    settings = database.settings.model_copy(update={"redis_url": SecretStr(_url_of(server))})
    steps: list[str] = []
    with told_live(settings, tenant.id, analysis, datetime.now(UTC), lambda step, _done: steps.append(step)) as observe:
        observe("reading the record", 0.25)
        shown = client.ask("GET", f"/analyses/{analysis}").document
        assert (shown["current_step"], shown["progress"]) == ("reading the record", 0.25)
        other = client_of(server, database, new_organization(database))
        assert other.ask("GET", f"/analyses/{analysis}").status == 404
    assert steps == ["reading the record"]


def _url_of(server: Server) -> str:
    return psutil.Process(server.process.pid).environ()["CLEW_REDIS_URL"]


def test_a_cached_campaign_is_never_another_organization_s_and_never_stale(server: Server, database: Database) -> None:
    tenant, other = new_organization(database), new_organization(database)
    client, stranger = client_of(server, database, tenant), client_of(server, database, other)
    with database.transaction(tenant.context) as connection:
        campaign = connection.exec_driver_sql(
            "INSERT INTO campaigns (organization_id, name, status, confidence) VALUES (%s, 'before', 'active', 0.9)"
            " RETURNING id",
            (tenant.id,),
        ).scalar_one()
    path = f"/campaigns/{campaign}"
    wait_until(lambda: hits(server, client, path), "the cache to help")
    assert stranger.ask("GET", path).status == 404
    for number in range(3):
        client = client_of(server, database, tenant)  # each has a limit of its own
        with database.transaction(tenant.context) as connection:
            connection.exec_driver_sql("UPDATE campaigns SET name = %s", (f"name {number}",))
        wanted = f"name {number}"
        wait_until(functools.partial(shows, client, path, wanted), "the change to show")
        names = [client.ask("GET", path).document["name"] for _ in range(10)]
        assert set(names) == {wanted}
    client = client_of(server, database, tenant)
    decided = client.ask(
        "POST", f"{path}/decisions", b'{"decision": "rename", "name": "decided"}', Content_Type="application/json"
    )
    assert decided.status == 200, decided.body
    assert client.ask("GET", path).document["name"] == "decided"


def test_a_cached_case_is_never_another_organization_s_and_never_stale(server: Server, database: Database) -> None:
    tenant, other = new_organization(database), new_organization(database)
    client, stranger = client_of(server, database, tenant), client_of(server, database, other)
    with database.transaction(tenant.context) as connection:
        case = create_investigation(connection, tenant.id, "before").id
    path = f"/investigations/{case}"
    wait_until(lambda: hits(server, client, path), "the cache to help")
    assert stranger.ask("GET", path).status == 404
    client = client_of(server, database, tenant)
    with database.transaction(tenant.context) as connection:
        connection.exec_driver_sql("UPDATE investigations SET name = 'changed in the database'")
    wait_until(lambda: shows(client, path, "changed in the database"), "the change to show")
    client = client_of(server, database, tenant)
    changed = client.ask("PATCH", path, b'{"name": "changed over the API"}', Content_Type="application/json")
    assert changed.status == 200, changed.body
    assert client.ask("GET", path).document["name"] == "changed over the API"
    with database.transaction(tenant.context) as connection:
        connection.exec_driver_sql("DELETE FROM investigations")
    wait_until(lambda: client.ask("GET", path).status == 404, "it to be gone")


def shows(client: Client, path: str, name: str) -> bool:
    return bool(client.ask("GET", path).document["name"] == name)


def hits(server: Server, client: Client, path: str) -> bool:
    for _ in range(4):
        assert client.ask("GET", path).status == 200
    lines = dict(each.rpartition(" ")[::2] for each in server.get("/metrics").text.splitlines())
    return float(lines.get('cache_lookups_total{result="hit"}', 0)) > 0
