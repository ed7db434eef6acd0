"""Fits the constants of `clew.analysis.coordination.model`: `python -m bench.coordination.fitting`.

Two logistic regressions with a small ridge penalty: of pairs (whose weights may not have the wrong sign) on all
candidate pairs of the fitting worlds, and of the communities which these weights give. What it writes is the module.
"""

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from scipy.optimize import minimize  # type: ignore[import-untyped]

from bench.coordination.scenes import scene
from clew.analysis.coordination import fusion, model, verdict
from clew.analysis.coordination.analysis import Looked, look
from clew.analysis.coordination.communities import Part
from clew.analysis.coordination.scoring import pairs_of

RIDGE: Final = 2.0
NEGATIVE: Final = frozenset({"differs", "known"})
FREE: Final = ("size",)
STRANGERS: Final = 8_000
MODULE: Final = Path(__file__).resolve().parents[2] / "src/clew/analysis/coordination/model.py"

WORLDS: Final = (
    *(
        (f"fit-{number}", (1, 0, 1, 2, 1, 3)[number % 6], (16_000, 8_000)[number % 2], (16, 8)[number % 2], 4)
        for number in range(20)
    ),
    *(
        (f"fit-{number}", 1, (16_000, 4_000)[number % 2], (0, 4)[number % 2], 12 - 8 * (number % 2))
        for number in range(20, 36)
    ),
    *((f"fit-{number}", number % 2, 1_500, (0, 3)[number % 2], 4) for number in range(36, 44)),
)
"""Seed, stealth, sessions, campaigns, public kits."""
_HEAD: Final = '''"""The constants of the model `{version}`: log-odds for terms of `fusion` and of `verdict`.

Written by `python -m bench.coordination.fitting`, which fitted them on {pairs:,} pairs ({true:,} of them
true) and {groups} communities ({real} of them campaigns) of {worlds} generated worlds. They are not changed by hand: a
new fit is a new version. docs/explanation/coordination.md says how to read them.
"""

from typing import Final

VERSION: Final = "{version}"

INTERCEPT: Final = {intercept:.4f}
WEIGHTS: Final = {{
{weights}
}}

VERDICT_INTERCEPT: Final = {verdict_intercept:.4f}
VERDICT: Final = {{
{verdict}
}}
'''


@dataclass(frozen=True)
class Fitted:
    """A world as the fit needs it."""

    looked: Looked
    campaign_of: list[str | None]
    """By position of source."""
    pairs: pl.DataFrame
    """Candidates, all true pairs, and STRANGERS pairs chosen at random, with their features: groups are judged by pairs
    that no evidence proposed."""

    @property
    def true(self) -> np.ndarray:
        """Which scored pairs are of one campaign."""
        names = pl.Series(self.campaign_of, dtype=pl.String)
        pairs = self.pairs
        return (names.gather(pairs["first"]) == names.gather(pairs["second"])).fill_null(value=False).to_numpy()


def worlds(cache: Path) -> Iterator[Fitted]:
    """All fitting worlds; their sessions are kept in the cache, which another run reads."""
    for seed, level, sessions, campaigns, kits in WORLDS:
        file = cache / f"{seed}-{level}-{campaigns}.parquet"
        if not file.exists():
            world = scene(seed, level, sessions=sessions, campaigns=campaigns, kits=kits)
            _keep(file, world.frame(), world.truth)
        yield _fitted(file)


def _keep(file: Path, sessions: pl.DataFrame, truth: dict[str, str]) -> None:
    sessions.write_parquet(file)
    file.with_suffix(".json").write_text(json.dumps(truth))


def _fitted(file: Path) -> Fitted:
    looked = look(pl.read_parquet(file))
    truth = json.loads(file.with_suffix(".json").read_text())
    print(f"{file.stem}: {looked.scored.height:,} pairs", file=sys.stderr, flush=True)
    campaign_of = [truth.get(address) for address in looked.addresses]
    return Fitted(looked, campaign_of, _with_others(looked, campaign_of))


def _with_others(looked: Looked, campaign_of: list[str | None]) -> pl.DataFrame:
    """The scored candidates, and what was not proposed."""
    members = pl.DataFrame({"source": range(len(campaign_of)), "campaign": campaign_of}).drop_nulls()
    true = members.join(members, on="campaign").select("source", "source_right").to_numpy()
    strangers = np.random.default_rng(len(campaign_of)).integers(0, len(campaign_of), (STRANGERS, 2))
    first, second = np.concatenate([true, strangers]).T
    others = pairs_of(first, second).join(looked.scored, on=["first", "second"], how="anti")
    return pl.concat([looked.scored, looked.ready.scorer.score(others)])


def fit(terms: np.ndarray, true: np.ndarray) -> tuple[float, np.ndarray]:
    """Intercept and weights: the least penalised log loss with the right signs.

    Of the false pairs, which are forty times as many, every fourth is taken four times.
    """
    kept = true | (np.arange(len(true)) % 4 == 0)
    terms, true = terms[kept], true[kept]
    times = np.where(true, 1.0, 4.0)
    names = fusion.terms()
    sign = [_sign(name) for name in names]

    def loss(parameters: np.ndarray) -> tuple[float, np.ndarray]:
        odds = terms @ parameters[1:].astype(np.float32) + np.float32(parameters[0])
        error = (fusion.logistic(odds) - true) * times
        value = float((np.logaddexp(0, odds) * times).sum() - odds[true].sum())
        slope = np.concatenate([[error.sum()], terms.T @ error.astype(np.float32) + RIDGE * parameters[1:]])
        return value + RIDGE * float((parameters[1:] ** 2).sum()) / 2, slope.astype(float)

    start = np.concatenate([[-5.0], np.zeros(len(names))])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(None, None), *sign], options={"maxiter": 250})
    return float(found.x[0]), found.x[1:]


def _sign(name: str) -> tuple[float | None, float | None]:
    """What the weight of a term may be."""
    if name in FREE:
        return None, None
    return (None, 0.0) if NEGATIVE & set(name.split()) else (0.0, None)


def judgements(fitted: Fitted) -> Iterator[tuple[np.ndarray, bool]]:
    """Terms of each community that the current weights give, and whether half of it is one campaign."""
    found = fitted.looked.parts()
    weighed = fitted.looked.ready.weighed
    cohesions = verdict.cohesions([part.members for part, _ in found], weighed)
    for (part, inside), cohesion in zip(found, cohesions, strict=True):
        yield (
            verdict.terms(len(part.members), list(part.confidence.values()), inside, weighed.size, cohesion),
            _is_campaign(part, fitted.campaign_of),
        )


def _is_campaign(part: Part, campaign_of: list[str | None]) -> bool:
    counts = Counter(campaign_of[member] for member in part.members)
    del counts[None]
    return bool(counts) and max(counts.values()) * 2 >= len(part.members)


def fit_verdict(terms: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Intercept, then weights, none but that of the size below 0: stronger evidence is never held against a group."""
    sign = [_sign(name) for name in verdict.TERMS]

    def loss(parameters: np.ndarray) -> float:
        odds = terms @ parameters[1:] + parameters[0]
        return float(np.logaddexp(0, odds).sum() - odds[true].sum() + (parameters[1:] ** 2).sum() / 2)

    return np.asarray(minimize(loss, np.zeros(terms.shape[1] + 1), method="L-BFGS-B", bounds=[(None, None), *sign]).x)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit and write the module."""
    parser = argparse.ArgumentParser(prog="python -m bench.coordination.fitting", description=__doc__)
    parser.add_argument("--version", default="fusion-v1")
    parser.add_argument("--verdict", action="store_true", help="fit the verdict only; the weights of pairs stay")
    parser.add_argument("--cache", type=Path, help="where generated worlds are kept between runs")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as place:
        every = list(worlds(options.cache or Path(place)))
    if options.verdict:
        _write_verdict(*_verdicts(every))
        return 0
    terms = np.concatenate([fusion.design(each.pairs, each.looked.size).astype(np.float32) for each in every])
    true = np.concatenate([each.true for each in every])
    intercept, weights = fit(terms, true)
    model.INTERCEPT, model.WEIGHTS = intercept, dict(zip(fusion.terms(), weights.tolist(), strict=True))  # type: ignore[misc]
    verdicts, groups, real = _verdicts(every)
    MODULE.write_text(
        _HEAD.format(
            version=options.version,
            pairs=len(true),
            true=int(true.sum()),
            groups=groups,
            real=real,
            worlds=len(every),
            intercept=intercept,
            weights=_lines(fusion.terms(), weights),
            verdict_intercept=verdicts[0],
            verdict=_lines(verdict.TERMS, verdicts[1:]),
        )
    )
    return 0


def _verdicts(every: Sequence[Fitted]) -> tuple[np.ndarray, int, int]:
    """The verdict's intercept and weights, of how many communities, and how many of these are campaigns."""
    groups = [judged for each in every for judged in judgements(each)]
    real = np.array([campaign for _, campaign in groups])
    return fit_verdict(np.array([values for values, _ in groups]), real), len(groups), int(real.sum())


def _write_verdict(verdicts: np.ndarray, groups: int, real: int) -> None:
    """The module with another verdict, everything else as it stands."""
    text = MODULE.read_text()
    head, _, _ = text.partition("VERDICT_INTERCEPT: Final")
    head = re.sub(r"[\d,]+ communities \(\d+ of them", f"{groups:,} communities ({real} of them", head)
    lines = _lines(verdict.TERMS, verdicts[1:])
    MODULE.write_text(f"{head}VERDICT_INTERCEPT: Final = {verdicts[0]:.4f}\nVERDICT: Final = {{\n{lines}\n}}\n")


def _lines(names: Sequence[str], weights: np.ndarray) -> str:
    return "\n".join(
        f'    "{name}": {weight:.4f},' for name, weight in zip(names, weights, strict=True) if round(weight, 4)
    )


if __name__ == "__main__":
    raise SystemExit(main())
