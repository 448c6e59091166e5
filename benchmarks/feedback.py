"""What a model does to its own labels: ``python -m benchmarks.feedback [--json]``, some two minutes.

A made-up stream of payments, some of them fraud. What scores above a limit is blocked: no chargeback follows, so its
label says that all was well. Every four weeks a model is trained on all labels so far and replaces the one before. Two
loops meet the same payments: one that declares nothing, and one that leaves 2 % of what it would block alone. Held
against the truth of every payment, which a simulation knows: what each loop believes of itself, and what its models
come to. Draws, sums, weights and bounds are the product's own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
from lightgbm import LGBMClassifier  # noqa: E402

from homeostat.app.control.used import Used  # noqa: E402
from homeostat.data.contracts import instant, text  # noqa: E402
from homeostat.data.feedback import Draw, Feedback  # noqa: E402
from homeostat.data.shaped import Shaped  # noqa: E402
from homeostat.data.tables import Table  # noqa: E402
from homeostat.monitoring.kept_feedback import FeedbackDay  # noqa: E402
from homeostat.monitoring.labels import LABELLED, JoinedLabels  # noqa: E402
from homeostat.stats.estimates.doubly_robust import doubly_robust  # noqa: E402
from homeostat.stats.figures.scores import figure_interval  # noqa: E402
from homeostat.stats.figures.sums import ScoreSums, score_counts  # noqa: E402
from homeostat.stats.intervals import Interval  # noqa: E402
from homeostat.stats.metrics import log_loss, roc_auc  # noqa: E402

BLOCKED, EXPLORE = "probability >= 0.3", "2%"
ROUNDS, DAYS, PER_DAY, SEEDS = 5, 28, 2_000, 20
WEIGHTS = np.array([1.6, -1.1, 0.9, 0.6])
FIGURES = ("log_loss", "roc_auc", "brier", "base_rate", "recall")
Arm = Literal["naive", "explored"]
ARMS: tuple[Arm, ...] = ("naive", "explored")
Floats = np.ndarray
Json = dict[str, Any]
PAYMENTS = Table("payments", key="id", event_time="at", contract={"id": text(), "at": instant()})


@dataclass(frozen=True)
class Day:
    """The payments of a day: what is known of each, and whether it is fraud, seen or not."""

    features: Floats
    fraud: Floats


@dataclass(frozen=True)
class Served:
    """A day as one loop served it: its log, the labels that came, and every score."""

    day: Day
    log: pa.Table
    label: Floats
    scores: Floats


@dataclass(frozen=True)
class Look:
    """What a loop believes of itself over a round, and what is true of every payment of it."""

    arm: Arm
    round: int
    believed: dict[str, Interval | None]
    robust: dict[str, Interval | None]
    truth: dict[str, float]
    model_auc: float
    model_loss: float
    caught: float


def stream(seed: int, days: int, per_day: int = PER_DAY) -> list[Day]:
    """Payments of days of which some are worse than others."""
    rng = np.random.default_rng(seed)
    return [_day(rng, per_day) for _ in range(days)]


def _day(rng: np.random.Generator, rows: int) -> Day:
    features = rng.normal(size=(rows, WEIGHTS.size))
    odds = features @ WEIGHTS - 3.2 + 0.3 * rng.normal()
    return Day(features, rng.random(rows) < 1 / (1 + np.exp(-odds)))


def serve(day: Day, number: int, model: Any, draw: Draw | None) -> Served:
    """Score a day, block what is to be blocked, and get the labels that then come."""
    scores = model.predict_proba(day.features)[:, 1]
    ids = [f"{number:04x}-{row:08x}" for row in range(scores.size)]
    blocking = draw or Feedback(acts=BLOCKED).drawing("payments", PAYMENTS)
    drawn = [blocking({"probability": score}, {}, name) for score, name in zip(scores.tolist(), ids, strict=True)]
    log = pa.table(
        {
            "prediction_id": ids,
            "probability": scores,
            "acts": np.array([one.acts for one in drawn], dtype=bool),
            "explored": np.array([one.explored for one in drawn], dtype=bool),
            "propensity": np.array([one.propensity for one in drawn], dtype=float),
        }
    )
    return Served(day, log, day.fraud & ~log["acts"].to_numpy(), scores)


def judged(served: list[Served], declared: Feedback | None) -> tuple[list[ScoreSums], list[tuple[int, ...]]]:
    """The sums on which a loop's figures stand, day by day, as control takes them; and every score, counted."""
    sums: list[ScoreSums] = []
    earlier: list[FeedbackDay] = []
    for one in served:
        rows = np.arange(one.label.size)
        status, late = np.full(rows.size, LABELLED, dtype=np.int8), np.zeros(rows.size, dtype=bool)
        joined = JoinedLabels(rows, status, one.label.astype(float), late, np.zeros(rows.size, dtype=np.int64), 0)
        used = Used.of(declared, one.log, joined, earlier[-13:])
        if used.feedback is not None:
            earlier.append(used.feedback)
        sums.append(ScoreSums.of(used.labels, used.rows["probability"].to_numpy()))
    return sums, [score_counts(one.scores) for one in served]


def train(served: list[Served], arm: Arm) -> Any:
    """A model of all rounds so far, of the rows that an arm takes and with the weights that it gives."""
    told = [(one, Shaped.of(one.log)) for one in served]
    weight = np.concatenate([np.ones(one.label.size) if arm == "naive" else shape.stands_for for one, shape in told])
    features = np.concatenate([one.day.features for one in served])
    label = np.concatenate([one.label for one in served])
    kept = weight > 0
    return learner().fit(features[kept], label[kept], sample_weight=weight[kept])


def learner() -> Any:
    """Trees, as a user would choose them."""
    steady: Any = {"n_jobs": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1, "random_state": 7}
    return LGBMClassifier(n_estimators=40, num_leaves=15, **steady)


def rounds(seed: int, arm: Arm, *, count: int = ROUNDS, days: int = DAYS, per_day: int = PER_DAY) -> Iterator[Look]:
    """One loop's life: each round is served, judged, and trained on."""
    payments = stream(seed, (count + 2) * days, per_day)
    test = stream(10_000 + seed, 5, per_day)
    declared = Feedback(acts=BLOCKED, explore=EXPLORE) if arm == "explored" else None
    draw = None if declared is None else declared.drawing(f"payments-{seed}", PAYMENTS)
    nobody = Feedback(acts="probability > 1").drawing("payments", PAYMENTS)
    first = payments[:days]
    model = learner().fit(np.concatenate([one.features for one in first]), _fraud(first))
    history = [serve(one, place, model, nobody) for place, one in enumerate(first)]
    for number in range(count):
        begin = (number + 1) * days
        served = [serve(payments[place], place, model, draw) for place in range(begin, begin + days)]
        yield _look(arm, number + 1, served, declared, model, test)
        history += served
        model = train(history, arm)


def _look(arm: Arm, number: int, served: list[Served], declared: Feedback | None, model: Any, test: list[Day]) -> Look:
    sums, every = judged(served, declared)
    truth = [ScoreSums.of(one.day.fraud, one.scores) for one in served]
    used = [(scores, one) for scores, one in zip(every, sums, strict=True) if one.rows]
    robust = doubly_robust([a for a, _ in used], [b for _, b in used], threshold=0.3) if declared else {}
    scores = np.concatenate([model.predict_proba(one.features)[:, 1] for one in test])
    return Look(
        arm,
        number,
        {name: figure_interval(name, [b for _, b in used], threshold=0.3) for name in FIGURES},
        {name: robust.get(name) for name in FIGURES},
        {name: figure_interval(name, truth, threshold=0.3).value for name in FIGURES},
        roc_auc(_fraud(test), scores),
        log_loss(_fraud(test), scores),
        float((scores[_fraud(test)] >= 0.3).mean()),
    )


def _fraud(days: list[Day]) -> Floats:
    return np.concatenate([one.fraud for one in days])


def measured(seeds: int = SEEDS, **sizes: int) -> list[Look]:
    """Every look of every arm and seed."""
    return [look for seed in range(seeds) for arm in ARMS for look in rounds(seed, arm, **sizes)]


def summary(looks: list[Look]) -> list[Json]:
    """By arm and figure: how far off what is believed is, and how often its bounds hold what is true."""
    found = []
    for arm in ARMS:
        for name in FIGURES:
            mine = [one for one in looks if one.arm == arm]
            told = {"arm": arm, "figure": name, "looks": len(mine), **_held(mine, name, "believed")}
            robust = _held(mine, name, "robust") if arm == "explored" else None
            found.append({**told, "doubly_robust": robust})
    return found


def _held(looks: list[Look], name: str, how: str) -> Json:
    pairs = [(one, look.truth[name]) for look in looks if (one := getattr(look, how)[name]) is not None]
    return {
        "error": float(np.mean([one.value - truth for one, truth in pairs])),
        "covered": float(np.mean([one.low <= truth <= one.high for one, truth in pairs])),
        "width": float(np.mean([one.high - one.low for one, _ in pairs])),
    }


def models(looks: list[Look]) -> list[Json]:
    """By arm and round: the model on payments that nobody blocks, and how much of the fraud it would block."""
    return [
        {
            "arm": arm,
            "round": number,
            **{
                name: float(np.mean([getattr(one, name) for one in looks if (one.arm, one.round) == (arm, number)]))
                for name in ("model_auc", "model_loss", "caught")
            },
        }
        for arm in ARMS
        for number in sorted({one.round for one in looks})
    ]


def main() -> None:
    """Print both tables."""
    looks = measured()
    told = {"figures": summary(looks), "models": models(looks)}
    if "--json" in sys.argv:
        print(json.dumps(told))
        return
    for one in told["figures"]:
        robust = one["doubly_robust"]
        more = (
            f"; doubly robust {robust['error']:+.4f}, {robust['covered']:.0%}, {robust['width']:.4f}" if robust else ""
        )
        print(
            f"{one['arm']:>9} {one['figure']:>10}: off by {one['error']:+.4f} on average, bounds hold in"
            f" {one['covered']:.0%} of {one['looks']}, {one['width']:.4f} wide{more}"
        )
    for one in told["models"]:
        print(
            f"{one['arm']:>9} round {one['round']}: AUC {one['model_auc']:.3f}, log-loss {one['model_loss']:.3f},"
            f" {one['caught']:.0%} of fraud at or above the limit"
        )


if __name__ == "__main__":
    main()
