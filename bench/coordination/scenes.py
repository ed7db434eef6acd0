"""Worlds to fit on, to choose on and to report on: three sets of seeds that share nothing."""

from typing import Final

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
