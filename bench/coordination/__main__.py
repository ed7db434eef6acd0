"""`python -m bench.coordination [--seeds N] [--beside N] [--levels 0,1,2,3] [--cache FOLDER] [--json FILE]`: quality.

Everything is reported on seeds that nothing was fitted or chosen on. Baselines use the setting that did best on a
fitting seed at default stealth.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from bench.coordination.baselines import BASELINES, Groups
from bench.coordination.cowrie_frame import generated
from bench.coordination.detection import hours_to_detect
from bench.coordination.measures import Quality, calibration, quality, total
from bench.coordination.negatives import customers
from bench.coordination.plants import DEFAULT
from bench.coordination.scenes import DAYS, FITTING, REPORTED, REPORTED_LOGS, Scene, kept, scene
from clew.analysis.coordination import CAMPAIGN, analyze
from clew.analysis.coordination.analysis import look


def found(sessions: pl.DataFrame, _setting: float = 0.0) -> Groups:
    """Campaigns of the product."""
    communities = analyze(sessions).communities
    return [community.source_ips for community in communities if community.confidence >= CAMPAIGN]


def judged(way: Callable[[pl.DataFrame, float], Groups], setting: float, world: Scene) -> Quality:
    """Quality of one way on one world."""
    sessions = world.sessions
    return quality(way(sessions, setting), world.truth, world.kinds, sessions["source_ip"].unique())


def chosen_settings(cache: Path | None) -> dict[str, float]:
    """The setting of each baseline with the best F1 on a fitting seed at default stealth."""
    world = kept(cache, FITTING[0])
    return {
        name: max(settings, key=lambda setting, way=way: judged(way, setting, world).f1)  # type: ignore[misc]
        for name, (way, settings) in BASELINES.items()
    }


def compare(
    seeds: Sequence[str], level: int, settings: dict[str, float], beside: int, cache: Path | None
) -> dict[str, dict[str, Any]]:
    """Figures of the product at one level of stealth, and of the baselines on the first `beside` of the seeds."""
    results: dict[str, list[Quality]] = {name: [] for name in ("product", *settings)}
    for number, seed in enumerate(seeds):
        world = kept(cache, seed, level)
        results["product"].append(judged(found, 0.0, world))
        for name, setting in settings.items() if number < beside else ():
            results[name].append(judged(BASELINES[name][0], setting, world))
        print(f"stealth {level}, {seed}: {results['product'][-1]}", file=sys.stderr, flush=True)
    told = {name: figures(total(some)) | {"worlds": len(some)} for name, some in results.items() if some}
    print(f"stealth {level}: {json.dumps(told)}", file=sys.stderr, flush=True)
    return told


def figures(result: Quality) -> dict[str, Any]:
    """A quality as plain numbers."""
    named = {
        "precision": result.precision,
        "recall": result.recall,
        "f1": result.f1,
        "bcubed": result.bcubed,
        "ari": result.rand,
    }
    return {
        **{name: round(value, 4) for name, value in named.items()},
        "false_campaigns": result.false_groups,
        "recall_by_kind": {kind: round(right / true, 3) for kind, (right, true) in sorted(result.by_kind.items())},
    }


def background(seeds: Sequence[str], cache: Path | None) -> dict[str, float]:
    """False campaigns a day where there are none."""
    false = sum(len(found(kept(cache, seed, campaigns=0).sessions)) for seed in seeds)
    return {"days": len(seeds) * DAYS, "false_campaigns": false, "a_day": round(false / (len(seeds) * DAYS), 4)}


def calibrated(seeds: Sequence[str], cache: Path | None) -> dict[str, Any]:
    """Expected calibration error and curve of pair probabilities over all candidate pairs, and over those above 1 %."""
    said, true = [], []
    for seed in seeds:
        world = kept(cache, seed)
        looked = look(world.sessions)
        scored = looked.scored
        names = pl.Series([world.truth.get(address) for address in looked.addresses], dtype=pl.String)
        true.append((names.gather(scored["first"]) == names.gather(scored["second"])).fill_null(value=False).to_numpy())
        said.append(scored["probability"].to_numpy())
    probability, is_true = np.concatenate(said), np.concatenate(true)
    error, curve = calibration(probability, is_true)
    above = probability > 0.01
    return {
        "ece": round(error, 4), "ece_above_one_percent": round(calibration(probability[above], is_true[above])[0], 4),
        "curve": [[round(x, 3), round(y, 3), n] for x, y, n in curve],
    }  # fmt: skip


def shared_hosts(seeds: Sequence[str]) -> dict[str, Any]:
    """The default level with strangers who fetch from one another's hosts, of which no fitted world has any."""
    some = []
    for seed in seeds:
        world = scene(seed)
        customers(world)
        some.append(judged(found, 0.0, Scene(world.frame(), world.truth, world.kinds)))
    return figures(total(some))


def other_generator() -> dict[str, Any]:
    """The campaigns of `bench.generate`, on which nothing was fitted, and its background without any."""
    with tempfile.TemporaryDirectory() as place:
        some, empty = [], 0
        for seed in REPORTED_LOGS:
            sessions, truth, kinds = generated(Path(place), 100_000, seed, 12)
            some.append(quality(found(sessions), truth, kinds, sessions["source_ip"].unique()))
            empty += len(found(generated(Path(place), 100_000, seed, 0)[0]))
    return {**figures(total(some)), "false_campaigns_in_pure_background": empty, "days": 14 * len(REPORTED_LOGS)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything and print it as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.coordination", description=__doc__)
    parser.add_argument("--seeds", type=int, default=len(REPORTED))
    parser.add_argument("--beside", type=int, default=len(REPORTED), help="seeds on which the baselines run, too")
    parser.add_argument("--levels", default="0,1,2,3")
    parser.add_argument("--cache", type=Path, help="where generated worlds are kept between runs")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    seeds = REPORTED[: options.seeds]
    settings = chosen_settings(options.cache)
    report: dict[str, Any] = {"settings": settings}
    for level in map(int, options.levels.split(",")):
        report[f"stealth {level}"] = compare(seeds, level, settings, options.beside, options.cache)
    report["background"] = background(seeds, options.cache)
    report["calibration"] = calibrated(seeds, options.cache)
    report["other generator"] = other_generator()
    report["shared hosts"] = shared_hosts(seeds)
    report["hours to detect"] = hours_to_detect(kept(options.cache, seeds[0], DEFAULT))
    text = json.dumps(report, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
