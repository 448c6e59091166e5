"""Rows whose labels never came: told from those with one where they differ, Unknown where they are too few."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeostat.kernel.errors import InvalidInput
from homeostat.kernel.verdicts import INCONCLUSIVE
from homeostat.monitoring.absent import LIMIT, apart, by_score, judge_absent
from homeostat.monitoring.signals import EXCEEDED, WITHIN, Unknown
from homeostat.stats.figures.sums import SCORE_BINS
from tests.harness.examples import examples


def test_rows_that_lack_labels_for_a_reason_are_told_apart() -> None:
    verdict = judge_absent(
        [apart("hour", [0, 50, 450], [4_000, 3_000, 3_000]), apart("origin", [250, 250], [5_000, 5_000])]
    )
    assert verdict.name == EXCEEDED
    assert [reason.code for reason in verdict.reasons] == ["absent_above"]
    assert "hour: 0." in verdict.texts[0]
    assert "of 500 rows without a label" in verdict.texts[0]


@given(st.integers(0, 10_000), st.integers(4, 30))
@settings(max_examples=examples(40), deadline=None)
def test_rows_that_lack_labels_by_chance_are_not(seed: int, bins: int) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(bins))
    seen = apart("x", rng.multinomial(800, shares), rng.multinomial(8_000, shares))
    assert judge_absent([seen]).name == WITHIN


@pytest.mark.parametrize(
    ("absent", "present", "why"),
    [
        ([0, 0], [5, 5], "no_row_lacks_a_label"),
        ([5, 5], [0, 0], "no_labelled_row"),
        ([1, 1], [500, 500], "too_few_rows"),
    ],
)
def test_what_cannot_be_compared_says_why(absent: list[int], present: list[int], why: str) -> None:
    assert apart("x", absent, present).distance == Unknown(why)


def test_no_verdict_without_rows_is_a_pass_but_no_missing_label_is() -> None:
    assert judge_absent([]).name == INCONCLUSIVE
    assert judge_absent([apart("x", [1, 1], [5, 5])]).name == INCONCLUSIVE
    assert judge_absent([apart("x", [0, 0], [5, 5])]).name == WITHIN
    assert judge_absent([apart("x", [500, 0], [0, 0])]).name == INCONCLUSIVE
    assert LIMIT == 0.1
    with pytest.raises(InvalidInput):
        apart("x", [1, 2], [1])


def test_scores_are_compared_in_groups_that_lose_no_row() -> None:
    assert sum(by_score(range(SCORE_BINS))) == sum(range(SCORE_BINS))
    assert len(by_score([0] * SCORE_BINS)) == 32
