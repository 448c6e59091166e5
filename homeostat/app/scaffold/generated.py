"""Rows that are made up, for a loop to run on before there are any."""

from __future__ import annotations

import numpy as np
import polars as pl

from homeostat.data.labels import Answers
from homeostat.kernel.clock import Instant, duration

TARGETS: dict[Answers, str] = {"binary": "left", "regression": "spent", "multiclass": "chose"}
"""The target's column, by what is predicted."""
_ROWS, _DAYS = 3_000, 60
_CHOICES = np.array(["less", "more", "same"])


def generated_rows(now: Instant, answers: Answers, seed: int = 7) -> pl.DataFrame:
    """Customers and whether they left, how much they spent, or which plan they chose next.

    Who pays much, came lately and had to ask often leaves sooner, spends more and changes more.
    """
    drawn = np.random.default_rng(seed)
    end = now // duration("1d") * duration("1d") - duration("1d")
    at = np.sort(end - drawn.integers(0, _DAYS * duration("1d"), _ROWS))
    plan = drawn.choice(["basic", "family", "business"], _ROWS, p=[0.5, 0.3, 0.2])
    months = drawn.integers(0, 72, _ROWS)
    price = np.round(drawn.normal(30, 8, _ROWS) + 12 * (plan == "business"), 2)
    asked = drawn.poisson(1.2, _ROWS)
    known = drawn.random(_ROWS) > 0.05
    score = 0.05 * (price - 30) - 0.03 * months + 0.5 * asked + 0.6 * (plan == "basic") - 1.0
    return pl.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in range(_ROWS)],
            "asked_at": pl.Series(at).cast(pl.Datetime("us", "UTC")),
            "plan": plan,
            "months": months,
            "monthly_price": price,
            "questions_asked": pl.Series([int(n) if k else None for n, k in zip(asked, known, strict=True)]),
            TARGETS[answers]: _outcomes(answers, score, drawn),
        }
    )


def _outcomes(answers: Answers, score: np.ndarray, drawn: np.random.Generator) -> np.ndarray:
    if answers == "regression":
        return np.round(np.maximum(0.0, 40 + 12 * score + drawn.normal(0, 8, score.size)), 2)
    if answers == "binary":
        return np.asarray(drawn.random(score.size) < 1 / (1 + np.exp(-score)))
    pull = np.column_stack([score, -1.0 - score, np.full(score.size, 0.5)]) + drawn.gumbel(size=(score.size, 3))
    return np.asarray(_CHOICES[pull.argmax(axis=1)])
