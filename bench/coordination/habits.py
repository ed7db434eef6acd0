"""What ordinary attackers have in common: tools anybody can get, and how often a source comes.

Shares and quantiles were measured on public honeypot data (UQO-Biolab/ml_ids: 20,000 Cowrie sessions of 1,956 sources,
82,393 Heralding sessions of 1,101, 20,799 Dionaea connections of 1,394, 2025); only these figures are kept. Names,
pairs and commands are those of `bench.vocabulary` and made up from them.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Final

from bench import vocabulary
from bench.sampling import digest_text

SESSION_QUANTILES: Final = ((0.0, 1), (0.5, 1), (0.75, 3), (0.9, 32), (0.97, 40), (0.99, 77), (1.0, 400))
"""Sessions of one source (Cowrie; its maximum was 1,322)."""
MEAN_SESSIONS: Final = 7.6
SPAN_QUANTILES: Final = ((0.0, 0.0), (0.5, 0.01), (0.75, 0.2), (0.9, 18.0), (0.97, 140.0), (1.0, 168.0))
"""Hours from a source's first session to its last (Cowrie and Heralding)."""
PREFIX_SIZES: Final = ((1, 0.87), (2, 0.06), (3, 0.02), (5, 0.02), (8, 0.02), (14, 0.01))
"""Sources in one /24, by share of prefixes: between Cowrie (94 % alone) and Dionaea (85 %)."""
TOOL_EXPONENT: Final = 0.8
TOOLS: Final = 18
"""Public tools of one world; the rarest has two in a hundred sources. What fewer share is taken to be private."""
PUBLIC_HOSTS: Final = ("raw.githubusercontent.com", "pastebin.com", "transfer.sh", "cdn.discordapp.com", "gitlab.com")
EXPLOITS: Final = (
    "/boaform/admin/formLogin", "/cgi-bin/luci/;stok=/locale", "/.env", "/wp-login.php", "/HNAP1",
    "/GponForm/diag_Form", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/actuator/gateway/routes",
    "/setup.cgi", "/.git/config",
    "/shell?cd+/tmp", "/manager/html", "/solr/admin/info/system", "/api/jsonws/invoke", "/owa/auth/logon.aspx",
)  # fmt: skip
PACKAGES: Final = ("nano", "htop", "screen", "tmux", "perl", "libpcap-dev", "make", "git", "jq", "unzip", "cron", "nc")
VERBS: Final = ("ls -l", "cat", "rm -f", "touch", "chmod +x", "chattr -i", "stat", "md5sum", "wc -c", "head -c 64")
PLACES: Final = (
    "/var/run",
    "/mnt",
    "/opt",
    "/etc/init.d",
    "/usr/local/bin",
    "/var/spool/cron",
    "/root/.ssh",
    "/srv",
    "/var/log",
    "/boot",
)
FILES: Final = (
    "gcc.pid",
    "config",
    "sshd_config",
    "cron.allow",
    "rc.local",
    "lock",
    "motd",
    "hosts",
    "update",
    "agent",
    "node",
    "ld.cache",
)


def quantile(table: tuple[tuple[float, float], ...], share: float) -> float:
    """Value at a share between the given quantiles (on a straight line between two)."""
    for (low, first), (high, last) in pairwise(table):
        if share <= high:
            return first + (last - first) * (share - low) / (high - low)
    return table[-1][1]


def odd_command(random: Random) -> str:
    """A command few people type: one of some fifteen hundred."""
    if random.random() < 0.2:
        return f"apt-get install -y {random.choice(PACKAGES)} {random.choice(PACKAGES)}"
    return f"{random.choice(VERBS)} {random.choice(PLACES)}/{random.choice(FILES)}"


@dataclass
class Tool:
    """A public tool or malware kit: whoever uses it shows the same client, list, script and files."""

    name: str
    protocol: str
    clients: tuple[vocabulary.Client, ...]
    pairs: list[tuple[str, str]]
    script: tuple[str, ...]
    shasums: tuple[str, ...] = ()
    filename: str = "x86"
    paths: tuple[str, ...] = ()
    payload: str = ""
    gets_in: float = 0.2
    extra: dict[str, str] = field(default_factory=dict)


def tools(random: Random, clients: list[vocabulary.Client], pairs: list[tuple[str, str]]) -> list[Tool]:
    """The public tools of one world, most used first."""
    return [make_tool(random, f"tool-{number}", clients, pairs, number) for number in range(TOOLS)]


def make_tool(
    random: Random, name: str, clients: list[vocabulary.Client], pairs: list[tuple[str, str]], number: int
) -> Tool:
    """One tool: half guess by SSH, some use telnet, some ask for web pages, some send bytes."""
    kind = ("ssh", "ssh", "telnet", "ssh", "http", "ssh", "tcp")[number % 7]
    builds = tuple(random.sample(clients[: 6 + number], min(3, len(clients))))
    own = [(random.choice(vocabulary.USERNAMES), _odd_password(random)) for _ in range(random.randint(0, 60))]
    begin = random.randrange(200)
    words = pairs[: random.randint(10, 60)] + pairs[begin : begin + random.randint(20, 120)] + own
    random.shuffle(words)
    script = [random.choice(vocabulary.RECONNAISSANCE[:20]) for _ in range(random.randint(1, 5))]
    script += [odd_command(random) for _ in range(random.randint(0, 4))]
    if kind == "telnet":
        script = list(vocabulary.MIRAI_OPENING[: random.randint(5, 10)])
    if random.random() < 0.4:
        script.append(f"cat /tmp/.{random.getrandbits(24):06x}")
    fetches = kind != "http" and random.random() < 0.7
    shasums = (digest_text(name, random.random()),) if fetches else ()
    filename = random.choice(vocabulary.PAYLOAD_NAMES)
    paths = tuple(random.sample(EXPLOITS, random.randint(1, 5))) if kind == "http" else ()
    payload = f"{random.getrandbits(96):024x}" if kind == "tcp" else ""
    return Tool(name, kind, builds, words, tuple(script), shasums, filename, paths, payload, random.uniform(0.05, 0.5))


def _odd_password(random: Random) -> str:
    stem = random.choice((*vocabulary.PASSWORDS, *vocabulary.USERNAMES))
    return f"{stem}{random.choice('@#!_.$')}{random.randint(1, 9999)}"
