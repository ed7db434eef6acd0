"""Write a Cowrie-like JSON log of a given size: `python -m bench.generate --events 1000000 --seed 7 --out cowrie.json`.

The same arguments give the same bytes. Lines are written as they are made; memory holds only sessions still open.
With `--truth FILE` the planted campaigns are listed as {campaign: {kind, sources, sessions, evidence}}.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from uuid import UUID

import orjson

from bench import campaigns, shapes
from bench.campaigns import Campaign, Visit
from bench.lines import Clock, Rendered, Sensor, Session
from bench.sampling import DAY, Arrivals, Zipf, address
from bench.sessions import Script, Traffic

SESSIONS_AT_ONCE = 4096


@dataclass(frozen=True)
class Plan:
    """What to generate."""

    events: int
    seed: int = 7
    days: int = 14
    sensors: int = 4
    campaigns: int = 6

    @property
    def sessions(self) -> int:
        """About how many sessions those events make."""
        return max(int(self.events / shapes.MEAN_EVENTS_PER_SESSION), 1)

    def campaign_list(self) -> list[Campaign]:
        """The campaigns planted in this log."""
        return campaigns.plan(self.seed, self.campaigns, self.sessions, self.days * DAY)


def blocks(plan: Plan) -> Iterator[bytes]:
    """The log in blocks of whole lines, in time order, exactly `plan.events` lines in all."""
    left = plan.events
    for lines in _ordered(plan):
        if left <= 0:
            return
        yield "".join([line for _, line in lines[:left]]).encode()
        left -= len(lines)


def write(plan: Plan, out: Path, truth: Path | None = None) -> None:
    """Write the log and, where asked for, the truth about it."""
    with out.open("wb") as file:
        for block in blocks(plan):
            file.write(block)
    if truth is not None:
        listed = {campaign.name: campaign.truth() for campaign in plan.campaign_list()}
        truth.write_bytes(orjson.dumps(listed, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _ordered(plan: Plan) -> Iterator[list[Rendered]]:
    """Lines in time order: what is open is held back until no later session can start before it."""
    held: list[Rendered] = []
    for count, session in enumerate(_sessions(plan, held), start=1):
        if count % SESSIONS_AT_ONCE == 0:
            held.sort()
            ready = _before(held, session.started)
            yield held[:ready]
            del held[:ready]


def _before(lines: Sequence[Rendered], moment: int) -> int:
    """How many of the sorted lines lie before the moment."""
    low, high = 0, len(lines)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if lines[middle][0] < moment else (low, middle)
    return low


def _sessions(plan: Plan, lines: list[Rendered]) -> Iterator[Session]:
    """Performs session after session into `lines`, by their start, without end."""
    random = Random(plan.seed)
    traffic = Traffic(plan.seed, random)
    clock = Clock()
    sensors = [(sensor.fields, sensor.address) for sensor in _sensors(plan)]
    for moment, source, script in _starts(plan, random, traffic):
        fields, dst_ip = sensors[int(random.random() * len(sensors))]
        identifier = f"{random.getrandbits(48):012x}"
        session = Session(clock, fields, dst_ip, identifier, source, script.protocol, moment, lines)
        traffic.perform(session, script)
        yield session


def _starts(plan: Plan, random: Random, traffic: Traffic) -> Iterator[tuple[int, str, Script]]:
    """(start, source address, script) of every session in order, ordinary ones and campaigns' merged."""
    listed = plan.campaign_list()
    planted: list[Visit] = campaigns.visits(listed)[::-1]
    moonlighters = [
        source for campaign in listed for source in campaign.sources[: int(len(campaign.sources) * shapes.MOONLIGHTING)]
    ]
    ordinary = max(plan.sessions - len(planted), 1)
    arrivals = Arrivals(random, ordinary, plan.days)
    sources = max(ordinary // shapes.SESSIONS_PER_SOURCE, 50)
    ranks = Zipf(random, sources, shapes.SOURCE_EXPONENT)
    addresses = [address(plan.seed, "source", rank) for rank in range(sources)]
    index = 0
    while True:
        moment = arrivals.moment(index)
        while planted and planted[-1].moment <= moment:
            visit = planted.pop()
            yield visit.moment, visit.member, campaigns.script(visit, traffic, random)
        rank = ranks.draw()
        source = addresses[rank]
        if moonlighters and random.random() < 0.01:
            source = moonlighters[int(random.random() * len(moonlighters))]
        yield moment, source, traffic.ordinary(rank)
        index += 1


def _sensors(plan: Plan) -> list[Sensor]:
    random = Random(f"{plan.seed}/sensors")
    return [
        Sensor(f"sensor-{number + 1:02}", str(UUID(int=random.getrandbits(128), version=4)), f"10.40.{number}.2")
        for number in range(plan.sensors)
    ]


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description="Write a Cowrie-like JSON log.")
    parser.add_argument("--events", type=int, required=True, help="lines to write")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--days", type=int, default=14, help="days the log spans")
    parser.add_argument("--sensors", type=int, default=4)
    parser.add_argument("--campaigns", type=int, default=6, help="planted campaigns; 0 for none")
    parser.add_argument("--truth", type=Path, help="file for the list of planted campaigns")
    options = parser.parse_args(arguments)
    if min(options.events, options.days, options.sensors) < 1 or options.campaigns < 0:
        parser.error("events, days and sensors must be at least 1, campaigns at least 0")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; says on standard error how much was written and how fast."""
    options = _arguments(arguments)
    plan = Plan(options.events, options.seed, options.days, options.sensors, options.campaigns)
    began = time.perf_counter()
    write(plan, options.out, options.truth)
    seconds = time.perf_counter() - began
    print(f"{plan.events:,} events in {seconds:.1f} s ({plan.events / seconds:,.0f}/s)", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
