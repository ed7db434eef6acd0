"""How soon a campaign is found: the analysis repeated on what was known every twelve hours."""

from datetime import datetime, timedelta
from statistics import median
from typing import Final

import polars as pl

from bench.coordination.scenes import Scene
from clew.analysis.coordination import CAMPAIGN, analyze

STEP: Final = timedelta(hours=12)


def hours_to_detect(world: Scene) -> dict[str, float | int]:
    """Hours from a campaign's third member to the first look that finds it (half of its members so far, half pure)."""
    sessions = world.sessions
    first, last = sessions.select(pl.col("started_at").min(), pl.col("started_at").max().alias("last")).row(0)
    third = _third_member(world, sessions)
    found: dict[str, float] = {}
    moment = first + STEP
    while moment <= last + STEP:
        known = sessions.filter(pl.col("started_at") <= moment)
        present = {source for source in known["source_ip"].unique() if source in world.truth}
        for community in analyze(known).communities:
            if community.confidence < CAMPAIGN:
                continue
            for campaign in {world.truth[source] for source in community.source_ips if source in world.truth}:
                inside = sum(world.truth.get(source) == campaign for source in community.source_ips)
                sofar = sum(world.truth[source] == campaign for source in present)
                if inside * 2 >= max(len(community.source_ips), sofar) and campaign not in found:
                    found[campaign] = (moment - third[campaign]).total_seconds() / 3600
        moment += STEP
    return {
        "median": round(median(found.values()), 1) if found else -1,
        "found": len(found),
        "planted": len(world.kinds),
    }


def _third_member(world: Scene, sessions: pl.DataFrame) -> dict[str, datetime]:
    campaigns = pl.Series([world.truth.get(source) for source in sessions["source_ip"]], dtype=pl.String)
    debut = (
        sessions.with_columns(campaigns.alias("campaign"))
        .drop_nulls("campaign")
        .group_by("campaign", "source_ip")
        .agg(pl.col("started_at").min())
        .sort("campaign", "started_at")
    )
    third = debut.group_by("campaign", maintain_order=True).agg(pl.col("started_at").get(2))
    return dict(third.iter_rows())
