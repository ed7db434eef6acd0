"""The analysis from sessions to communities. Pure: no input, output, clock or database, and the same for any order.

sessions ─► traits ─► background, weights ─► candidate pairs ─► surprise of each kind ─► probability ─► communities
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from clew.analysis.coordination import communities, fusion, model
from clew.analysis.coordination.assembly import Telling, overall
from clew.analysis.coordination.background import Background, from_traits, nothing, source_digests
from clew.analysis.coordination.candidates import candidates
from clew.analysis.coordination.compute import LOCAL, Compute
from clew.analysis.coordination.decisions import enforce, positions, without_rejected
from clew.analysis.coordination.explanation import Words, hub_text
from clew.analysis.coordination.features import Times
from clew.analysis.coordination.findings import Analysis, Decisions, Depth, Explanation, Hub, Scores
from clew.analysis.coordination.kinds import BY_NAME, BY_NUMBER, versions
from clew.analysis.coordination.scoring import Scorer, no_scores
from clew.analysis.coordination.sequences import near_duplicates
from clew.analysis.coordination.sessions import prepare
from clew.analysis.coordination.surprise import CEILING
from clew.analysis.coordination.surveyors import surveyors
from clew.analysis.coordination.timing import spans
from clew.analysis.coordination.traits import Observed, encounters
from clew.analysis.coordination.verdict import cohesions
from clew.analysis.coordination.weighing import Weighed, weigh

MOST_HUBS: Final = 200
"""Hubs named in a result, the commonest first."""

DEEPER: Final = (Depth.DEEP, Depth.FORENSIC)

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
        weighed = self.weighed
        return Words(
            weighed.habits, weighed.values, self.observed.glossary, self.sessions["session_id"], weighed.crowded
        )


def analyze(
    sessions: pl.DataFrame,
    *,
    depth: Depth = Depth.STANDARD,
    background: Background | None = None,
    decisions: Decisions = Decisions(),  # noqa: B008 - frozen and empty
    observe: Observer = lambda _step, _done: None,
    cancelled: Callable[[], bool] = lambda: False,
    compute: Compute = LOCAL,
) -> Analysis:
    """Which sources act together, how surely and why.

    `sessions` has the columns of `sessions.SCHEMA`, in any order of rows. `background` says what was common before and
    elsewhere; the result holds it with these sessions added. `cancelled` is asked between steps.
    `compute` is where the parts that grow with the sessions are worked out; it does not change the result.
    Raises AnalysisCancelledError, and ValueError for sessions without the columns.
    """
    stages = Stages(sessions, depth, background, decisions, observe=observe, cancelled=cancelled, compute=compute)
    return stages.tell(stages.weigh())


class Stages:
    """The same in two steps, between which what the first one found may be put away: pairs, then communities.

    Arguments and errors as `analyze`. What both steps need is made of the sessions when it is first asked for.
    `partial`: the sessions are a stretch, and sources of the background that have the same things may lie outside.
    """

    def __init__(
        self,
        sessions: pl.DataFrame,
        depth: Depth,
        background: Background | None,
        decisions: Decisions,
        *,
        observe: Observer = lambda _step, _done: None,
        cancelled: Callable[[], bool] = lambda: False,
        compute: Compute = LOCAL,
        partial: bool = False,
    ) -> None:
        self._sessions = sessions
        self._compute = compute
        self._partial = partial
        self._depth = depth
        self._background = background
        self._decisions = decisions
        self._observe = observe
        self._cancelled = cancelled
        self._ready: _Prepared | None = None

    def weigh(self) -> pl.DataFrame:
        """The pairs that may act together, with what each kind of evidence says of them and the probability."""
        ready = self._prepared()
        self._step("choosing pairs", 0.4)
        linking = _linking(ready, self._depth, self._compute)
        pairs = candidates(linking, ready.digest_of, ready.background.size, self._compute)
        pairs = without_rejected(pairs, ready.addresses, self._decisions)
        self._step("weighing pairs", 0.5)
        return ready.scorer.score(pairs) if pairs.height else no_scores()

    def tell(self, scored: pl.DataFrame) -> Analysis:
        """The result, of the pairs that `weigh` gave for the same sessions."""
        ready = self._prepared()
        self._step("forming communities", 0.8)
        parts = communities.find(_hostile(scored, ready), ready.scorer.score, ready.digest_of.to_numpy())
        decided = positions(ready.addresses, self._decisions)
        parts = enforce(parts, decided)
        self._step("telling why", 0.9)
        pinned = {
            number for number, part in enumerate(parts) if any(group & set(part.members) for group in decided.pinned)
        }
        return _told(ready, parts, scored, self._depth, pinned)

    def background(self) -> Background:
        """What was common before and elsewhere, with these sessions added: that of the result."""
        return self._prepared().background

    def _prepared(self) -> _Prepared:
        if self._ready is None:
            self._step("reading sessions", 0.0)
            ready = _prepare(self._sessions, self._depth, self._background, self._step, self._compute)
            self._ready = replace(ready, weighed=replace(ready.weighed, partial=self._partial))
        return self._ready

    def _step(self, name: str, done: float) -> None:
        if self._cancelled():
            raise AnalysisCancelledError(name)
        self._observe(name, done)


def explain(
    sessions: pl.DataFrame,
    first: str,
    second: str,
    *,
    background: Background | None = None,
    depth: Depth = Depth.STANDARD,
) -> Explanation:
    """How probably two addresses act together, and the evidence; probability 0 where the sessions lack one of them."""
    ready = _prepare(sessions, depth, background, lambda _name, _done: None, LOCAL)
    addresses = ready.addresses
    places = [addresses.index_of(address) for address in sorted((first, second))]
    if None in places or first == second:
        return Explanation(0.0, ())
    pair = pl.DataFrame({"first": [places[0]], "second": [places[1]]}, schema={"first": pl.UInt32, "second": pl.UInt32})
    scored = ready.scorer.score(pair)
    return Explanation(round(scored["probability"][0], 4), ready.words().of_pair(scored))


@dataclass(frozen=True, slots=True)
class Looked:
    """An analysis up to its scored pairs: what fits and judges the model."""

    scored: pl.DataFrame
    addresses: pl.Series
    size: int
    ready: "_Prepared"

    def parts(self) -> list[tuple[communities.Part, pl.DataFrame]]:
        """Communities by the constants of now, without verdict, each with the scored pairs inside."""
        ready = self.ready
        scored = self.scored.with_columns(pl.Series("probability", fusion.probabilities(self.scored, self.size)))
        parts = communities.find(_hostile(scored, ready), ready.scorer.score, ready.digest_of.to_numpy())
        inside = _inside(parts, scored, len(ready.digest_of))
        return [(part, inside.filter(pl.col("community") == number)) for number, part in enumerate(parts)]


def look(sessions: pl.DataFrame, *, depth: Depth = Depth.STANDARD) -> Looked:
    """Candidate pairs with all features and probabilities, and the address of each position."""
    ready = _prepare(sessions, depth, None, lambda _name, _done: None, LOCAL)
    pairs = candidates(_linking(ready, depth, LOCAL), ready.digest_of, ready.background.size)
    scored = ready.scorer.score(pairs) if pairs.height else no_scores()
    return Looked(scored, ready.addresses, ready.weighed.size, ready)


def _prepare(
    sessions: pl.DataFrame, depth: Depth, background: Background | None, step: Observer, compute: Compute
) -> _Prepared:
    ready = prepare(sessions)
    observed = compute.observe(ready, timed=depth is not Depth.MINIMAL)
    digest_of = source_digests(ready)
    step("counting habits", 0.2)
    seen = spans(ready)
    known = (background or nothing()) + from_traits(observed.traits, digest_of, seen, compute)
    weighed = weigh(observed.paired, observed.glossary, known, digest_of, compute)
    first, last = (seen[name].cast(pl.Float64).to_numpy() for name in ("first", "last"))
    times = Times(first, last, known.size, known.seconds)
    scorer = Scorer(weighed, times)
    if depth in DEEPER:
        scorer = Scorer(weighed, times, observed.sequences, ready["source"])
    return _Prepared(ready, observed, known, weighed, digest_of, scorer)


def _linking(ready: _Prepared, depth: Depth, compute: Compute) -> pl.DataFrame:
    """Habits, and what else makes candidates though no pair is scored by it: pairs of moments, near duplicates."""
    habits = ready.weighed.habits.select("source", "kind", "habit", "sources", "ways", "total", "exclusive", "own")
    rows = [habits]
    if depth is not Depth.MINIMAL:
        rows.append(_as_habits(encounters(ready.observed.paired), "encounter", ready.background.size, habits.schema))
    if depth in DEEPER:
        near = near_duplicates(ready.observed.traits, ready.weighed.hubs, compute)
        rows.append(_as_habits(near.rename({"bucket": "value"}), "sequence", ready.background.size, habits.schema))
    return pl.concat(rows)


def _as_habits(found: pl.DataFrame, kind: str, size: int, schema: pl.Schema) -> pl.DataFrame:
    """Rows of `source` and `value` in the form of habits, those that only one source has left out."""
    several = found.with_columns(pl.len().over("value").alias("sources")).filter(pl.col("sources") > 1)
    rows = several.with_columns(
        pl.lit(BY_NAME[kind].number).alias("kind"),
        pl.col("value").alias("habit"),
        pl.lit(1).alias("ways"),
        pl.lit(max(several.height, size)).alias("total"),
        pl.lit(value=True).alias("exclusive"),
        pl.lit(CEILING).alias("own"),
    )
    return rows.select(pl.col(name).cast(dtype) for name, dtype in schema.items())


def _told(
    ready: _Prepared, parts: list[communities.Part], scored: pl.DataFrame, depth: Depth, decided: set[int]
) -> Analysis:
    """The result; of what no analyst decided, only communities whose verdict is likely enough."""
    words = ready.words()
    telling = Telling(
        ready.sessions,
        ready.observed,
        ready.weighed,
        words,
        ready.addresses,
        ready.scorer.score,
        depth,
        ready.background.seconds,
    )
    inside = _inside(parts, scored, len(ready.digest_of))
    cohesion = cohesions([part.members for part in parts], ready.weighed)
    judged = (
        telling.community(
            part,
            inside.filter(pl.col("community") == number),
            cohesion[number],
            decided=number in decided,
        )
        for number, part in enumerate(parts)
    )
    told = tuple(community for community in judged if community is not None)
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


def _hostile(scored: pl.DataFrame, ready: _Prepared) -> pl.DataFrame:
    """Scored pairs of which at least one did something."""
    benign = surveyors(ready.sessions).implode()
    return scored.filter(~(pl.col("first").is_in(benign) & pl.col("second").is_in(benign)))


def _inside(parts: list[communities.Part], scored: pl.DataFrame, sources: int) -> pl.DataFrame:
    """The scored pairs within a community, with its number as `community`."""
    labels = np.full(max(sources, 1), -1)
    for number, part in enumerate(parts):
        labels[list(part.members)] = number
    first, second = labels[scored["first"].to_numpy()], labels[scored["second"].to_numpy()]
    return scored.with_columns(pl.Series("community", first)).filter(pl.Series(first == second) & pl.Series(first >= 0))


def _hubs(ready: _Prepared) -> tuple[Hub, ...]:
    named = ready.weighed.hubs.join(ready.observed.glossary, on=["kind", "value"], how="left")
    commonest = named.sort("sources", "kind", "value", descending=[True, False, False]).head(MOST_HUBS)
    return tuple(
        Hub(BY_NUMBER[kind].name, hub_text(kind, text or "?"), round(sources), "so common that it links nobody")
        for kind, sources, text in commonest.select("kind", "sources", "text").iter_rows()
    )
