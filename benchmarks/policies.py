"""How policies do in worlds that stay, wander, break or turn with the season: their regret, versions really trained.

``python -m benchmarks.policies [--draws N] [--json]``: logistic regressions on generated clicks, a version for each
week of a year, gate and rollout as a loop has them by default. Prices are in log-loss.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import homeostat as hs  # noqa: E402
from homeostat.control.backtest.account import back_test  # noqa: E402
from homeostat.control.backtest.contenders import Loopwise  # noqa: E402
from homeostat.control.backtest.matrix import WEEK, Matrix, PastDay, Trial  # noqa: E402
from homeostat.control.backtest.prices import LOSS, Prices  # noqa: E402
from homeostat.control.backtest.release import Rules  # noqa: E402
from homeostat.control.policies.base import Policy  # noqa: E402
from homeostat.kernel.clock import duration  # noqa: E402
from homeostat.monitoring.windows import Window  # noqa: E402
from homeostat.stats.arrays import Floats  # noqa: E402
from homeostat.stats.figures.sums import ScoreSums  # noqa: E402

DAY = duration("1d")
WEEKS, LEAD, HELD_OUT, LATE = 48, 31, 7, 2
ROWS, COLUMNS, TEXTS = 300, 10, 30
"""Rows a day, of so many columns of so many texts each."""
DAYS = LEAD + WEEK * WEEKS
SKILL_DAY = ROWS * 0.6
"""What a day of perfect skill is worth, in nats: the entropy of about 30 % is 0.6 a row."""
PRICES = {"cheap": 0.1 * SKILL_DAY, "usual": 0.33 * SKILL_DAY, "dear": SKILL_DAY}
"""What a training costs; the flights' costs a third of what skill is worth in a day."""
USUAL = hs.Emergency() | hs.Sustained(hs.Realised(), 3)
POLICIES: Mapping[str, Policy] = {
    "outcomes": USUAL,
    **{f"outcomes or {days} days": USUAL | hs.Schedule(at_latest=f"{days}d") for days in (28, 42, 60, 90)},
    "... 42 days or growth of 1": USUAL | hs.Growth(1.0) | hs.Schedule(at_latest="42d"),
    "... 60 days or growth of 1": USUAL | hs.Growth(1.0) | hs.Schedule(at_latest="60d"),
    "growth of 1 alone": hs.Growth(1.0),
    "every 28 days": hs.Schedule(at_latest="28d"),
    "every 42 days": hs.Schedule(at_latest="42d"),
}
Json = dict[str, Any]
Weights = Callable[[np.random.Generator], Floats]


def still(rng: np.random.Generator) -> Floats:
    """The same for ever, with shape (days, texts)."""
    return np.tile(_drawn(rng), (DAYS, 1))


def wandering(rng: np.random.Generator) -> Floats:
    """Each weight forgets half of itself in half a year."""
    keep = 0.5 ** (1 / 180)
    found = [_drawn(rng)]
    for _ in range(DAYS - 1):
        found.append(keep * found[-1] + np.sqrt(1 - keep**2) * _drawn(rng))
    return np.array(found)


def breaking(rng: np.random.Generator) -> Floats:
    """On one day a third of the weights become others."""
    first, second, at = _drawn(rng), _drawn(rng), rng.integers(LEAD + 60, DAYS - 60)
    after = np.where(rng.random(first.size) < 1 / 3, second, first)
    return np.where(np.arange(DAYS)[:, None] < at, first, after)


def seasonal(rng: np.random.Generator) -> Floats:
    """A part of each weight turns with the year."""
    phase = 2 * np.pi * (np.arange(DAYS)[:, None] / 365 + rng.random())
    return np.asarray((_drawn(rng) + 0.7 * _drawn(rng) * np.cos(phase)) / np.sqrt(1.25))


WORLDS: Mapping[str, Weights] = {"still": still, "wandering": wandering, "breaking": breaking, "seasonal": seasonal}


def main() -> None:
    """Play every policy in every world, then print a table of regrets, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=6, help="worlds of each kind")
    parser.add_argument("--first", type=int, default=0, help="the first draw: other draws are other worlds")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    given = parser.parse_args()
    found = [
        {"world": name, "price": price, "draw": draw, **one}
        for name, weights in WORLDS.items()
        for draw in range(given.first, given.first + given.draws)
        for price, one in played(matrix_of(np.random.default_rng(draw), weights), np.random.default_rng(draw)).items()
    ]
    print(json.dumps(found) if given.json else _table(found), flush=True)


def matrix_of(rng: np.random.Generator, weights: Weights) -> Matrix:
    """A year of one world, and a version for every week, trained on all that was mature."""
    inputs, labels = _rows(rng, weights(rng))
    days = np.repeat(np.arange(DAYS), ROWS)
    past = [
        PastDay(Window(day * DAY, (day + 1) * DAY, f"d{day:03}"), (day + 1 + LATE) * DAY, ROWS, ROWS)
        for day in range(DAYS)
    ]
    return Matrix(past, [_trial(week, inputs, labels, days) for week in range(WEEKS)], LEAD)


def _rows(rng: np.random.Generator, weights: Floats) -> tuple[csr_matrix, Floats]:
    size = DAYS * ROWS
    texts = rng.zipf(1.3, (size, COLUMNS)) % TEXTS + np.arange(COLUMNS) * TEXTS
    inputs = csr_matrix((np.ones(texts.size), texts.ravel(), np.arange(0, texts.size + 1, COLUMNS)))
    inputs.resize(size, COLUMNS * TEXTS)
    mood = np.zeros(DAYS)
    for day in range(1, DAYS):
        mood[day] = 0.5 * mood[day - 1] + rng.normal(scale=0.3)
    logits = np.take_along_axis(np.repeat(weights, ROWS, axis=0), texts, axis=1).sum(axis=1)
    return inputs, (rng.random(size) < expit(logits - 1.0 + np.repeat(mood, ROWS))).astype(float)


def _trial(week: int, inputs: csr_matrix, labels: Floats, days: Floats) -> Trial:
    asked = LEAD + WEEK * week
    cutoff = asked - HELD_OUT - LATE
    learnt, later = days < cutoff, days >= cutoff
    model = LogisticRegression(solver="newton-cholesky", C=0.3).fit(inputs[learnt], labels[learnt])
    scores = model.predict_proba(inputs[later])[:, 1]
    sums = {
        day: ScoreSums.of(labels[later][part], scores[part])
        for day in range(cutoff, DAYS)
        if (part := slice((day - cutoff) * ROWS, (day - cutoff + 1) * ROWS))
    }
    return Trial(f"w{week:02}", asked * DAY, cutoff * DAY, (0, int(learnt.sum())), 1.0, sums)


def played(matrix: Matrix, rng: np.random.Generator) -> dict[str, Json]:
    """The regrets and retrainings of every policy, by price."""
    loop, base = Loopwise(matrix, "UTC", None, 0.5), hs.Retrain()
    contenders = [
        loop.contender(name, dataclasses.replace(base, when=when, cool_down="14d")) for name, when in POLICIES.items()
    ]
    found = {}
    for price, each in PRICES.items():
        told = back_test(matrix, Rules(hs.Gate(), hs.Canary()), contenders, Prices(LOSS, None, each), rng)
        found[price] = {
            "cost": {one["name"]: one["total_cost"] for one in told["policies"]},
            "retrains": {one["name"]: one["retrains"] for one in told["policies"]},
        }
    return found


def _drawn(rng: np.random.Generator) -> Floats:
    return rng.normal(scale=0.3, size=COLUMNS * TEXTS)


def _table(found: list[Json]) -> str:
    lines = [f"{'policy':<28}" + "".join(f"{world} {price}".rjust(18) for world in WORLDS for price in PRICES)]
    for name in (*POLICIES, "never"):
        cells = [_cell(found, world, price, name) for world in WORLDS for price in PRICES]
        lines.append(f"{name:<28}" + "".join(cell.rjust(18) for cell in cells))
    return "\n".join(lines)


def _cell(found: list[Json], world: str, price: str, name: str) -> str:
    """Regret over all draws together, and retrainings a year."""
    mine = [one for one in found if (one["world"], one["price"]) == (world, price)]
    best, worst, own = (sum(one["cost"][who] for one in mine) for who in ("oracle", "never", name))
    often = np.mean([one["retrains"][name] for one in mine])
    return f"{(own - best) / (worst - best):.2f} ({often:.0f})"


if __name__ == "__main__":
    main()
