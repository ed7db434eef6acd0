"""What looks like a campaign and is none: copycats of public malware, a noisy address, NAT, scanners."""

import dataclasses

from bench.coordination import habits
from bench.coordination.habits import make_tool
from bench.coordination.world import DAY, World, client_fields, joined, live, ordinary, own_host
from bench.vocabulary import offer


def add_negatives(world: World, kits: int = 4) -> None:
    """All of them, some of each."""
    for number in range(kits):
        copycats(world, number)
    for _ in range(25):
        niche(world)
    noisy(world)
    for _ in range(3):
        shared_address(world)
    for number in range(3):
        scanners(world, number)


def copycats(world: World, number: int) -> None:
    """Strangers who use one public kit, two to four in a hundred sources: one script, list and file, own hosts."""
    random = world.random
    kit = make_tool(random, f"kit-{number}", world.clients, world.pairs, random.choice((0, 1, 3)))
    kit.script = (*kit.script, f"./{random.getrandbits(32):08x} --donate 1", habits.odd_command(random))
    crowd = max(len(set(world.columns["source_ip"])), 200)
    kit.shasums = kit.shasums[:1] or (f"{random.getrandbits(256):064x}",)
    kit.gets_in = 0.85
    for _ in range(random.randint(crowd // 40, crowd // 22)):
        kit.clients = tuple(random.sample(world.clients[:15], 2))
        live(world, world.network(), kit, random.randint(1, 6), random.uniform(0, 30) * 3600)


def niche(world: World) -> None:
    """Two to four strangers who share one rare thing, as chance has it: a client, a command, a login or a file."""
    random = world.random
    tool = dataclasses.replace(world.tool())
    shared = random.randrange(4)
    if shared == 0:
        tool.clients = (offer(f"SSH-2.0-niche_{random.randrange(10_000)}", random),)
    elif shared == 1:
        tool.script = (*tool.script, f"{habits.odd_command(random)} --{random.randrange(10_000)}")
    elif shared == 2:
        tool.pairs = [(f"user{random.randrange(10_000)}", "secret"), *tool.pairs]
    else:
        tool.shasums = (f"{random.getrandbits(256):064x}",)
    for _ in range(random.randint(2, 4)):
        live(world, world.network(), tool, random.randint(1, 6), random.uniform(0, 30) * 3600)


def noisy(world: World) -> None:
    """One address that tries everything, all the time."""
    random, network = world.random, world.network()
    for _ in range(1_500):
        tool = world.tool()
        tried = random.sample(world.pairs, 30)
        shown = ordinary(world, tool, random.choice(tool.clients), own_host(world, network.address), 0)
        world.session(
            network, random.uniform(0, world.days * DAY), **(shown | {"credentials": list(map(joined, tried))})
        )


def shared_address(world: World) -> None:
    """Many people behind one address."""
    random, network = world.random, world.network()
    for _ in range(random.randint(8, 20)):
        live(world, network, world.tool(), random.randint(1, 5), random.uniform(0, 10) * 3600)


def scanners(world: World, number: int) -> None:
    """A search engine for hosts: many addresses of one network that look at everything and try nothing."""
    random = world.random
    client = offer(f"SSH-2.0-Survey{number}", random)
    prefixes = [f"{66 + number}.240.{random.randrange(256)}" for _ in range(2)]
    for _ in range(random.randint(15, 40)):
        network = world.network(random.choice(prefixes))
        for _ in range(random.randint(3, 10)):
            protocol, port = random.choice((("ssh", 22), ("telnet", 23), ("http", 80), ("tcp", 5900), ("tcp", 8728)))
            shown = {"attack_type": "scan", "protocol": protocol, "target_port": port}
            if protocol == "ssh":
                shown |= client_fields(client)
            if protocol == "http":
                shown |= {
                    "client": f"Mozilla/5.0 (compatible; Survey{number}/1.0)",
                    "http_paths": ["/", "/favicon.ico"],
                }
            world.session(network, random.uniform(0, world.days * DAY), **shown)


def customers(world: World, sources: int = 400, hosts: int = 150) -> None:
    """Strangers with public tools who fetch from hosts that others use, too: one to four times, from popular ones more.

    Not among `add_negatives`: worlds to fit on have none, so that these are strangers of another make.
    """
    random = world.random
    places = [own_host(world, f"shared/{number}") for number in range(hosts)]
    popular = [1 / (rank + 1) for rank in range(hosts)]
    tools = [dataclasses.replace(tool, gets_in=1.0) for tool in world.tools if tool.protocol == "ssh" and tool.shasums]
    for _ in range(sources):
        network, tool = world.network(), random.choice(tools)
        client, begin = random.choice(tool.clients), random.uniform(0, world.days * DAY * 0.8)
        for host in random.choices(places, popular, k=random.choice((1, 1, 2, 4))):
            moment = begin + random.uniform(0, 0.2 * world.days * DAY)
            world.session(network, moment, **ordinary(world, tool, client, host, 0))
