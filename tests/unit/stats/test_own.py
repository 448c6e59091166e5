"""A figure of a user's own counts rows for as many as they stand for, whatever it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from homeostat.kernel.errors import InvalidInput
from homeostat.stats.figures.own import Own

TRUTH, SAID, WEIGHTS = np.array([1.0, 5.0, 2.0]), np.zeros(3), np.array([1.0, 3.0, 1.0])


def far(truth: Any, said: Any) -> Any:
    return np.abs(truth - said)


@pytest.mark.parametrize("function", [far, lambda truth, said: far(truth, said).mean()])
def test_rows_that_stand_for_others_count_for_them(function: Callable[[Any, Any], Any]) -> None:
    own = Own("far", "lower", function)
    assert own.weighted(TRUTH, SAID, WEIGHTS) == pytest.approx((1 + 15 + 2) / 5)
    assert own.weighted(TRUTH, SAID, np.ones(3)) == pytest.approx(own.sums(TRUTH, SAID).total / 3)


def test_a_figure_of_no_mean_sees_each_row_as_often_as_it_stands_for() -> None:
    assert Own("middle", "lower", lambda truth, said: np.median(truth)).weighted(TRUTH, SAID, WEIGHTS) == 5.0


def test_one_column_for_each_class_stays_one() -> None:
    own = Own("sure", "higher", lambda truth, said: said.max(axis=1))
    assert own.weighted(TRUTH, np.eye(3), WEIGHTS) == 1.0
    with pytest.raises(InvalidInput, match="gives"):
        Own("all", "higher", lambda truth, said: said).weighted(TRUTH, np.eye(3), WEIGHTS)
