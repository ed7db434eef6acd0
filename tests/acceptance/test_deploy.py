"""What deploy/ gives users: passwords and certificates that hold, and servers that start with that configuration."""

import contextlib
import importlib
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from pydantic import SecretStr

from clew.kernel.cache.redis.configuration import redis_conf
from clew.kernel.cache.redis.connection import RedisConnection
from clew.kernel.errors import ConfigurationError
from clew.kernel.settings import Settings
from clew.projections.series.influx.address import address_of as influx_address
from clew.projections.series.influx.connection import InfluxConnection, InfluxUnavailableError
from tests.support.embedded import temporary_base, wait_until
from tests.support.ports import free_port

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
POSTGRES = Path("/usr/lib/postgresql/15/bin")

pytestmark = pytest.mark.same_everywhere


@dataclass(frozen=True)
class Made:
    """A copy of deploy/ after make-secrets.sh."""

    directory: Path
    services: dict[str, Any]
    passwords: dict[str, str]

    def command(self, service: str, **paths: str) -> str:
        """What the service is started with, on this machine's paths and with its passwords."""
        given = self.services[service]["command"]
        text = given if isinstance(given, str) else given[-1]
        for path, here in paths.items():
            text = text.replace(path, here)
        return re.sub(r"\$\{(\w+)[^}]*\}", lambda found: self.passwords[found[1]], text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    directory = tmp_path_factory.mktemp("deploy") / "deploy"
    shutil.copytree(DEPLOY, directory, ignore=shutil.ignore_patterns("tls", ".env"))
    subprocess.run([directory / "make-secrets.sh", "db.example"], check=True, capture_output=True)
    lines = (directory / ".env").read_text().splitlines()
    yaml: Any = importlib.import_module("yaml")  # comes with the tests' other libraries, without types
    services = yaml.safe_load((directory / "compose.yaml").read_text())["services"]
    return Made(directory, services, dict(line.split("=", 1) for line in lines))


def test_secrets_are_made_once_and_for_nobody_else(made: Made) -> None:
    assert (made.directory / ".env").stat().st_mode & 0o077 == 0
    assert (made.directory / "tls").stat().st_mode & 0o077 == 0
    assert (made.directory / "tls" / "ca.key").stat().st_mode & 0o077 == 0
    assert all(len(password) == 48 for password in made.passwords.values())
    assert len(set(made.passwords.values())) == len(made.passwords)
    before = {path: path.read_bytes() for path in made.directory.rglob("*") if path.is_file()}
    again = subprocess.run([made.directory / "make-secrets.sh"], check=True, capture_output=True)
    assert again.stdout == b""
    assert {path: path.read_bytes() for path in made.directory.rglob("*") if path.is_file()} == before


def test_every_service_has_a_password_a_health_check_and_a_port_for_this_machine_only(made: Made) -> None:
    for name, service in made.services.items():
        assert service["healthcheck"]["test"], name
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
        assert ":latest" not in service["image"], name
        asked = set(re.findall(r"\$\{(\w+)", str(service)))
        assert asked, name
        assert asked <= made.passwords.keys()
        for mounted in service["volumes"]:
            source = mounted.split(":")[0]
            assert not source.startswith(".") or (made.directory / source).is_file(), mounted


def test_redis_is_configured_as_the_program_says(made: Made) -> None:
    def settings(text: str) -> set[str]:
        lines = {line for line in text.splitlines() if line and not line.startswith("#")}
        return {line for line in lines if not re.match(r"user |tls-\w+(-\w+)?-file ", line)}

    assert settings((made.directory / "redis" / "redis.conf").read_text()) == settings(redis_conf("8gb"))


@pytest.fixture
def redis_port(made: Made, tmp_path: Path) -> Iterator[int]:
    port = free_port()
    configuration = made.directory / "redis" / "redis.conf"
    here = {"/etc/redis/redis.conf": str(configuration), "/tls": str(made.directory / "tls"), "/data": str(tmp_path)}
    command = made.command("redis", **here).split()
    process = subprocess.Popen([*command, "--tls-port", str(port)], stdout=subprocess.DEVNULL, cwd=tmp_path)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.engines
def test_redis_starts_with_it_and_clew_trusts_its_certificate(made: Made, redis_port: int) -> None:
    url = f"rediss://default:{made.passwords['REDIS_PASSWORD']}@localhost:{redis_port}/0"
    trusted = Settings(redis_url=SecretStr(url), redis_ca_file=made.directory / "tls" / "ca.crt")
    wait_until(lambda: answers(trusted), "Redis to answer")
    assert not answers(Settings(redis_url=SecretStr(url)))  # the system trusts no such authority
    wrong = url.replace(made.passwords["REDIS_PASSWORD"], "wrong")
    assert not answers(trusted.model_copy(update={"redis_url": SecretStr(wrong)}))


def answers(settings: Settings) -> bool:
    try:
        return bool(RedisConnection(settings).client.ping())
    except redis.RedisError:
        return False


@pytest.fixture
def postgres_port(made: Made) -> Iterator[int]:
    """Debian's PostgreSQL with the container's options, run as its own user where we are root."""
    with temporary_base() as base:
        yield from _postgres_at(made, base / "postgres")


def _postgres_at(made: Made, directory: Path) -> Iterator[int]:
    port = free_port()
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    as_user: dict[str, Any] = (
        {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    directory.mkdir(mode=0o700)
    for name in ("ca.crt", "postgres.crt", "postgres.key"):
        shutil.copy(made.directory / "tls" / name, directory / name)
    (directory / "postgres.key").chmod(0o600)
    (directory / "password").write_text(made.passwords["POSTGRES_PASSWORD"])
    for path in (directory, *directory.iterdir()):
        shutil.chown(path, user.pw_uid, user.pw_gid)
    options = made.command("postgres").partition("docker-entrypoint.sh postgres ")[2].split()
    here = {
        "/tls/postgres.crt": f"{directory}/postgres.crt",
        "/var/lib/postgresql/server.key": f"{directory}/postgres.key",
    }
    for named, there in here.items():
        options = [option.replace(named, there) for option in options]
    initial = made.services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    initdb = [
        str(POSTGRES / "initdb"),
        f"--pgdata={directory}/data",
        "--username=clew_admin",
        f"--pwfile={directory}/password",
    ]
    subprocess.run([*initdb, *initial], check=True, capture_output=True, cwd="/", **as_user)
    server: list[str | Path] = [POSTGRES / "postgres", "-D", directory / "data", "-p", str(port), "-k", directory]
    process = subprocess.Popen([*server, *options], stderr=subprocess.DEVNULL, cwd="/", **as_user)
    try:
        yield port
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(directory)


@pytest.mark.engines
def test_postgresql_starts_with_it_and_answers_over_tls_only_to_who_knows_the_password(
    made: Made, postgres_port: int
) -> None:
    def version(password: str, authority: Path) -> str:
        with psycopg.connect(
            host="localhost",
            port=postgres_port,
            user="clew_admin",
            password=password,
            dbname="postgres",
            sslmode="verify-full",
            sslrootcert=str(authority),
        ) as connection:
            row = connection.execute("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
            assert row is not None
            return str(row[0])

    password, authority = made.passwords["POSTGRES_PASSWORD"], made.directory / "tls" / "ca.crt"

    def is_up() -> bool:
        try:
            return version(password, authority) == "TLSv1.3"
        except psycopg.OperationalError:
            return False

    wait_until(is_up, "PostgreSQL to answer")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        version("wrong", authority)
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        version(password, made.directory / "tls" / "postgres.crt")


def test_an_env_of_an_earlier_version_gets_what_came_later(made: Made, tmp_path: Path) -> None:
    directory = tmp_path / "deploy"
    shutil.copytree(made.directory, directory)
    lines = (directory / ".env").read_text().splitlines(keepends=True)
    (directory / ".env").write_text("".join(line for line in lines if "MONGODB" not in line))
    subprocess.run([directory / "make-secrets.sh"], check=True, capture_output=True)
    after = (directory / ".env").read_text().splitlines(keepends=True)
    assert [line.partition("=")[0] for line in after] == [line.partition("=")[0] for line in lines]
    assert after[:-1] == lines[:-1]


def test_mongodb_lets_nobody_in_without_tls_and_a_password(made: Made) -> None:
    command = made.command("mongodb").split()
    assert command[command.index("--tlsMode") + 1] == "requireTLS"
    assert command[command.index("--tlsCAFile") + 1] == "/tls/ca.crt"
    assert "--auth" in command
    asked = made.services["mongodb"]["environment"]["MONGO_INITDB_ROOT_PASSWORD"]
    assert asked.startswith("${MONGODB_PASSWORD:?")


@pytest.fixture
def influx_port(made: Made, tmp_path: Path) -> Iterator[int]:
    """Debian's InfluxDB with the container's environment."""
    port = free_port()
    told: dict[str, str] = made.services["influxdb"]["environment"]
    environment = {name: value.replace("/tls", str(made.directory / "tls")) for name, value in told.items()}
    places = {f"INFLUXDB_{each}_DIR": str(tmp_path / each.lower()) for each in ("META", "DATA")}
    places["INFLUXDB_DATA_WAL_DIR"] = str(tmp_path / "wal")
    addresses = {"INFLUXDB_HTTP_BIND_ADDRESS": f"127.0.0.1:{port}", "INFLUXDB_BIND_ADDRESS": f"127.0.0.1:{free_port()}"}
    # Without a configuration file, as in the container: what Debian's would say must not help.
    process = subprocess.Popen(
        ["influxd", "run", "-config", "/dev/null"],
        env={**os.environ, **environment, **places, **addresses},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.engines
def test_influxdb_starts_with_it_and_clew_trusts_its_certificate(made: Made, influx_port: int) -> None:
    authority = made.directory / "tls" / "ca.crt"
    password = made.passwords["INFLUXDB_PASSWORD"]

    @contextlib.contextmanager
    def connection(password: str, authority: Path | None) -> Iterator[InfluxConnection]:
        url = f"https://clew:{password}@localhost:{influx_port}/clew"
        settings = Settings(influxdb_url=SecretStr(url), influxdb_ca_file=authority)
        with contextlib.closing(InfluxConnection(influx_address(settings))) as opened:
            yield opened

    def is_up() -> bool:
        try:
            # What the container's entry point does: the first login may be made by whoever comes first.
            with connection(password, authority) as first:
                first.tell(f"CREATE USER clew WITH PASSWORD '{password}' WITH ALL PRIVILEGES")
        except InfluxUnavailableError:
            return False
        return True

    wait_until(is_up, "InfluxDB to answer")
    with connection(password, authority) as opened:
        assert opened.version().startswith("1.")
        assert opened.databases() == []
    with pytest.raises(ConfigurationError, match="login"), connection("wrong", authority) as opened:
        opened.databases()
    with pytest.raises(ConfigurationError, match="trusted"), connection(password, None) as opened:
        opened.databases()
