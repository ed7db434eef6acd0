"""Fits the constants of `clew.analysis.coordination.model` on the fitting seeds: `python -m bench.coordination.fitting`.

A logistic regression with a small ridge penalty, whose weights may not have the wrong sign, on all candidate pairs of
the fitting worlds at every stealth and several sizes. What it writes is the module itself.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from scipy.optimize import minimize

from bench.coordination.cowrie_frame import generated
from bench.coordination.scenes import FITTING, FITTING_LOGS, scene
from clew.analysis.coordination import fusion
from clew.analysis.coordination.analysis import scored_pairs
from clew.analysis.coordination.findings import Depth

RIDGE: Final = 2.0
NEGATIVE: Final = ("differs",)
FREE: Final = ("size",)
MODULE: Final = Path(__file__).resolve().parents[2] / "src/clew/analysis/coordination/model.py"
_HEAD: Final = '''"""The constants of the model `{version}`: log-odds for each term of `fusion.terms`.

Written by `python -m bench.coordination.fitting`, which fitted them on {pairs:,} candidate pairs ({true:,} of them true)
of {worlds} generated worlds with the seeds "fit-…", at all four levels of stealth. They are not changed by hand: a new fit is a
new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "{version}"

INTERCEPT: Final = {intercept:.4f}
WEIGHTS: Final = {{
{weights}
}}
'''


def plan() -> Iterator[tuple[str, int, int, int]]:
    """(seed, level, sessions, campaigns) of the worlds fitted on."""
    for number, seed in enumerate(FITTING):
        for level in ((0, 1, 2), (1, 2, 3))[number % 2]:
            yield seed, level, (20_000, 4_000, 20_000, 30_000)[number % 4], (8, 5, 11, 16)[number % 4]


def worlds() -> Iterator[tuple[str, pl.DataFrame, dict[str, str]]]:
    """Name, sessions and truth of each: worlds of this bench, and logs of `bench.generate`."""
    for seed, level, sessions, campaigns in plan():
        world = scene(seed, level, sessions=sessions, campaigns=campaigns)
        yield f"{seed}, stealth {level}", world.frame(), world.truth
    with tempfile.TemporaryDirectory() as place:
        for seed in FITTING_LOGS:
            frame, truth, _ = generated(Path(place), (60_000, 150_000)[seed % 2], seed, (6, 12)[seed % 2])
            yield f"log {seed}", frame, truth


def pairs_of(sessions: pl.DataFrame, truth: dict[str, str]) -> tuple[pl.DataFrame, int, np.ndarray]:
    """Scored candidate pairs, the number of sources, and which pairs are true."""
    scored, addresses = scored_pairs(sessions, depth=Depth.STANDARD)
    names = pl.Series([truth.get(address) for address in addresses], dtype=pl.String)
    one, other = names.gather(scored["first"]), names.gather(scored["second"])
    true = (one == other).fill_null(value=False).to_numpy()
    return scored, len(addresses), true


def collect() -> tuple[np.ndarray, np.ndarray, int]:
    """Terms of all pairs, truth, and the number of worlds."""
    terms, truths = [], []
    for name, sessions, truth in worlds():
        scored, size, true = pairs_of(sessions, truth)
        terms.append(fusion.design(scored, size).astype(np.float32))
        truths.append(true)
        print(f"{name}: {len(true):,} pairs, {true.sum():,} true", file=sys.stderr, flush=True)
    return np.concatenate(terms), np.concatenate(truths), len(terms)


def fit(terms: np.ndarray, true: np.ndarray) -> tuple[float, np.ndarray]:
    """Intercept and weights: the least penalised log loss with the right signs."""
    names = fusion.terms()
    sign = [(None, 0.0) if name in NEGATIVE else (None, None) if name in FREE else (0.0, None) for name in names]

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        odds = terms @ parameters[1:].astype(np.float32) + np.float32(parameters[0])
        error = fusion.logistic(odds) - true
        value = float(np.logaddexp(0, odds).sum() - odds[true].sum()) + RIDGE * float((parameters[1:] ** 2).sum()) / 2
        slope = np.concatenate([[error.sum()], terms.T @ error.astype(np.float32) + RIDGE * parameters[1:]])
        return value, slope.astype(float)

    start = np.concatenate([[-5.0], np.zeros(len(names))])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *sign], options={"maxiter": 500})
    return float(found.x[0]), found.x[1:]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write the module."""
    parser = argparse.ArgumentParser(prog="python -m bench.coordination.fitting", description=__doc__)
    parser.add_argument("--version", default="fusion-v1")
    parser.add_argument("--keep", type=Path, help="keep the terms there, as .npz")
    options = parser.parse_args(arguments)
    terms, true, number = collect()
    if options.keep:
        np.savez(options.keep, terms=terms, true=true)
    intercept, weights = fit(terms, true)
    listed = [f'    "{name}": {weight:.4f},' for name, weight in zip(fusion.terms(), weights, strict=True)]
    head = _HEAD.format(
        version=options.version, pairs=len(true), true=int(true.sum()), worlds=number, intercept=intercept,
        weights="\n".join(listed),
    )  # fmt: skip
    MODULE.write_text(head)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
