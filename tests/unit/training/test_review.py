"""Keep on proof of worth, a candidate to drop on proof of none, unknown on anything else."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.intervals import Interval
from homeostat.training.review import FeatureWorth, ReviewLimits, judge_worth

LIMITS = ReviewLimits()


def between(low: float, high: float, days: int = 14, rows: int = 5_000) -> Interval:
    return Interval((low + high) / 2, low, high, days, rows, 0.95)


SEEN = FeatureWorth("x", 5_000, 14, ("v3", "v2"), {"v3": between(-0.001, 0.004), "v2": between(0.0, 0.002)})
NONE, SOME, MUCH = between(-0.0004, 0.0004), between(-0.002, 0.004), between(0.003, 0.009)


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        ({"without": MUCH}, "KEEP", "trained without it, log-loss rises by at least 0.003 > 0"),
        (
            {"without": MUCH, "loss": "squared error"},
            "KEEP",
            "trained without it, squared error rises by at least 0.003",
        ),
        ({"without": NONE}, "DROP", "trained without it, log-loss rises by at most 0.0004 <= 0.0005"),
        ({"without": NONE, "importance": {"v3": MUCH}}, "DROP", "trained without it"),
        ({"without": MUCH, "importance": {"v3": NONE}}, "KEEP", "trained without it"),
        ({"importance": {"v3": NONE, "v2": MUCH}}, "KEEP", "shuffled, it costs v2 at least 0.003 > 0.0005"),
        ({"importance": {"v3": NONE, "v2": NONE}}, "DROP", "shuffled, it costs v3 at most 0.0004 <= 0.0005"),
        ({"importance": {"v3": NONE}, "without": SOME}, "INCONCLUSIVE", "trained without it, between -0.002 and 0.004"),
        ({}, "INCONCLUSIVE", "shuffled, it costs v3 between -0.001 and 0.004; 0.0005 is harmless"),
        ({"importance": {}}, "DROP", "no live version takes it: v3, v2"),
        ({"importance": {}, "without": MUCH}, "KEEP", "at least 0.003"),
        ({"importance": {"v3": NONE, "v2": None}}, "INCONCLUSIVE", "v2 could not be scored"),
        ({"live": (), "importance": {}}, "INCONCLUSIVE", "no version serves yet"),
        ({"days": 6}, "INCONCLUSIVE", "labels on 6 recent days < 7 needed"),
        ({"rows": 999}, "INCONCLUSIVE", "999 recent labelled rows < 1000 needed"),
    ],
)
def test_the_recommendation_follows_the_evidence_and_quotes_it(change: dict[str, Any], name: str, said: str) -> None:
    verdict = judge_worth(dataclasses.replace(SEEN, **change), LIMITS)
    assert verdict.name == name
    assert said in verdict.texts[0]


@pytest.mark.parametrize("few", [between(0.003, 0.009, days=6), between(-0.0004, 0.0004, rows=999)])
def test_retraining_judged_on_little_decides_nothing(few: Interval) -> None:
    assert judge_worth(dataclasses.replace(SEEN, without=few), LIMITS).name == "INCONCLUSIVE"


@given(st.floats(-0.01, 0.01), st.floats(0, 0.01), st.floats(0, 0.01))
def test_a_wider_interval_never_turns_keep_into_drop_or_back(value: float, narrow: float, wider: float) -> None:
    names = [
        judge_worth(dataclasses.replace(SEEN, without=between(value - reach, value + reach)), LIMITS).name
        for reach in (narrow, narrow + wider)
    ]
    assert set(names) != {"KEEP", "DROP"}


@given(st.floats(-0.01, 0.01), st.floats(0, 0.005), st.floats(0, 0.01))
def test_a_greater_worth_is_never_dropped_where_a_smaller_one_is_kept(value: float, reach: float, more: float) -> None:
    less, greater = (
        judge_worth(dataclasses.replace(SEEN, without=between(v - reach, v + reach)), LIMITS).name
        for v in (value, value + more)
    )
    assert (less, greater) != ("KEEP", "DROP")


@pytest.mark.parametrize("wrong", [{"harmless": -0.1}, {"min_days": 2}, {"confidence": 1.0}])
def test_limits_that_prove_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match="proves nothing"):
        ReviewLimits(**wrong)  # type: ignore[arg-type]
