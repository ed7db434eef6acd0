"""Draws the generator needs: Zipf ranks, moments of a day, synthetic addresses. All deterministic for a seed."""

import hashlib
import math
from bisect import bisect
from itertools import accumulate
from random import Random

from bench import shapes

SECOND = 1_000_000
DAY = 86_400 * SECOND
NETWORKS = (45, 103, 185)


class Zipf:
    """Ranks 0 … size-1 with probability proportional to 1 / (rank + 1)^exponent, drawn in blocks for speed."""

    __slots__ = ("_block", "_cumulative", "_population", "_random")

    def __init__(self, random: Random, size: int, exponent: float) -> None:
        self._random = random
        self._population = range(size)
        self._cumulative = list(accumulate((rank + 1) ** -exponent for rank in range(size)))
        self._block: list[int] = []

    def draw(self) -> int:
        """One rank."""
        if not self._block:
            self._block = self._random.choices(self._population, cum_weights=self._cumulative, k=4096)
        return self._block.pop()


class Arrivals:
    """Session starts in order: one from each of `count` equal strata of the day-shaped intensity over `days`."""

    STEPS_PER_DAY = 1440

    def __init__(self, random: Random, count: int, days: int) -> None:
        self._random = random
        self._count = count
        self._days = days
        minutes = range(self.STEPS_PER_DAY)
        weights = [1 + shapes.DIURNAL_SWING * math.cos(self._phase(minute)) for minute in minutes]
        total = math.fsum(weights)
        self._cumulative = [0.0, *(value / total for value in accumulate(weights))]

    @staticmethod
    def _phase(minute: int) -> float:
        return 2 * math.pi * (minute / 60 - shapes.DIURNAL_PEAK_HOUR) / 24

    def moment(self, index: int) -> int:
        """Start of session `index`, µs after the log's start; past `count` the days simply go on."""
        passed = (index + self._random.random()) / self._count * self._days
        day = int(passed)
        fraction = passed - day
        step = min(bisect(self._cumulative, fraction) - 1, self.STEPS_PER_DAY - 1)
        low, high = self._cumulative[step], self._cumulative[step + 1]
        return int((day + (step + (fraction - low) / (high - low)) / self.STEPS_PER_DAY) * DAY)


def address(seed: int, kind: str, index: int) -> str:
    """Synthetic IPv4 address of the index-th thing of a kind; see `bench.shapes` on what it means."""
    digest = hashlib.blake2b(f"{seed}/{kind}/{index}".encode(), digest_size=4).digest()
    network = NETWORKS[digest[0] % len(NETWORKS)]
    return f"{network}.{digest[1]}.{digest[2]}.{1 + digest[3] % 254}"


def digest_text(*parts: object) -> str:
    """SHA-256 (hex) standing for the content of an invented file or recording."""
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()
