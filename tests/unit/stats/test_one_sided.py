"""Labels that are all alike: when chance cannot have made them so."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.one_sided import by_no_chance, only_label, other_share


def yes_or_no(rows: int, true: int) -> ScoreSums:
    return ScoreSums.of([True] * true + [False] * (rows - true), [0.5] * rows)


def classes(*rows: int) -> ClassSums:
    truth = np.repeat(np.arange(len(rows)), rows)
    return ClassSums.of(truth, np.full((truth.size, len(rows)), 1.0 / len(rows)))


def numbers(*values: float) -> NumberSums:
    return NumberSums.of(values, [0.0] * len(values))


@pytest.mark.parametrize(
    ("day", "usual", "expected"),
    [
        (yes_or_no(900, 0), [yes_or_no(900, 200)] * 28, True),
        (yes_or_no(900, 900), [yes_or_no(900, 200)] * 28, True),
        (yes_or_no(900, 1), [yes_or_no(900, 200)] * 28, False),
        (yes_or_no(5, 0), [yes_or_no(5, 2)] * 28, False),
        (yes_or_no(900, 0), [yes_or_no(900, 9)] * 28, False),
        (yes_or_no(900, 900), [yes_or_no(900, 9)] * 28, True),
        (yes_or_no(900, 0), [yes_or_no(900, 200)] * 6, False),
        (yes_or_no(900, 0), [*[yes_or_no(900, 200)] * 27, yes_or_no(900, 0)], False),
        (yes_or_no(900, 0), [*[yes_or_no(900, 200)] * 24, *[yes_or_no(5, 0)] * 4], True),
        (yes_or_no(900, 0), [yes_or_no(400, 90)] * 28, False),
        (classes(0, 500, 0), [classes(200, 200, 100)] * 9, True),
        (classes(0, 500, 0), [classes(4, 495, 1)] * 9, False),
        (numbers(*[7.5] * 300), [numbers(*np.linspace(0.0, 9.0, 300))] * 9, True),
        (numbers(*[0.0] * 300), [numbers(*[0.0] * 290, *[1.0] * 10)] * 9, False),
        (numbers(*[0.0] * 300), [numbers(*[0.0] * 150, *range(1, 151))] * 9, True),
        (numbers(1.0, 1.0), [numbers(1.0, 2.0)] * 9, False),
        (yes_or_no(0, 0), [yes_or_no(900, 200)] * 28, False),
    ],
)
def test_labels_are_alike_by_no_chance_where_days_like_it_never_came_near(
    day: Sums, usual: list[Sums], expected: bool
) -> None:
    assert by_no_chance(day.rows, day, usual) is expected


@pytest.mark.parametrize(
    ("values", "label"),
    [
        ([0.1] * 200, 0.1),
        ([0.1] * 150 + [0.2] * 50, 0.1),
        (list(range(300)), 17.0),
        ([-3.0] * 10 + [0.0] * 80 + [2.0] * 310, 0.0),
        ([1.0, 2.0], 9.0),
    ],
)
def test_of_numbers_the_share_of_others_is_never_told_too_high_and_hardly_too_low(
    values: list[float], label: float
) -> None:
    told, true = other_share(numbers(*values), label), float(np.mean(np.array(values) != label))
    assert true - 3 * np.ceil(len(values) / 64) / len(values) <= told <= true


def test_the_label_that_all_rows_have_is_told_and_of_rows_that_differ_none() -> None:
    assert [only_label(one) for one in (yes_or_no(3, 3), yes_or_no(3, 0), yes_or_no(3, 1))] == [1.0, 0.0, None]
    assert [only_label(one) for one in (classes(0, 0, 4), classes(1, 0, 4))] == [2.0, None]
    assert [only_label(one) for one in (numbers(*[0.1] * 99), numbers(0.1, 0.1001))] == [pytest.approx(0.1), None]
    assert only_label(yes_or_no(0, 0)) is None


def test_more_rows_alike_are_never_more_like_chance() -> None:
    usual = [yes_or_no(500, 40)] * 9
    said = [by_no_chance(rows, yes_or_no(500, 0), usual) for rows in range(1, 1_000)]
    assert said == sorted(said)
    assert said[337:340] == [False, True, True]
