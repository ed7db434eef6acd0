"""Worlds to fit on, to choose on and to report on: three sets of seeds that share nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from bench.coordination.negatives import add_negatives
from bench.coordination.plants import DEFAULT, KINDS, plant
from bench.coordination.world import World, populate

FITTING: Final = tuple(f"fit-{number}" for number in range(8))
REPORTED_LOGS: Final = (201, 202, 203)
"""Seeds of `bench.generate`."""
REPORTED: Final = tuple(f"report-{number}" for number in range(6))
SESSIONS: Final = 20_000
DAYS: Final = 7.0


def scene(
    seed: str,
    level: int = DEFAULT,
    *,
    sessions: int = SESSIONS,
    campaigns: int = 8,
    days: float = DAYS,
    kits: int = 4,
) -> World:
    """A world with negatives and that many campaigns, kinds in turn (0 for pure background), and public kits."""
    world = World(f"{seed}/{level}/{sessions}", days)
    populate(world, sessions)
    add_negatives(world, kits)
    for number in range(campaigns):
        plant(world, number, tuple(KINDS)[number % len(KINDS)], level)
    return world


@dataclass(frozen=True)
class Scene:
    """A world as it is judged: its sessions, source → campaign, and campaign → kind."""

    sessions: pl.DataFrame
    truth: Mapping[str, str]
    kinds: Mapping[str, str]


def kept(cache: Path | None, seed: str, level: int = DEFAULT, campaigns: int = 8) -> Scene:
    """The scene of a seed, read from the cache if it is there, else made and left there."""
    file = cache / f"{seed}-{level}-{campaigns}.parquet" if cache else None
    if file and file.exists():
        truth, kinds = json.loads(file.with_suffix(".json").read_text())
        return Scene(pl.read_parquet(file), truth, kinds)
    world = scene(seed, level, campaigns=campaigns)
    sessions = world.frame()
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_suffix(".json").write_text(json.dumps([world.truth, world.kinds]))
        sessions.write_parquet(file)
    return Scene(sessions, world.truth, world.kinds)
