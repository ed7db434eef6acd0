"""Why: evidence in words, with the sessions and values behind it.

What attackers wrote is shown in printable ASCII only: everything else is escaped as Python does, and cut. So nothing in
it can move a cursor, change a direction of writing, or end a line of a report; a reader of HTML still has to quote it.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import polars as pl

from clew.analysis.coordination import timing
from clew.analysis.coordination.features import PAIRED
from clew.analysis.coordination.findings import Evidence
from clew.analysis.coordination.kinds import BY_NAME, BY_NUMBER, NEIGHBOURS_VERSION, SPAN_VERSIONS, Kind
from clew.analysis.coordination.surprise import shared

MOST_EXAMPLES: Final = 5
MOST_REFERENCES: Final = 20
LONGEST_VALUE: Final = 120

_HALF: Final = 6.0
"""Nats at which evidence scores one half of what it could."""
_LEAST: Final = 0.5


def plain(text: str, longest: int = LONGEST_VALUE) -> str:
    """Attacker's text in printable ASCII, cut with an ellipsis."""
    shown = text.replace("\x00", ":").encode("unicode_escape").decode("ascii")
    return shown if len(shown) <= longest else shown[: longest - 3] + "..."


def strength(nats: float) -> float:
    """A surprise as a score of 0–1: half at six nats (one in four hundred)."""
    return round(1 - math.exp2(-nats / _HALF), 4)


@dataclass(frozen=True, slots=True)
class Words:
    """What is needed to put evidence into words."""

    habits: pl.DataFrame
    values: pl.DataFrame
    glossary: pl.DataFrame
    session_ids: pl.Series
    crowded: pl.DataFrame

    def of_group(self, members: pl.Series, features: pl.DataFrame) -> tuple[Evidence, ...]:
        """Evidence that holds a community together: kinds by their mean surprise over its scored pairs."""
        mine = self.habits.filter(
            pl.col("source").is_in(members.implode()), pl.col("kind") != BY_NAME["encounter"].number
        )
        held = mine.group_by("kind", "habit").agg(
            pl.col("source").n_unique().alias("members"), pl.col("sources").first(), pl.col("session").unique().sort()
        )
        held = held.filter(pl.col("members") > 1)
        found = []
        for kind in PAIRED:
            nats = _mean(features, kind.name)
            if nats < _LEAST:
                continue
            some = held.filter(pl.col("kind") == kind.number).sort(
                pl.col("members") / pl.col("sources").sqrt(), "habit", descending=[True, False]
            )
            if some.height:
                found.append(self._shared(kind, nats, some, f"of {len(members)} sources"))
        found += self._crowded(features, members)
        return tuple(sorted([*found, *_spans(features)], key=lambda evidence: (-evidence.score, evidence.kind)))

    def of_pair(self, features: pl.DataFrame) -> tuple[Evidence, ...]:
        """Evidence for one scored pair."""
        both = shared(features, self.habits)
        found = []
        for kind in PAIRED:
            nats = _mean(features, kind.name)
            if nats <= 0:
                continue
            some = both.filter(pl.col("kind") == kind.number).sort("p", "habit")
            sessions = pl.concat_list("first_session", "second_session").alias("session")
            some = some.select("kind", "habit", "sources", sessions, pl.lit(2).alias("members"))
            if some.height:
                found.append(self._shared(kind, nats, some, "sources"))
        found += self._crowded(features, pl.concat([features["first"], features["second"]]))
        return tuple(sorted([*found, *_spans(features)], key=lambda evidence: (-evidence.score, evidence.kind)))

    def _shared(self, kind: Kind, nats: float, habits: pl.DataFrame, whom: str) -> Evidence:
        examples = habits.head(MOST_EXAMPLES)
        texts = [self.text(kind, habit) for habit in examples["habit"]]
        members, sources = examples["members"][0], examples["sources"][0]
        sessions = habits.head(MOST_EXAMPLES)["session"].explode().unique().sort().head(MOST_REFERENCES)
        more = f" and {habits.height - len(texts)} more" if habits.height > len(texts) else ""
        say = (
            f"{members} {whom} {kind.says}: {'; '.join(texts)}{more}. The first of these is known of "
            f"{round(sources)} sources in all; {nats:.1f} nats beyond chance"
        )
        refs = (*self.session_ids.gather(sessions).to_list(), *texts)
        return Evidence(kind.name, kind.version, strength(nats), say, refs)

    def _crowded(self, features: pl.DataFrame, members: pl.Series) -> list[Evidence]:
        """That a rare habit is crowded into the members' networks, told of the network that says most."""
        nats = _mean(features, "neighbours")
        mine = self.crowded.filter(pl.col("source").is_in(members.implode()))
        if nats < _LEAST or not mine.height:
            return []
        most = mine.group_by("id").len().sort("len", "id", descending=[True, False])["id"][0]
        rows = mine.filter(pl.col("id") == most).sort("crowd", "network", "source", descending=[True, False, False])
        best = rows.row(0, named=True)
        habit = self.text(BY_NUMBER[best["kind"]], best["habit"])
        network = self._named(best["network_kind"], best["network"])
        inside = max(round(best["inside"]), best["crowd"])
        say = (
            f"{best['crowd']} of {inside} sources of {network} {BY_NUMBER[best['kind']].says}, which "
            f"{round(best['sources'])} sources in all do: {habit}; {nats:.1f} nats beyond chance"
        )
        sessions = rows["session"].unique().sort().head(MOST_REFERENCES)
        refs = (*self.session_ids.gather(sessions).to_list(), habit, network)
        return [Evidence("neighbours", NEIGHBOURS_VERSION, strength(nats), say, refs)]

    def _named(self, kind: int, value: int) -> str:
        known = self.glossary.filter(pl.col("kind") == kind, pl.col("value") == value)["text"]
        return plain(known[0]) if len(known) else "?"

    def text(self, kind: Kind, habit: int) -> str:
        """What a habit is: its value, and how many others go with it."""
        values = self.values.filter(pl.col("kind") == kind.number, pl.col("habit") == habit).sort("sources", "value")
        known = self.glossary.filter(pl.col("kind") == kind.number, pl.col("value").is_in(values["value"].implode()))
        first = known.sort(pl.col("text").str.len_chars(), "text")["text"]
        shown = _readable(kind, first[0]) if len(first) else "?"
        return shown if len(values) == 1 else f"{shown} (and {len(values) - 1} that go with it)"


def hub_text(kind: int, text: str) -> str:
    """A hub's value as it is named in a result."""
    return _readable(BY_NUMBER[kind], text)


def _readable(kind: Kind, text: str) -> str:
    if kind.name == "moment":
        return datetime.fromtimestamp(int(text) * timing.SLICE_SECONDS, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if kind.name == "cadence":
        return f"every {text} s"
    return plain(text)


def _mean(features: pl.DataFrame, column: str) -> float:
    mean = features[column].mean()
    return float(mean) if isinstance(mean, int | float) and math.isfinite(mean) else 0.0


def _spans(features: pl.DataFrame) -> list[Evidence]:
    said = {
        "debut": "appeared and disappeared closer together than chance would have it",
        "handover": "began within hours of the other's end",
    }
    found = []
    for name, say in said.items():
        nats = _mean(features, name)
        if nats >= _LEAST:
            found.append(Evidence(name, SPAN_VERSIONS[name], strength(nats), f"{say}: {nats:.1f} nats", ()))
    return found
