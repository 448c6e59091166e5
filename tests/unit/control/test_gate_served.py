"""A candidate may be good on its held-out rows and still be trained on what serving does not give it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

import homeostat as hs
from homeostat.control.gates import Evidence, judge_gate
from homeostat.features.distances import Distance
from homeostat.kernel.canonical import plain
from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import ACCEPT, INCONCLUSIVE, REJECT, Verdict
from homeostat.stats.intervals import Interval
from homeostat.training.comparison import ServedComparison

LIMITS = hs.Gate()
SKILL = Interval(0.2, 0.1, 0.3, 7, 5_000, 0.95)
BETTER = Interval(-0.02, -0.03, -0.01, 7, 5_000, 0.95)


def judged(seen: ServedComparison | None, limits: hs.Gate = LIMITS) -> Verdict:
    return judge_gate(Evidence("v2", "v1", SKILL, BETTER, seen), limits)


def compared(*values: float, rows: int = 500) -> ServedComparison:
    found = [Distance(f"f{place}", "ks", value) for place, value in enumerate(values)]
    return ServedComparison(rows, 0, tuple(sorted(found, key=lambda one: -one.value)))


def test_every_feature_above_the_limit_is_named_with_its_distance_and_no_other() -> None:
    verdict = judged(compared(0.02, 0.31, 0.11))
    assert verdict.name == REJECT
    text = "as served and as trained on, features diverge on the same 500 rows: f1 (KS 0.31), f2 (KS 0.11) > 0.1"
    assert verdict.texts == (text,)
    assert (verdict.reasons[0].observed, verdict.reasons[0].limit) == (0.31, 0.1)


def test_many_features_are_counted_when_they_are_too_many_to_name() -> None:
    assert "f7 (KS 0.5) and 3 more > 0.1" in judged(compared(*[0.5] * 11)).texts[0]


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.01, 1))
def test_it_is_stopped_if_and_only_if_a_distance_exceeds_the_limit(values: list[float], limit: float) -> None:
    stopped = judged(compared(*values), hs.Gate(max_shift=limit)).name == REJECT
    assert stopped == any(value > limit for value in values)


def test_too_few_served_rows_never_promote_and_none_at_all_is_a_first_version() -> None:
    few = judged(compared(0.0, rows=29))
    assert (few.name, few.reasons[0].code) == (INCONCLUSIVE, "too_few_served_rows")
    assert judged(None).name == ACCEPT


def test_a_comparison_survives_json() -> None:
    seen = compared(0.1, 0.2)
    assert ServedComparison.from_json(json.loads(json.dumps(plain(seen)))) == seen


@pytest.mark.parametrize("wrong", [{"max_shift": 0}, {"max_shift": 1.5}, {"served": "0h"}])
def test_a_gate_that_checks_nothing_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        hs.Gate(**wrong)  # type: ignore[arg-type]
