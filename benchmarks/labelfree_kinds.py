"""How good estimates before labels are of classes and numbers: ``python -m benchmarks.labelfree_kinds [--json]``.

Made-up streams whose inputs move from day to day, or whose relation of inputs and outcomes changes on day 45 of 80.
Labels are mature three days after a day ends. Each day is estimated as the loop does when it ends, and held against
what labels then showed; beside it stands the guess that all is as over the last 14 days with labels.
"""

from __future__ import annotations

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
from homeostat.stats.class_confidence import estimated_classes
from homeostat.stats.class_figures import class_counts
from homeostat.stats.class_sums import ClassSums
from homeostat.stats.confidence import Estimated
from homeostat.stats.number_confidence import Numbers, learnt_errors
from homeostat.stats.outcomes import Sums
from homeostat.stats.sums import pooled
from homeostat.stats.tasks import Multiclass, Regression, Task

DAYS, PER_DAY, LABEL_DELAY, CHANGES, FIRST, SEEDS = 80, 500, 3, 45, 15, 3
CLASSES, NUMBER = Multiclass(("a", "b", "c")), Regression()
FIGURES: Mapping[str, Sequence[str]] = {
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


def classes(rng: np.random.Generator, inputs: Floats, turned: bool) -> Day:
    """A scorer that is too sure, and that does not see what two inputs say together."""
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


def stream(seed: int, made: Callable[..., Day], changes: int) -> list[Day]:
    """Inputs wander from day to day, and days share a little that no input shows."""
    rng, mean, days = np.random.default_rng(seed), np.zeros(2), []
    for place in range(DAYS):
        mean = 0.85 * mean + 0.35 * rng.normal(size=2)
        days.append(made(rng, rng.normal(size=(PER_DAY, 2)) + mean, place >= changes))
    return days


def estimates(task: Task, days: Sequence[Day], place: int, sums: Sequence[Sums]) -> Mapping[str, Any]:
    """What is expected of a day when it ends."""
    known = range(max(0, place - LABEL_DELAY + 1 - HISTORY), place - LABEL_DELAY + 1)
    now = days[place]
    if isinstance(task, Multiclass):
        past = [one for at in known if isinstance(one := sums[at], ClassSums)]
        return estimated_classes(class_counts(now.answers), past)
    used = [*(days[at] for at in known), now]
    truth = np.concatenate([*(one.truth for one in used[:-1]), np.full(PER_DAY, np.nan)])
    told = np.concatenate([one.answers for one in used])
    inputs, names = np.concatenate([one.inputs for one in used]), np.repeat([*known, place], PER_DAY)
    learnt = learnt_errors(Numbers(inputs, told, truth, names, np.zeros(2, dtype=bool)), {place: PER_DAY})
    return learnt.estimated(FIGURES["regression"], [place])


def measure(task: Task, made: Callable[..., Day], changes: int) -> Json:
    """By figure: mean absolute errors of estimates and of the guess, and how often bounds held."""
    off, guess, held, unknown = (defaultdict[str, list[float]](list) for _ in range(4))
    for seed in range(SEEDS):
        days = stream(seed, made, changes)
        sums = [task.sums(one.truth, one.answers) for one in days]
        for place in range(FIRST, DAYS):
            try:
                found = estimates(task, days, place, sums)
            except NotEnoughData as error:
                unknown[str(error.facts.get("reason"))].append(1.0)
                continue
            recent = pooled(sums[max(0, place - LABEL_DELAY + 1 - TRAIL_DAYS) : place - LABEL_DELAY + 1])
            for name in FIGURES[task.name]:
                one, right = found[name], sums[place].figure(name)
                if isinstance(one, Estimated):
                    off[name].append(abs(one.interval.value - right))
                    held[name].append(one.interval.low <= right <= one.interval.high)
                    guess[name].append(abs(recent.figure(name) - right))
    return {
        "unknown": {reason: len(some) for reason, some in unknown.items()},
        "figures": {
            name: {
                "days": len(off[name]),
                "estimated": float(np.mean(off[name])),
                "as_lately": float(np.mean(guess[name])),
                "held": float(np.mean(held[name])),
            }
            for name in FIGURES[task.name]
        },
    }


def main() -> None:
    """Print the table, or JSON."""
    cases = {
        f"{task.name}, {what}": measure(task, made, changes)
        for task, made in ((CLASSES, classes), (NUMBER, numbers))
        for what, changes in (("inputs move", DAYS), ("relation changes", CHANGES))
    }
    if "--json" in sys.argv[1:]:
        print(json.dumps(cases))
        return
    for name, told in cases.items():
        print(f"{name} (days without an estimate: {told['unknown'] or 'none'})")
        for figure, one in told["figures"].items():
            print(
                f"  {figure:<10} off by {one['estimated']:.4f}, guess by {one['as_lately']:.4f};"
                f" bounds held {one['held']:.1%} of {one['days']} days"
            )


if __name__ == "__main__":
    main()
