"""How good estimates before labels are: ``python -m benchmarks.labelfree_kinds [--seeds N] [--seed N] [--json]``.

Made-up streams of a yes or no, of classes and of numbers whose inputs keep still, move from day to day, or move while
the relation of inputs and outcomes changes on day 45 of 80. Every third day is looked at.
Labels are mature three days after a day ends. Each day is estimated as the loop does when it ends, and held against
what labels then showed; beside it stands the guess that all is as over the last 14 days with labels.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from homeostat.control.performance.estimating import HISTORY
from homeostat.control.reading import TRAIL_DAYS
from homeostat.kernel.errors import NotEnoughData
from homeostat.stats.estimates.class_confidence import estimated_classes
from homeostat.stats.estimates.confidence import Estimated, estimated
from homeostat.stats.estimates.number_confidence import Numbers, learnt_errors
from homeostat.stats.figures.class_figures import class_counts
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.scores import figure_of, table_of
from homeostat.stats.figures.sums import ScoreSums, pooled, score_counts
from homeostat.stats.tasks import BINARY, Multiclass, Regression, Task

DAYS, PER_DAY, LABEL_DELAY, CHANGES, FIRST, EVERY, SEEDS = 80, 500, 3, 45, 15, 3, 12
WANDERING = 0.35
CLASSES, NUMBER = Multiclass(("a", "b", "c")), Regression()
FIGURES: Mapping[str, Sequence[str]] = {
    "binary": ("accuracy", "log_loss", "roc_auc", "f1"),
    "multiclass": ("accuracy", "log_loss", "roc_auc", "f1"),
    "regression": ("rmse", "mae", "bias", "skill"),
}
_WEIGHTS = np.array([[1.5, 0.0, -1.5], [-0.5, 1.0, -0.5]])
Floats = np.ndarray
Json = dict[str, Any]


@dataclass(frozen=True)
class Day:
    """One day: what was asked, what was answered, and what turned out to be true."""

    inputs: Floats
    answers: Floats
    truth: Floats


def yes_or_no(rng: np.random.Generator, inputs: Floats, turned: bool) -> Day:
    """A scorer that is too sure, and that does not see what two inputs say together."""
    odds = inputs @ np.array([1.5, -0.5])
    right = 1.0 / (1.0 + np.exp(-(odds * (0.3 if turned else 1.0) + 0.8 * inputs[:, 0] * inputs[:, 1]) / 1.3))
    return Day(inputs, 1.0 / (1.0 + np.exp(-odds)), (rng.random(len(odds)) < right).astype(np.float64))


def classes(rng: np.random.Generator, inputs: Floats, turned: bool) -> Day:
    """The same of three classes."""
    odds = inputs @ _WEIGHTS
    together = 0.8 * inputs[:, :1] * inputs[:, 1:] * np.array([1.0, -1.0, 0.0])
    right = _shares((odds * (0.3 if turned else 1.0) + together) / 1.3)
    truth = (right.cumsum(axis=1) < rng.random((len(odds), 1))).sum(axis=1).clip(max=2)
    return Day(inputs, _shares(odds), truth)


def numbers(rng: np.random.Generator, inputs: Floats, turned: bool) -> Day:
    """Answers are off where the first input is large, and by more; later by half as much again."""
    told = 5.0 * inputs[:, 0] + 2.0 * inputs[:, 1]
    noise = np.exp(0.35 * inputs[:, 0]) * rng.normal(size=len(inputs)) * (1.5 if turned else 1.0)
    return Day(inputs, told, told - 0.6 * np.square(inputs[:, 0]) - noise)


def _shares(odds: Floats) -> Floats:
    told = np.exp(odds)
    return told / told.sum(axis=1, keepdims=True)


def stream(seed: int, made: Callable[..., Day], wandering: float, changes: int) -> list[Day]:
    """Where inputs wander from day to day, days share what scores do not show."""
    rng, mean, days = np.random.default_rng(seed), np.zeros(2), []
    for place in range(DAYS):
        mean = 0.85 * mean + wandering * rng.normal(size=2)
        days.append(made(rng, rng.normal(size=(PER_DAY, 2)) + mean, place >= changes))
    return days


def estimates(task: Task, days: Sequence[Day], place: int, sums: Sequence[Sums]) -> Mapping[str, Any]:
    """What is expected of a day when it ends."""
    known = range(max(0, place - LABEL_DELAY + 1 - HISTORY), place - LABEL_DELAY + 1)
    now = days[place]
    if isinstance(task, Multiclass):
        past = [one for at in known if isinstance(one := sums[at], ClassSums)]
        return estimated_classes(class_counts(now.answers), past)
    if task == BINARY:
        scored = [one for at in known if isinstance(one := sums[at], ScoreSums)]
        return estimated(score_counts(now.answers), scored)
    used = [*(days[at] for at in known), now]
    truth = np.concatenate([*(one.truth for one in used[:-1]), np.full(PER_DAY, np.nan)])
    told = np.concatenate([one.answers for one in used])
    inputs, names = np.concatenate([one.inputs for one in used]), np.repeat([*known, place], PER_DAY)
    learnt = learnt_errors(Numbers(inputs, told, truth, names, np.zeros(2, dtype=bool)), {place: PER_DAY})
    return learnt.estimated(FIGURES["regression"], [place])


def measure(task: Task, made: Callable[..., Day], wandering: float, changes: int, seeds: Sequence[int]) -> Json:
    """By figure: mean absolute errors of estimates and of the guess, how often bounds held and how wide they were."""
    off, guess, held, wide, unknown = (defaultdict[str, list[float]](list) for _ in range(5))
    for seed in seeds:
        days = stream(seed, made, wandering, changes)
        sums = [task.sums(one.truth, one.answers) for one in days]
        for place in range(FIRST + seed % EVERY, DAYS, EVERY):
            try:
                found = estimates(task, days, place, sums)
            except NotEnoughData as error:
                unknown[str(error.facts.get("reason"))].append(1.0)
                continue
            recent = pooled(sums[max(0, place - LABEL_DELAY + 1 - TRAIL_DAYS) : place - LABEL_DELAY + 1])
            for name in FIGURES[task.name]:
                one, right = found[name], _realised(sums[place], name)
                if isinstance(one, Estimated):
                    off[name].append(abs(one.interval.value - right))
                    held[name].append(one.interval.low <= right <= one.interval.high)
                    wide[name].append(one.interval.high - one.interval.low)
                    guess[name].append(abs(_realised(recent, name) - right))
    return {
        "unknown": {reason: len(some) for reason, some in unknown.items()},
        "figures": {
            name: {
                "days": len(off[name]),
                "estimated": float(np.mean(off[name])),
                "as_lately": float(np.mean(guess[name])),
                "held": float(np.mean(held[name])),
                "wide": float(np.mean(wide[name])),
            }
            for name in FIGURES[task.name]
        },
    }


def _realised(sums: Sums, name: str) -> float:
    return figure_of(name, table_of(sums), threshold=0.5) if isinstance(sums, ScoreSums) else sums.figure(name)


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="so many streams of each kind")
    parser.add_argument("--seed", type=int, default=0, help="another one draws other streams")
    parser.add_argument("--json", action="store_true", help="print JSON to stdout")
    given = parser.parse_args()
    seeds = range(given.seed, given.seed + given.seeds)
    streams = (("nothing moves", 0.0, DAYS), ("inputs move", WANDERING, DAYS), ("relation changes", WANDERING, CHANGES))
    cases = {
        f"{task.name}, {what}": measure(task, made, wandering, changes, seeds)
        for task, made in ((BINARY, yes_or_no), (CLASSES, classes), (NUMBER, numbers))
        for what, wandering, changes in streams
    }
    if given.json:
        print(json.dumps(cases))
        return
    for name, told in cases.items():
        print(f"{name} (days without an estimate: {told['unknown'] or 'none'})")
        for figure, one in told["figures"].items():
            print(
                f"  {figure:<10} off by {one['estimated']:.4f}, guess by {one['as_lately']:.4f};"
                f" bounds held {one['held']:.1%} of {one['days']} days, {one['wide']:.3f} wide"
            )


if __name__ == "__main__":
    main()
