"""Connecting to a real Redis: who it is, by which certificate, as whom, and what a server must not start with."""

import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from clew.cli import main
from clew.cli.diagnosis.engines import examine_redis
from clew.cli.diagnosis.finding import Status
from clew.kernel.cache.keys import RATE_LIMIT
from clew.kernel.cache.opening import opened_cache
from clew.kernel.cache.port import Cache, CacheUnavailableError, Window
from clew.kernel.cache.redis import connection as connecting
from clew.kernel.cache.redis.adapter import RedisCache
from clew.kernel.cache.redis.configuration import RIGHTS, redis_conf
from clew.kernel.cache.redis.connection import RedisConnection
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings
from clew.worker.celery.application import TASK, application, lists_of
from tests.engines.redis import RedisServer, redis_server, shared_redis
from tests.support.embedded import SOURCES, wait_until
from tests.support.mail import certificate

pytestmark = [pytest.mark.engines, pytest.mark.xdist_group("redis")]
HOUR = timedelta(hours=1)


def settings(url: str, base: Path, **changed: Any) -> Settings:
    return Settings(data_dir=base, redis_url=SecretStr(url), **changed)


@contextlib.contextmanager
def opened(url: str, base: Path, **changed: Any) -> Iterator[Cache]:
    with opened_cache(settings(url, base, **changed)) as cache:
        yield cache


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RedisServer, Path]]:
    """A server that speaks TLS only, and the certificate it is checked against."""
    folder = tmp_path_factory.mktemp("tls")
    chain, key = certificate(folder)
    lines = ("port 0", f"tls-cert-file {chain}", f"tls-key-file {key}", f"tls-ca-cert-file {chain}")
    with redis_server(*lines, "tls-auth-clients no", "tls-port {port}", scheme="rediss") as server:
        yield server, chain


def test_a_certificate_is_checked(encrypted: tuple[RedisServer, Path], tmp_path: Path) -> None:
    server, authority = encrypted
    with opened(server.url, tmp_path, redis_ca_file=authority) as cache:
        cache.put("k", b"v", lifetime=HOUR)
        assert cache.get("k") == b"v"
        assert isinstance(cache, RedisCache)
        assert cache.connection.describe().encrypted
    with pytest.raises(ConfigurationError, match=r"cannot be reached.*certificate"), opened(server.url, tmp_path):
        pass
    plain = server.url.replace("rediss:", "redis:")
    with pytest.raises(ConfigurationError, match="cannot be reached"), opened(plain, tmp_path):
        pass
    missing = tmp_path / "missing.pem"
    with pytest.raises(ConfigurationError, match="does not exist"), opened(
        server.url, tmp_path, redis_ca_file=missing
    ):  # fmt: skip
        pass


def test_celery_speaks_tls_to_it_as_well(encrypted: tuple[RedisServer, Path], tmp_path: Path) -> None:
    server, authority = encrypted
    celery = application(settings(server.url, tmp_path, redis_ca_file=authority))
    celery.send_task(TASK, args=["a", "b"], queue="reports", retry=False)
    celery.close()
    with contextlib.closing(RedisConnection(settings(server.url, tmp_path, redis_ca_file=authority))) as connection:
        assert sum(connection.client.llen(key) for key in lists_of("reports")) == 1


def test_a_user_with_the_rights_that_are_documented_can_do_everything(tmp_path: Path) -> None:
    server = shared_redis()
    server.client().execute_command("ACL", "SETUSER", "clew", "on", ">secret", *RIGHTS.split())
    server.emptied(9)
    url = server.url_of("clew", "secret", 9)
    with opened(url, tmp_path) as cache:
        cache.take([Window("rate_limit:x:y", 1, HOUR)])
        cache.look("k", lease=HOUR)
        cache.forget_under("k")
        cache.note("hll", ["a"], lifetime=HOUR)
        cache.write("hash", {"a": "b"}, lifetime=HOUR)
        cache.add("set", ["a"], lifetime=HOUR)
        with cache.follow("channel") as following:
            cache.tell("channel", b"x")
            assert following.next(10) is not None
        assert isinstance(cache, RedisCache)
        cache.connection.describe()
    celery = application(settings(url, tmp_path))
    celery.send_task(TASK, args=["a", "b"], queue="reports", retry=False)
    celery.close()
    with contextlib.closing(server.client(9)) as admin, contextlib.closing(
        RedisConnection(settings(url, tmp_path))
    ) as own:  # fmt: skip
        assert sum(admin.llen(key) for key in lists_of("reports")) == 1
        for forbidden in (("FLUSHALL",), ("CONFIG", "GET", "*"), ("KEYS", "*"), ("SHUTDOWN",)):
            with pytest.raises(CacheUnavailableError, match="refuses a command"), own.asking() as client:
                client.execute_command(*forbidden)


def test_a_wrong_password_and_missing_rights_are_told_without_repeating_them(tmp_path: Path) -> None:
    server = shared_redis()
    server.client().execute_command("ACL", "SETUSER", "poor", "on", ">secret", "~*", "+get")
    for url in (server.url_of("default", "hunter2"), server.url_of("poor", "secret")):
        with pytest.raises(ConfigurationError, match="refuses this user or password") as refused, opened(url, tmp_path):
            pass
        assert "hunter2" not in str(refused.value)
        assert "secret" not in str(refused.value).replace("secrets", "")


def test_an_old_server_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "OLDEST", (99, 0))
    with pytest.raises(ConfigurationError, match=r"this is Redis \d"), opened(shared_redis().url, tmp_path):
        pass


def test_another_installation_s_database_is_refused_and_one_s_own_is_not(tmp_path: Path) -> None:
    server = shared_redis()
    url = server.emptied(10)
    for _ in range(2):
        with opened(url, tmp_path / "one"):
            pass
    with pytest.raises(ConfigurationError, match="another installation's"), opened(url, tmp_path / "other"):
        pass


def test_doctor_tells_of_a_redis(
    encrypted: tuple[RedisServer, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, (safe, authority) = shared_redis(), encrypted
    server.client().config_set("maxmemory-policy", "allkeys-lru")
    version = str(server.client().info("server")["redis_version"])
    url = server.emptied(11)
    redis, memory = examine_redis(settings(url, tmp_path))
    said = rf"Redis at 127\.0\.0\.1:{server.port}/11: version {re.escape(version)}, [\d.]+ ms, not encrypted"
    assert re.fullmatch(said, redis.detail)
    assert (redis.status, memory.status) == (Status.OK, Status.OK)  # nothing leaves this machine
    assert re.fullmatch(r".* used, allkeys-lru when full, appends to a file", memory.detail)

    server.client().config_set("maxmemory-policy", "noeviction")
    _, memory = examine_redis(settings(url, tmp_path))
    assert memory.status is Status.WARN
    assert "clew db redis-conf" in str(memory.remedy)
    safe.client(ssl_ca_certs=str(authority)).flushdb()  # another test's installation may have used it
    redis, _ = examine_redis(settings(safe.url, tmp_path, redis_ca_file=authority))
    assert "ms, TLS" in redis.detail

    assert [each.status for each in examine_redis(Settings(data_dir=tmp_path))] == [Status.OK]
    monkeypatch.setenv("CLEW_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CLEW_REDIS_URL", server.url_of("default", "hunter2"))
    assert main.run(["doctor", "--json"]) == 1
    told = capsys.readouterr().out
    (found,) = [each for each in json.loads(told)["findings"] if each["name"] == "redis"]
    assert found["status"] == "fail"
    assert "refuses this user or password" in found["detail"]
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("redis://127.0.0.1:1/0", "cannot be reached"),
        ("redis://:p%40ss@127.0.0.1:notaport/0", "not a valid Redis URL"),
        ("rediss://127.0.0.1/0?ssl_cert_reqs=none", "takes no ssl_cert_reqs"),
        ("redis://127.0.0.1/0?socket_timeout=1000", "takes no socket_timeout"),
    ],
)
def test_what_cannot_be_used_is_told_at_the_start(url: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=told) as refused, opened(url, tmp_path):
        pass
    assert "p@ss" not in str(refused.value)
    assert "p%40ss" not in str(refused.value)


TAKER = """
import sys
from datetime import timedelta
from pathlib import Path
from pydantic import SecretStr
from clew.kernel.cache.port import Window
from clew.kernel.cache.redis.adapter import RedisCache
from clew.kernel.cache.redis.connection import RedisConnection
from clew.kernel.settings import Settings
url, key, limit, count, skew = sys.argv[1:]
import time
real = time.time
time.time = lambda: real() + float(skew)
cache = RedisCache(RedisConnection(Settings(redis_url=SecretStr(url))), "taker")
window = Window(key, int(limit), timedelta(minutes=10))
sys.stdin.readline()
print(sum(cache.take([window]).allowed for _ in range(int(count))))
"""


def test_processes_whose_clocks_disagree_share_a_limit_exactly() -> None:
    key = RATE_LIMIT.key(subject=secrets.token_hex(8), endpoint="takers")
    environment = os.environ | {"PYTHONPATH": str(SOURCES)}
    takers = [
        subprocess.Popen(
            [sys.executable, "-c", TAKER, shared_redis().url, key, "500", "300", str(skew)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )
        for skew in (0, 3600, -3600, 86_400)
    ]  # fmt: skip
    with ThreadPoolExecutor(len(takers)) as pool:
        found = list(pool.map(lambda taker: int(taker.communicate("go\n", timeout=120)[0]), takers))
    assert sum(found) == 500


def test_a_clock_of_redis_that_was_set_back_closes_a_window_for_its_length_at_most(tmp_path: Path) -> None:
    server = shared_redis()
    key = RATE_LIMIT.key(subject=secrets.token_hex(8), endpoint="clock")
    ahead = 10_000_000_000_000.0  # milliseconds: the year 2286
    server.client().zadd(key, {f"of another time {number}": ahead + number for number in range(3)})
    with contextlib.closing(RedisConnection(settings(server.url, tmp_path))) as connection:
        window = Window(key, 4, timedelta(minutes=1))
        taken = [RedisCache(connection, "x").take([window]) for _ in range(2)]
    assert [each.allowed for each in taken] == [True, False]
    assert taken[1].rooms[0].freed_after <= window.length
    assert max(score for _, score in server.client().zrange(key, 0, -1, withscores=True)) < ahead


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_calls_end_soon_while_it_is_away_and_work_again_when_it_is_back(how: signal.Signals, tmp_path: Path) -> None:
    with redis_server() as server, opened(server.url, tmp_path) as cache:
        cache.put("k", b"v", lifetime=HOUR)
        with cache.follow("channel") as following:
            first = cache.tell("channel", b"first")
            assert (heard := following.next(10)) is not None
            assert heard.id == first
            if how == signal.SIGKILL:
                server.kill()
            else:
                server.freeze()
            with pytest.raises(CacheUnavailableError):
                following.next(30)
        refused = 0
        for _ in range(50):
            with contextlib.suppress(CacheUnavailableError):
                cache.get("k")
                continue
            refused += 1
        assert refused == 50
        assert isinstance(cache, RedisCache)
        assert cache.connection.is_away
        if how == signal.SIGKILL:
            server.start()
        else:
            server.thaw()

        def back() -> bool:
            with contextlib.suppress(CacheUnavailableError):
                return cache.get("k") == b"v"  # appended to the file before it was killed, or still in memory
            return False

        wait_until(back, "Redis to be back")
        with cache.follow("channel", behind=first) as again:
            cache.tell("channel", b"second")
            assert again.complete
            assert (heard := again.next(10)) is not None
            assert heard.message == b"second"


def test_the_file_that_is_printed_is_one_that_redis_takes(tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    text = redis_conf("64mb")
    for name, path in (("tls-cert-file", chain), ("tls-key-file", key), ("tls-ca-cert-file", chain)):
        text = re.sub(rf"(?m)^{name} .*$", f"{name} {path}", text)
    own = ("#", "port", "tls-port", "save", "append")
    lines = [line for line in text.splitlines() if line and not line.startswith(own)]
    with redis_server("port 0", "tls-port {port}", *lines, scheme="rediss") as server:
        url = server.url_of("clew", "CHANGE-THIS-PASSWORD")
        with opened(url, tmp_path, redis_ca_file=chain) as cache:
            assert isinstance(cache, RedisCache)
            assert cache.connection.describe().memory_policy == "allkeys-lru"
