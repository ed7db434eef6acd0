"""Two server processes share a Redis to which the worst is done: every answer is right, and all is shared again soon.

Redis is no view of the record and holds nothing that must last, so what is demanded is not equality of two stores but
of what callers are told: no answer fails, none is older than a cached one may be, and afterwards limits hold together,
answers are cached and events arrive again.
"""

import contextlib
import functools
import shutil
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from clew.kernel.cache.keys import BRIDGE
from clew.kernel.database import Database
from tests.engines.redis import RedisServer, redis_server
from tests.faults.proxy import FaultyWire
from tests.integration.api.test_several_processes import hits, statuses, wait_for_event
from tests.support.embedded import wait_until
from tests.support.record import Tenant, migrated_database, new_organization
from tests.support.serving import Server, served_from
from tests.support.uploading import Client, client_of

pytestmark = [
    pytest.mark.engines,
    pytest.mark.same_everywhere,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("redis faults"),
]

CHANGES = 20_000
LIMIT = 10
STALE_SECONDS = 4.0  # three that an answer may be cached for without anybody who passes changes on, and one to look
WRONG_PASSWORD = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


@dataclass
class Stage:
    """Servers, the Redis that they share, and the wire between."""

    database: Database
    server: Server
    engine: RedisServer
    wire: FaultyWire


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with (
        migrated_database() as database,
        redis_server() as engine,
        FaultyWire(engine.port) as wire,
        served_from(
            database,
            "--workers",
            "2",
            CLEW_REDIS_URL=engine.url.replace(f":{engine.port}/", f":{wire.port}/"),
            CLEW_LIMIT_CALLER_PER_MINUTE="0",
        ) as server,
    ):
        wait_until(lambda: bool(engine.client().exists(BRIDGE.key())), "the bridge")
        yield Stage(database, server, engine, wire)


class Renaming:
    """Gives a campaign a new number for a name, again and again; what was committed when."""

    def __init__(self, stage: Stage, tenant: Tenant, seconds: float) -> None:
        self._stage, self._tenant, self._seconds = stage, tenant, seconds
        with stage.database.transaction(tenant.context) as connection:
            self.campaign = connection.exec_driver_sql(
                "INSERT INTO campaigns (organization_id, name, status, confidence) VALUES (%s, '0', 'active', 0.9)"
                " RETURNING id",
                (tenant.id,),
            ).scalar_one()
        self.done = 0
        self.committed = [time.monotonic()]  # of each number by its place
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def least(self, moment: float) -> int:
        """What was committed at that moment."""
        return max(0, bisect_right(self.committed, moment) - 1)

    def _run(self) -> None:
        began = time.monotonic()
        try:
            while self.done < CHANGES:
                with self._stage.database.transaction(self._tenant.context) as connection:
                    connection.exec_driver_sql("UPDATE campaigns SET name = %s", (str(self.done + 1),))
                self.done += 1
                self.committed.append(time.monotonic())
                time.sleep(max(0.0, began + self.done * self._seconds / CHANGES - time.monotonic()))
        except BaseException as error:  # noqa: BLE001  told by the test
            self.error = error


@contextlib.contextmanager
def killed(stage: Stage) -> Iterator[None]:
    stage.engine.kill()
    yield
    stage.engine.start()


@contextlib.contextmanager
def frozen(stage: Stage) -> Iterator[None]:
    stage.engine.freeze()
    yield
    stage.engine.thaw()


@contextlib.contextmanager
def wiped(stage: Stage) -> Iterator[None]:
    stage.engine.kill()
    shutil.rmtree(stage.engine.directory / "appendonlydir")
    yield
    stage.engine.start()


@contextlib.contextmanager
def read_only(stage: Stage) -> Iterator[None]:
    """As a primary answers that has lost its replicas."""
    stage.engine.client().config_set("min-replicas-to-write", 1)
    yield
    stage.engine.client().config_set("min-replicas-to-write", 0)


FAULTS: dict[str, tuple[float, Callable[[Stage], contextlib.AbstractContextManager[None]]]] = {
    "killed for a minute": (60.0, killed),
    "stopped for half a minute": (30.0, frozen),
    "emptied": (5.0, wiped),
    "read-only": (15.0, read_only),
    "slow by 200 ms": (20.0, lambda stage: stage.wire.delayed(0.2)),
    "cut off again and again": (20.0, lambda stage: stage.wire.cutting(20_000)),
    "another password": (15.0, lambda stage: stage.wire.answering(WRONG_PASSWORD)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_whatever_is_done_to_redis_no_answer_fails_or_is_old(stage: Stage, fault: str) -> None:
    seconds, does = FAULTS[fault]
    tenant = new_organization(stage.database)
    client = client_of(stage.server, stage.database, tenant)
    renaming = Renaming(stage, tenant, seconds + 10.0)
    path = f"/campaigns/{renaming.campaign}"
    wait_until(functools.partial(hits, stage.server, client, path), "the cache to help")
    over = threading.Event()
    wrong: list[str] = []
    reader = threading.Thread(target=read, args=(client, path, renaming, over, wrong), daemon=True)
    renaming.thread.start()
    reader.start()
    time.sleep(3.0)
    with does(stage):
        time.sleep(seconds)
    renaming.thread.join()
    over.set()
    reader.join()
    assert renaming.error is None
    assert not wrong, wrong[:5]
    wait_until(lambda: bool(stage.engine.client().exists(BRIDGE.key())), "the bridge to be back")
    wait_for_event(client, stage.database, tenant)
    assert client.ask("GET", path).document["name"] == str(CHANGES)
    wait_until(lambda: in_common(stage, tenant), "the limit to be counted in common again")


def read(client: Client, path: str, renaming: Renaming, over: threading.Event, wrong: list[str]) -> None:
    """Look again and again; what must not be is added to `wrong`."""
    while not over.wait(0.05):
        least = renaming.least(time.monotonic() - STALE_SECONDS) if renaming.done else 0
        began = time.monotonic()
        answer = client.ask("GET", path)
        if answer.status != 200:
            wrong.append(f"{answer.status} {answer.body[:200]!r}")
        elif int(answer.document["name"]) < least:
            wrong.append(f"{answer.document['name']} where {least} was {STALE_SECONDS} s old, asked at {began:.1f}")


def in_common(stage: Stage, tenant: Tenant) -> bool:
    """Whether both processes count a key's calls together."""
    fresh = client_of(stage.server, stage.database, tenant)
    with stage.database.transaction(tenant.context) as connection:
        connection.exec_driver_sql(
            "UPDATE api_keys SET rate_limit_per_minute = %s"
            " WHERE id = (SELECT id FROM api_keys ORDER BY created_at DESC LIMIT 1)",
            (LIMIT,),
        )
    return statuses(fresh, "/organization", 3 * LIMIT).count(200) == LIMIT
