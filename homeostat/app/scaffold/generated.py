"""Rows that are made up, for a loop to run on before there are any."""

from __future__ import annotations

import numpy as np
import polars as pl

from homeostat.kernel.clock import Instant, duration

TARGET = "left"
_ROWS, _DAYS = 3_000, 60


def generated_rows(now: Instant, seed: int = 7) -> pl.DataFrame:
    """Customers and whether they left: who pays much, came lately and had to ask often leaves sooner."""
    drawn = np.random.default_rng(seed)
    end = now // duration("1d") * duration("1d") - duration("1d")
    at = np.sort(end - drawn.integers(0, _DAYS * duration("1d"), _ROWS))
    plan = drawn.choice(["basic", "family", "business"], _ROWS, p=[0.5, 0.3, 0.2])
    months = drawn.integers(0, 72, _ROWS)
    price = np.round(drawn.normal(30, 8, _ROWS) + 12 * (plan == "business"), 2)
    asked = drawn.poisson(1.2, _ROWS)
    known = drawn.random(_ROWS) > 0.05
    score = 0.05 * (price - 30) - 0.03 * months + 0.5 * asked + 0.6 * (plan == "basic") - 1.0
    left = drawn.random(_ROWS) < 1 / (1 + np.exp(-score))
    return pl.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in range(_ROWS)],
            "asked_at": pl.Series(at).cast(pl.Datetime("us", "UTC")),
            "plan": plan,
            "months": months,
            "monthly_price": price,
            "questions_asked": pl.Series([int(n) if k else None for n, k in zip(asked, known, strict=True)]),
            TARGET: left,
        }
    )
