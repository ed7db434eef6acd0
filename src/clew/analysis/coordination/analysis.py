"""The analysis from sessions to communities. Pure: no input, output, clock or database, and the same for any order.

sessions ─► traits ─► background, weights ─► candidate pairs ─► surprise of each kind ─► probability ─► communities
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination import communities, model
from clew.analysis.coordination.assembly import Telling, overall
from clew.analysis.coordination.background import Background, from_traits, nothing, source_digests
from clew.analysis.coordination.candidates import candidates
from clew.analysis.coordination.decisions import enforce, positions, without_rejected
from clew.analysis.coordination.explanation import Words, hub_text
from clew.analysis.coordination.features import Times
from clew.analysis.coordination.findings import Analysis, Decisions, Depth, Explanation, Hub, Scores
from clew.analysis.coordination.kinds import BY_NUMBER, versions
from clew.analysis.coordination.scoring import Scorer, no_scores
from clew.analysis.coordination.sessions import prepare
from clew.analysis.coordination.surveyors import surveyors
from clew.analysis.coordination.timing import spans
from clew.analysis.coordination.traits import Observed, encounters, observe
from clew.analysis.coordination.weighing import Weighed, weigh

MOST_HUBS: Final = 200
"""Hubs named in a result, the commonest first."""

Observer = Callable[[str, float], None]
"""Told the name of a step that begins, and how much of the whole is done (0–1)."""


class AnalysisCancelledError(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is known before any pair is looked at."""

    sessions: pl.DataFrame
    observed: Observed
    background: Background
    weighed: Weighed
    digest_of: pl.Series
    scorer: Scorer

    @property
    def addresses(self) -> pl.Series:
        return self.sessions["source_ip"].unique(maintain_order=True)

    def words(self) -> Words:
        return Words(self.weighed.habits, self.weighed.values, self.observed.glossary, self.sessions["session_id"])


def analyze(
    sessions: pl.DataFrame,
    *,
    depth: Depth = Depth.STANDARD,
    background: Background | None = None,
    decisions: Decisions = Decisions(),  # noqa: B008 - frozen and empty
    observe: Observer = lambda step, done: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Analysis:
    """Which sources act together, how surely and why.

    `sessions` has the columns of `sessions.SCHEMA`, in any order of rows. `background` says what was common before and
    elsewhere; the result holds it with these sessions added. `cancelled` is asked between steps.
    Raises AnalysisCancelledError, and ValueError for sessions without the columns.
    """

    def step(name: str, done: float) -> None:
        if cancelled():
            raise AnalysisCancelledError(name)
        observe(name, done)

    step("reading sessions", 0.0)
    ready = _prepare(sessions, depth, background, step)
    step("choosing pairs", 0.4)
    pairs = candidates(_with_encounters(ready, depth), ready.digest_of, ready.background.size)
    pairs = without_rejected(pairs, ready.addresses, decisions)
    step("weighing pairs", 0.5)
    scored = ready.scorer.score(pairs) if pairs.height else no_scores()
    step("forming communities", 0.8)
    benign = surveyors(ready.sessions)
    edges = scored.filter(~(pl.col("first").is_in(benign.implode()) & pl.col("second").is_in(benign.implode())))
    parts = communities.find(edges, ready.scorer.score, ready.digest_of.to_numpy())
    parts = enforce(parts, positions(ready.addresses, decisions))
    step("telling why", 0.9)
    return _told(ready, parts, scored, depth)


def explain(
    sessions: pl.DataFrame,
    first: str,
    second: str,
    *,
    background: Background | None = None,
    depth: Depth = Depth.STANDARD,
) -> Explanation:
    """How probably two addresses act together, and the evidence; probability 0 where the sessions lack one of them."""
    ready = _prepare(sessions, depth, background, lambda name, done: None)
    addresses = ready.addresses
    places = [addresses.index_of(address) for address in sorted((first, second))]
    if None in places or first == second:
        return Explanation(0.0, ())
    pair = pl.DataFrame({"first": [places[0]], "second": [places[1]]}, schema={"first": pl.UInt32, "second": pl.UInt32})
    scored = ready.scorer.score(pair)
    return Explanation(round(scored["probability"][0], 4), ready.words().of_pair(scored))


def scored_pairs(sessions: pl.DataFrame, *, depth: Depth = Depth.STANDARD) -> tuple[pl.DataFrame, pl.Series]:
    """The candidate pairs with all features and probabilities, and the address of each position: to fit and to judge."""
    ready = _prepare(sessions, depth, None, lambda name, done: None)
    pairs = candidates(_with_encounters(ready, depth), ready.digest_of, ready.background.size)
    return (ready.scorer.score(pairs) if pairs.height else no_scores()), ready.addresses


def _prepare(sessions: pl.DataFrame, depth: Depth, background: Background | None, step: Observer) -> _Prepared:
    ready = prepare(sessions)
    observed = observe(ready, timed=depth is not Depth.MINIMAL)
    digest_of = source_digests(ready)
    step("counting habits", 0.2)
    seen = spans(ready)
    known = (background or nothing()) + from_traits(observed.traits, digest_of, seen)
    weighed = weigh(observed.traits, known)
    first, last = (seen[name].cast(pl.Float64).to_numpy() for name in ("first", "last"))
    times = Times(first, last, known.size, known.seconds)
    return _Prepared(ready, observed, known, weighed, digest_of, Scorer(weighed, times))


def _with_encounters(ready: _Prepared, depth: Depth) -> pl.DataFrame:
    """Habits, and pairs of moments, which make candidates though no pair is scored by them."""
    habits = ready.weighed.habits
    if depth is Depth.MINIMAL:
        return habits
    met = encounters(ready.observed.traits)
    met = met.with_columns(pl.len().over("value").cast(pl.Float64).alias("sources")).filter(pl.col("sources") > 1)
    total, one = float(max(met.height, ready.background.size)), pl.lit(1, pl.UInt32)
    rows = met.with_columns(
        pl.col("value").alias("habit"), one.alias("values"), one.alias("mine"), pl.lit(total).alias("total")
    )
    shared = [name for name in habits.columns if name in rows.columns]
    return pl.concat([habits.select(shared), rows.select(pl.col(name).cast(habits.schema[name]) for name in shared)])


def _told(ready: _Prepared, parts: list[communities.Part], scored: pl.DataFrame, depth: Depth) -> Analysis:
    words = ready.words()
    telling = Telling(ready.sessions, ready.observed, ready.weighed, words, ready.addresses, ready.scorer.score, depth)
    community_of = {member: number for number, part in enumerate(parts) for member in part.members}
    labels = np.full(max(len(ready.digest_of), 1), -1)
    labels[list(community_of)] = list(community_of.values())
    inside = scored.with_columns(
        pl.Series("community", labels[scored["first"].to_numpy()]),
        pl.Series("other", labels[scored["second"].to_numpy()]),
    ).filter(pl.col("community") == pl.col("other"), pl.col("community") >= 0)
    told = tuple(
        telling.community(part, inside.filter(pl.col("community") == number)) for number, part in enumerate(parts)
    )
    confidence, summary = overall(told)
    return Analysis(
        confidence=confidence,
        scores=summary if told else Scores(),
        communities=told,
        suppressed=_hubs(ready),
        sessions=ready.sessions.height,
        sources=len(ready.digest_of),
        candidate_pairs=scored.height,
        versions=versions() | {"fusion": model.VERSION},
        background=ready.background,
    )


def _hubs(ready: _Prepared) -> tuple[Hub, ...]:
    named = ready.weighed.hubs.join(ready.observed.glossary, on=["kind", "value"], how="left")
    commonest = named.sort("sources", "kind", "value", descending=[True, False, False]).head(MOST_HUBS)
    return tuple(
        Hub(BY_NUMBER[kind].name, hub_text(kind, text or "?"), round(sources), "so common that it links nobody")
        for kind, sources, text in commonest.select("kind", "sources", "text").iter_rows()
    )
