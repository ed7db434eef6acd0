"""Communities as they are told: scores, confidence, evidence, indicators, from parts and scored pairs."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination.communities import Part
from clew.analysis.coordination.explanation import Words, strength
from clew.analysis.coordination.features import PAIRED
from clew.analysis.coordination.findings import Community, Depth, Evidence, PairExplanation, Scores
from clew.analysis.coordination.indicators import indicators
from clew.analysis.coordination.kinds import SPAN_KINDS
from clew.analysis.coordination.permutation import tested
from clew.analysis.coordination.traits import Observed
from clew.analysis.coordination.verdict import LEAST, probability, terms
from clew.analysis.coordination.weighing import Weighed

_MOST_EXPLAINED: Final = 2_000
"""Pairs of one community that forensic depth explains, the first in order."""


@dataclass(frozen=True, slots=True)
class Telling:
    """What communities are told from."""

    sessions: pl.DataFrame
    observed: Observed
    weighed: Weighed
    words: Words
    addresses: pl.Series
    score: Callable[[pl.DataFrame], pl.DataFrame]
    depth: Depth
    seconds: float
    """How long was looked at in all."""

    def community(self, part: Part, scored: pl.DataFrame, cohesion: np.ndarray, *, decided: bool) -> Community | None:
        """One community, None if it is too unlikely one; `scored` are the scored pairs among its members.

        What an analyst `decided` is certain.
        """
        sure = list(part.confidence.values())
        judged = terms(len(part.members), sure, scored, self.weighed.size, cohesion)
        likely = 1.0 if decided else probability(judged, cohesion[2], cohesion[4])
        if likely < LEAST:
            return None
        members = pl.Series("source", part.members, dtype=pl.UInt32)
        mine = self.sessions.filter(pl.col("source").is_in(members.implode()))
        ips = self.addresses.gather(members).to_list()
        found = indicators(
            members, part.confidence, self.sessions, self.observed.traits, self.weighed.values, self.observed.glossary
        )
        return Community(
            source_ips=tuple(ips),
            session_ids=tuple(mine["session_id"].sort()),
            confidence=round(likely, 4),
            member_confidence={self.addresses[member]: round(part.confidence[member], 4) for member in part.members},
            scores=scores(scored),
            evidence=(*self.words.of_group(members, scored), *self._tests(mine)),
            indicators=found,
            first_seen=mine["started_at"].min(),  # type: ignore[arg-type]
            last_seen=mine["started_at"].max(),  # type: ignore[arg-type]
            pairs=self._pairs(part) if self.depth is Depth.FORENSIC else (),
        )

    def _tests(self, mine: pl.DataFrame) -> tuple[Evidence, ...]:
        """Permutation tests, where the depth asks for them."""
        return (tested(mine, self.seconds),) if self.depth is Depth.FORENSIC else ()

    def _pairs(self, part: Part) -> tuple[PairExplanation, ...]:
        """Every pair of a community with its evidence, as far as _MOST_EXPLAINED reaches."""
        every = list(combinations(sorted(part.members), 2))[:_MOST_EXPLAINED]
        if not every:
            return ()
        frame = pl.DataFrame(every, schema={"first": pl.UInt32, "second": pl.UInt32}, orient="row")
        scored = self.score(frame)
        return tuple(
            PairExplanation(
                self.addresses[row["first"][0]],
                self.addresses[row["second"][0]],
                round(row["probability"][0], 4),
                self.words.of_pair(row),
            )
            for row in scored.iter_slices(1)
        )


def scores(scored: pl.DataFrame) -> Scores:
    """Four summaries: for each the strongest of its kinds, by mean surprise over the pairs."""
    best = {"temporal": 0.0, "behavioral": 0.0, "infrastructure": 0.0, "geographic": 0.0}
    named = [(kind.name, kind.score) for kind in PAIRED] + [(name, "temporal") for name in SPAN_KINDS]
    for name, score in named:
        mean = scored[name].mean() if scored.height else 0.0
        best[score] = max(best[score], strength(float(mean)) if isinstance(mean, float) else 0.0)
    return Scores(**best)


def overall(communities: tuple[Community, ...]) -> tuple[float, Scores]:
    """Confidence and scores of a whole analysis: of its communities, weighed by their sources; 0 without any."""
    sizes = [len(community.source_ips) for community in communities]
    if not sizes:
        return 0.0, Scores()

    def mean(numbers: list[float]) -> float:
        return round(float(np.average(numbers, weights=sizes)), 4)

    listed = [community.scores for community in communities]
    return mean([community.confidence for community in communities]), Scores(
        mean([each.temporal for each in listed]),
        mean([each.behavioral for each in listed]),
        mean([each.infrastructure for each in listed]),
        mean([each.geographic for each in listed]),
    )
