"""One Cowrie JSON log line per event, field for field and in the order in which Cowrie writes them.

Written after reading Cowrie's code (core/output.py, core/events.py, output/jsonlog.py, ssh/transport.py,
ssh/forwarding.py, core/checkers.py, shell/protocol.py, insults/insults.py, telnet/transport.py, commands/wget.py) and
lines that sensors published. This renders the 2.x of 2025: compact separators; an event's own fields, `message`,
`sensor`, `uuid`, `timestamp`, `src_ip`, `session`, `protocol`. What others do differently, for those who read them:

- logs up to early 2024 have no `uuid`, and only `cowrie.session.connect` carries `protocol`;
- 1.x wrote `version` as the repr of bytes (`b'SSH-2.0-…'`) and had `cowrie.command.success`;
- `duration` was a float with `after 2 seconds` in the message, then for SSH text with one decimal place; telnet
  still writes the float. The code of 2026 writes an integer `duration_ms`;
- `timestamp` ends in Z only where TZ=UTC is set (containers do); elsewhere it has the zone's offset;
- `message` of `cowrie.session.params` is an empty list;
- a public key offered is `cowrie.client.fingerprint`, and in newer versions also a login event without a password;
- events that commands log themselves (`cowrie.session.file_download`) have `message` after `timestamp`;
- `cowrie.direct-tcpip.request` has the tunnel's target as `dst_*`, the claimed origin only in `src_port` and message;
- the code of 2026 puts the session's identity first and `eventid` after an event's own fields.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import md5, sha256

import orjson

from bench import shapes
from bench.sampling import SECOND
from bench.vocabulary import Client

Rendered = tuple[int, str]
"""(µs after the log's start, line with its newline)."""


def quoted(text: str) -> str:
    """A JSON string."""
    return orjson.dumps(text).decode()


class Clock:
    """Turns µs after a start into the text of a timestamp; a table of the day's seconds makes it cheap."""

    def __init__(self, start: str = shapes.START) -> None:
        self._start = datetime.fromisoformat(start).replace(tzinfo=UTC)
        if self._start.time().isoformat() != "00:00:00":
            raise ValueError(f"a log's clock starts at midnight, not at {start}")
        self._seconds = [f"T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}." for s in range(86_400)]
        self._days: list[str] = []

    def text(self, moment: int) -> str:
        """ISO 8601 in UTC with microseconds and Z."""
        second, microsecond = divmod(moment, SECOND)
        day, second = divmod(second, 86_400)
        while day >= len(self._days):
            self._days.append((self._start + timedelta(days=len(self._days))).date().isoformat())
        return f"{self._days[day]}{self._seconds[second]}{microsecond:06}Z"


@dataclass(frozen=True)
class Sensor:
    """A honeypot: its names and the address it listens on."""

    name: str
    uuid: str
    address: str

    @property
    def fields(self) -> str:
        """What every one of its lines has before the timestamp's value."""
        return f',"sensor":{quoted(self.name)},"uuid":"{self.uuid}","timestamp":"'


@dataclass(slots=True)
class Session:
    """One connection being written: events are appended to `lines` at rising moments."""

    clock: Clock
    sensor_fields: str
    dst_ip: str
    identifier: str
    src_ip: str
    protocol: str
    started: int
    lines: list[Rendered]
    moment: int = field(init=False)
    tail: str = field(init=False)
    tail_without_address: str = field(init=False)

    def __post_init__(self) -> None:
        self.moment = self.started
        self.tail_without_address = f'"session":"{self.identifier}","protocol":"{self.protocol}"}}\n'
        self.tail = f'"src_ip":"{self.src_ip}",{self.tail_without_address}'

    def wait(self, microseconds: int) -> None:
        """Let time pass; at least a microsecond, so that a session's events keep their order."""
        self.moment += microseconds + 1

    def write(self, head: str) -> None:
        """An event whose own fields and message are in `head` (an unclosed JSON object)."""
        moment = self.moment
        self.lines.append((moment, f'{head}{self.sensor_fields}{self.clock.text(moment)}",{self.tail}'))

    def write_message_last(self, head: str, message: str) -> None:
        """An event logged by a command, whose message comes after the timestamp."""
        moment = self.moment
        stamp = self.clock.text(moment)
        self.lines.append((moment, f'{head}{self.sensor_fields}{stamp}","message":{quoted(message)},{self.tail}'))

    def connect(self, src_port: int) -> None:
        """The first event. Its addresses, session and protocol stand before the message and are not repeated."""
        port = 2222 if self.protocol == "ssh" else 2223
        ends = f"{self.src_ip}:{src_port} ({self.dst_ip}:{port})"
        line = (
            f'{{"eventid":"cowrie.session.connect","src_ip":"{self.src_ip}","src_port":{src_port},'
            f'"dst_ip":"{self.dst_ip}","dst_port":{port},"session":"{self.identifier}",'
            f'"protocol":"{self.protocol}","message":"New connection: {ends} [session: {self.identifier}]"'
            f'{self.sensor_fields}{self.clock.text(self.moment)}"}}\n'
        )
        self.lines.append((self.moment, line))

    def close(self) -> None:
        """The last event. SSH states its duration as text with a decimal, telnet as a number."""
        seconds = (self.moment - self.started) / SECOND
        if self.protocol == "ssh":
            head = f'"duration":"{seconds:.1f}","message":"Connection lost after {seconds:.1f} seconds"'
        else:
            head = f'"duration":{seconds!r},"message":"Connection lost after {int(seconds)} seconds"'
        self.write(f'{{"eventid":"cowrie.session.closed",{head}')

    def tunnel(self, host: str, port: int, origin_port: int, data: str | None) -> None:
        """A request to be a proxy and, where `data` is given, what was to be sent through."""
        head = (
            f'{{"eventid":"cowrie.direct-tcpip.request","dst_ip":"{host}","dst_port":{port},'
            f'"src_ip":"{self.src_ip}","src_port":{origin_port},"message":"direct-tcp connection request to '
            f'{host}:{port} from 127.0.0.1:{origin_port}"'
        )
        stamp = self.clock.text(self.moment)
        self.lines.append((self.moment, f'{head}{self.sensor_fields}{stamp}",{self.tail_without_address}'))
        if data is not None:
            self.wait(40_000)
            message = f"discarded direct-tcp forward request 0 to {host}:{port} with data {data}"
            self.write(
                f'{{"eventid":"cowrie.direct-tcpip.data","dst_ip":"{host}","dst_port":{port},'
                f'"data":{quoted(data)},"id":0,"message":{quoted(message)}'
            )

    def download(self, url: str, shasum: str) -> None:
        """A file fetched by wget or curl and kept under its SHA-256."""
        kept = f"var/lib/cowrie/downloads/{shasum}"
        self.write_message_last(
            f'{{"eventid":"cowrie.session.file_download","url":{quoted(url)},"outfile":"{kept}","shasum":"{shasum}"',
            f"Downloaded URL ({url}) with SHA-256 {shasum} to {kept}",
        )

    def redirected(self, destination: str, shasum: str, *, duplicate: bool) -> None:
        """A file written by the shell's redirection and kept when the session ends."""
        kept = f"var/lib/cowrie/downloads/{shasum}"
        message = f"Saved redir contents with SHA-256 {shasum} to {kept}"
        self.write(
            f'{{"eventid":"cowrie.session.file_download","duplicate":{str(duplicate).lower()},"outfile":"{kept}",'
            f'"shasum":"{shasum}","destfile":{quoted(destination)},"message":{quoted(message)}'
        )

    def upload(self, filename: str, shasum: str) -> None:
        """A file sent over SFTP."""
        kept = f"var/lib/cowrie/downloads/{shasum}"
        message = f'SFTP Uploaded file "{filename}" to {kept}'
        self.write(
            f'{{"eventid":"cowrie.session.file_upload","filename":{quoted(filename)},"outfile":"{kept}",'
            f'"shasum":"{shasum}","message":{quoted(message)}'
        )

    def recording(self, shasum: str, size: int, seconds: float, *, duplicate: bool) -> None:
        """The terminal's recording, named by the hash of what was typed."""
        kept = f"var/lib/cowrie/tty/{shasum}"
        self.write(
            f'{{"eventid":"cowrie.log.closed","ttylog":"{kept}","size":{size},"shasum":"{shasum}",'
            f'"duplicate":{str(duplicate).lower()},"duration":"{seconds:.1f}",'
            f'"message":"Closing TTY Log: {kept} after {seconds:.1f} seconds"'
        )


PARAMETERS = '{"eventid":"cowrie.session.params","arch":"linux-x64-lsb","message":[]'
TERMINAL_SIZE = '{"eventid":"cowrie.client.size","width":80,"height":24,"message":"Terminal Size: 80 24"'
LANGUAGE = (
    '{"eventid":"cowrie.client.var","name":"LANG","value":"en_US.UTF-8","message":"request_env: LANG=en_US.UTF-8"'
)


@cache
def client_version(version: str) -> str:
    """Head of the event in which a client names itself."""
    return f'{{"eventid":"cowrie.client.version","version":{quoted(version)},"message":{quoted(_remote(version))}'


def _remote(version: str) -> str:
    return f"Remote SSH version: {version}"


def key_exchange(client: Client) -> str:
    """Head of the event that carries what a client offered and its hassh."""
    offered = {
        "eventid": "cowrie.client.kex",
        "hassh": client.hassh,
        "hasshAlgorithms": client.algorithms,
        "kexAlgs": client.exchanges,
        "keyAlgs": client.keys,
        "encCS": client.ciphers,
        "macCS": client.digests,
        "compCS": client.compressions,
        "langCS": [""],
        "message": f"SSH client hassh fingerprint: {client.hassh}",
    }
    return orjson.dumps(offered).decode()[:-1]


def login(name: str, password: str, *, succeeded: bool = False) -> str:
    """Head of a login attempt by password."""
    outcome, word = ("success", "succeeded") if succeeded else ("failed", "failed")
    message = quoted(f"login attempt [{name}/{password}] {word}")
    return (
        f'{{"eventid":"cowrie.login.{outcome}","username":{quoted(name)},"password":{quoted(password)},'
        f'"message":{message}'
    )


def public_key(name: str, seed: object) -> tuple[str, str]:
    """Heads of the two events of an attempt with an ed25519 key: the key shown, and its refusal."""
    blob = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20" + sha256(f"key {seed}".encode()).digest()
    fingerprint = md5(blob, usedforsecurity=False).digest().hex(":")
    key = f"ssh-ed25519 {b64encode(blob).decode()}"
    fields = f'"username":{quoted(name)},"fingerprint":"{fingerprint}","key":"{key}","type":"ssh-ed25519"'
    shown = f"public key attempt for user {name} of type ssh-ed25519 with fingerprint {fingerprint}"
    refused = f"public key login attempt for [{name}] failed"
    return (
        f'{{"eventid":"cowrie.client.fingerprint",{fields},"message":{quoted(shown)}',
        f'{{"eventid":"cowrie.login.failed",{fields},"message":{quoted(refused)}',
    )


def command(text: str, *, known: bool = True) -> str:
    """Head of a command line typed, or of the second event about one that the shell does not know."""
    if known:
        return f'{{"eventid":"cowrie.command.input","input":{quoted(text)},"message":{quoted(f"CMD: {text}")}'
    message = quoted(f"Command not found: {text}")
    return f'{{"eventid":"cowrie.command.failed","input":{quoted(text)},"message":{message}'
