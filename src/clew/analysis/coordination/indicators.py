"""What to look for elsewhere: addresses, hosts, digests and patterns of a community, with how often they were seen."""

import ipaddress
from typing import Final

import polars as pl

from clew.analysis.coordination.explanation import plain
from clew.analysis.coordination.findings import Indicator, IndicatorType
from clew.analysis.coordination.kinds import BY_NUMBER

MOST: Final = 500
"""Indicators of one community; addresses of members come first, then by members that share them."""

_LONGEST: Final = 1_000
_TYPES: Final[dict[str, IndicatorType]] = {
    "download": "hash", "host": "domain", "url": "pattern", "key": "pattern", "literal": "pattern",
    "credential": "pattern", "command": "behavior", "client": "behavior", "fingerprint": "pattern", "http": "pattern",
    "payload": "pattern", "template": "pattern",
}  # fmt: skip


def indicators(
    members: pl.Series,
    confidence: dict[int, float],
    sessions: pl.DataFrame,
    traits: pl.DataFrame,
    values: pl.DataFrame,
    glossary: pl.DataFrame,
) -> tuple[Indicator, ...]:
    """Indicators of one community: its members, and values that at least two of them and few others have.

    `sessions` are the prepared sessions. A value counts its members, with the times at which each showed it first.
    """
    mine = sessions.filter(pl.col("source").is_in(members.implode()))
    shared = traits.filter(pl.col("source").is_in(members.implode())).join(values, on=["kind", "value"])
    held = shared.group_by("kind", "value").agg(
        pl.col("source").unique().alias("holders"), pl.col("sources").first(), pl.col("session")
    )
    least = 2 if len(members) > 1 else 1
    rare = held.filter(pl.col("holders").list.len() >= least, pl.col("holders").list.len() >= 0.3 * pl.col("sources"))
    named = rare.join(glossary, on=["kind", "value"]).sort(
        pl.col("holders").list.len(), "text", descending=[True, False]
    )
    found = [*_addresses(mine, confidence), *_values(named, sessions, confidence)]
    return tuple(found[:MOST])


def _addresses(mine: pl.DataFrame, confidence: dict[int, float]) -> list[Indicator]:
    times = mine.group_by("source", "source_ip").agg(
        pl.len().alias("count"), pl.col("started_at").min().alias("first"), pl.col("started_at").max().alias("last")
    )
    return [
        Indicator("ip", address, round(confidence[source], 4), count, first, last)
        for source, address, count, first, last in times.sort("source").iter_rows()
    ]


def _values(named: pl.DataFrame, sessions: pl.DataFrame, confidence: dict[int, float]) -> list[Indicator]:
    found = []
    for row in named.head(MOST).iter_rows(named=True):
        kind = _TYPES.get(BY_NUMBER[row["kind"]].name)
        if kind is None:
            continue
        held = sessions[row["session"]]
        sure = max(confidence[source] for source in row["holders"]) * len(row["holders"]) / max(row["sources"], 1)
        first, last = held["started_at"].min(), held["started_at"].max()
        value = plain(row["text"], _LONGEST)
        found.append(Indicator(_typed(kind, value), value, round(min(sure, 1.0), 4), held.height, first, last))
    return found


def _typed(kind: IndicatorType, value: str) -> IndicatorType:
    """A host that is an address is an indicator of that type."""
    if kind != "domain":
        return kind
    try:
        ipaddress.ip_address(value.strip("[]"))
    except ValueError:
        return kind
    return "ip"
