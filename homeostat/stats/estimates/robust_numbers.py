"""Figures of all predicted numbers where only some have a label: what errors are foretold to be, put right by labels.

What inputs went with errors foretells the error of every row; where labelled ones, each as often as it stands for rows,
were off otherwise than foretold, all are moved by as much. Right if either the chances with which rows were drawn are,
which are known, or what is foretold.
Source: Robins, Rotnitzky and Zhao (1994), Journal of the American Statistical Association 89(427), 846-866.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from homeostat.stats.estimates.parts import Foretold
from homeostat.stats.figures.left_out import left_out
from homeostat.stats.figures.number_sums import NumberSums
from homeostat.stats.figures.sums import pooled
from homeostat.stats.intervals import Interval


def robust_numbers(
    names: Sequence[str], days: Sequence[tuple[NumberSums, Foretold]], *, confidence: float = 0.95
) -> dict[str, Interval | None]:
    """Each figure over days, with bounds by leaving out a day at a time: rows that count as they are, and others.

    Returns: None for a figure that is undefined, of all days or without one of them.
    Raises: NotEnoughData with fewer than 3 days.

    >>> told = NumberSums.of([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0])
    >>> drawn, stood = NumberSums.of([1.0, 1.0], [2.0, 2.0]), NumberSums.of([0.0, 0.0], [2.0, 2.0])
    >>> found = robust_numbers(["bias"], [(NumberSums.of([], []), Foretold(told, drawn, stood))] * 4)["bias"]
    >>> found.value, found.blocks, found.rows
    (2.0, 4, 16)
    """
    return left_out(names, days, _whole, confidence)


def _whole(days: Sequence[tuple[NumberSums, Foretold]]) -> NumberSums:
    plain, told = pooled([one for one, _ in days]), [one for _, one in days]
    every, drawn, stood = (
        pooled(part) for part in ([one.every for one in told], [one.drawn for one in told], [one.stood for one in told])
    )
    return pooled([plain, _put_right(every, drawn, stood)]) if every.rows else plain


def _put_right(every: NumberSums, drawn: NumberSums, stood: NumberSums) -> NumberSums:
    """What is foretold of every row, moved by how far labelled rows were off otherwise."""
    if not stood.rows:
        return every
    share, around = every.rows / stood.rows, every.mean
    mean = around + stood.mean - drawn.mean
    second = every.spread + share * (_square(stood, around) - _square(drawn, around))
    return dataclasses.replace(
        every,
        loss=every.loss + share * (stood.loss - drawn.loss),
        error=every.error + share * (stood.error - drawn.error),
        absolute=every.absolute + share * (stood.absolute - drawn.absolute),
        squared=every.squared + share * (stood.squared - drawn.squared),
        mean=mean,
        spread=max(0.0, second - every.rows * (mean - around) ** 2),
        levels=stood.levels,
        counts=tuple(round(share * one) for one in stood.counts),
    )


def _square(sums: NumberSums, around: float) -> float:
    return sums.spread + sums.rows * (sums.mean - around) ** 2
