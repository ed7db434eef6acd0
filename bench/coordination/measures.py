"""How good a grouping of sources is: pairs, B-cubed, adjusted Rand index, false campaigns, calibration."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

Groups = Sequence[Iterable[str]]


@dataclass(frozen=True)
class Quality:
    """Counts of pairs, which add up over worlds, and means of one or several worlds."""

    right: int
    found: int
    true: int
    bcubed: float
    rand: float
    false_groups: int
    by_kind: dict[str, tuple[int, int]]
    """Kind → pairs found, pairs there are."""

    @property
    def precision(self) -> float:
        """Share of found pairs that are true; 1 where none was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of true pairs that were found; 1 where there are none."""
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return 2 * self.right / (self.found + self.true) if self.found + self.true else 1.0


def quality(groups: Groups, truth: Mapping[str, str], kinds: Mapping[str, str], sources: Iterable[str]) -> Quality:
    """Quality of groups of sources against source → campaign."""
    label = {source: number for number, group in enumerate(groups) for source in group}
    together: Counter[tuple[int, str]] = Counter((label[each], truth[each]) for each in truth if each in label)
    found, true = Counter(label.values()), Counter(truth.values())
    by_kind: dict[str, tuple[int, int]] = {}
    for campaign, size in true.items():
        right = sum(comb(count, 2) for (_, name), count in together.items() if name == campaign)
        before = by_kind.get(kinds[campaign], (0, 0))
        by_kind[kinds[campaign]] = (before[0] + right, before[1] + comb(size, 2))
    pairs = sum(comb(count, 2) for count in together.values())
    false = sum(
        max((count for (number, _), count in together.items() if number == group), default=0) * 2 < size
        for group, size in found.items()
    )
    all_found, all_true = (sum(comb(count, 2) for count in some.values()) for some in (found, true))
    every = comb(len(set(sources)), 2)
    expected = all_found * all_true / every if every else 0.0
    most = (all_found + all_true) / 2
    rand = (pairs - expected) / (most - expected) if most > expected else 1.0
    return Quality(pairs, all_found, all_true, _bcubed(label, truth, together, found, true), rand, false, by_kind)


def _bcubed(
    label: Mapping[str, int],
    truth: Mapping[str, str],
    together: Mapping[tuple[int, str], int],
    found: Mapping[int, int],
    true: Mapping[str, int],
) -> float:
    """B-cubed F1 (Bagga and Baldwin 1998) over sources that are in a campaign or in a group; others stand alone."""
    precision, recall = [], []
    for source in {*label, *truth}:
        number, campaign = label.get(source), truth.get(source)
        common = together.get((number, campaign), 1) if number is not None and campaign is not None else 1
        precision.append(common / found[number] if number is not None else 1.0)
        recall.append(common / true[campaign] if campaign is not None else 1.0)
    if not precision:
        return 1.0
    p, r = float(np.mean(precision)), float(np.mean(recall))
    return 2 * p * r / (p + r)


def total(some: Sequence[Quality]) -> Quality:
    """Of several worlds: counts added, means averaged."""
    kinds: dict[str, tuple[int, int]] = {}
    for each in some:
        for kind, (right, true) in each.by_kind.items():
            before = kinds.get(kind, (0, 0))
            kinds[kind] = (before[0] + right, before[1] + true)
    return Quality(
        sum(each.right for each in some), sum(each.found for each in some), sum(each.true for each in some),
        float(np.mean([each.bcubed for each in some])), float(np.mean([each.rand for each in some])),
        sum(each.false_groups for each in some), kinds,
    )  # fmt: skip


def calibration(
    probability: np.ndarray, true: np.ndarray, bins: int = 10
) -> tuple[float, list[tuple[float, float, int]]]:
    """Expected calibration error over equal bins, and each bin's (mean probability, share true, count)."""
    curve = []
    error = 0.0
    place = np.minimum((probability * bins).astype(int), bins - 1)
    for number in range(bins):
        inside = place == number
        if inside.any():
            said, is_true, count = float(probability[inside].mean()), float(true[inside].mean()), int(inside.sum())
            curve.append((said, is_true, count))
            error += abs(said - is_true) * count / len(probability)
    return error, curve
