"""How right a scorer is likely to be before labels come: from its scores and what such scores were worth before."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats
from homeostat.stats.estimates.ahead import ahead, moved_from
from homeostat.stats.figures.calibration import Method, by_score, chosen_method, fit_calibration
from homeostat.stats.figures.scores import FIGURES, Figure, Tables, cut_of, table_of, undefined
from homeostat.stats.figures.sums import SCORE_BINS, ScoreSums
from homeostat.stats.intervals import MIN_BLOCKS, Interval

_STEPS = 64
"""Groups of bins for which the figure's slope is taken: scores within one are worth about the same."""
_NUDGE = 1e-3


@dataclass(frozen=True, slots=True)
class Estimated:
    """A figure of rows without labels, and three ways in which it may be wrong, each a standard error.

    ``sampling``: which rows come true, were every score worth exactly what is thought and rows independent;
    ``calibration``: what scores are worth, from days left out in turn; ``missed``: how far the same estimate was off
    on past days, each estimated from the others: what days have in common that scores do not show is in it.
    ``interval`` bounds the figure that labels will show: Student's t for the larger of what past misses say of those
    ahead (`ahead.ahead`) and the first two together. It is for one fixed look; ``blocks`` counts the past days or runs
    of days, ``rows`` those estimated.
    """

    interval: Interval
    sampling: float
    calibration: float
    missed: float


def estimated(
    rows_by_score: ArrayLike,
    history: Sequence[ScoreSums],
    *,
    threshold: float = 0.5,
    method: Method = "auto",
    days: int = 1,
    before: int = 0,
    confidence: float = 0.95,
) -> dict[str, Estimated | NotEnoughData]:
    """Estimate every figure of `figures.FIGURES` before labels are in; where one has no value, the reason.

    Args: ``rows_by_score`` as of `sums.score_counts`, of ``days`` days together; ``history`` has the sums of labelled
    days, oldest first, on which scores are calibrated afresh. With ``before``, the figure covers so many of the last
    days of the history too, as it will be told of a trail once all its labels are in.
    It holds while scores are worth what they were worth in ``history``: when inputs move, but not where the relation
    of inputs and outcomes has changed since; that is seen only when labels come.
    Raises: NotEnoughData without rows, or with a history of fewer than 3 runs of ``days`` days, or of one class.
    Source: Kivimäki, Białek, Nurminen and Kuberski (2024), Confidence-based estimators for predictive performance in
    model monitoring, arXiv 2407.08649; for days left out in turn, Barber, Candès, Ramdas and Tibshirani (2021),
    Predictive inference with the jackknife+, Annals of Statistics 49(1), 486-507.

    >>> from homeostat.stats.figures.sums import score_counts
    >>> rng = np.random.default_rng(1)
    >>> def day():
    ...     scores = rng.beta(2, 5, 500)
    ...     return ScoreSums.of(rng.random(500) < scores, scores)
    >>> found = estimated(score_counts(rng.beta(2, 5, 500)), [day() for _ in range(20)])
    >>> bounds = found["accuracy"].interval
    >>> bounds.low < 0.74 < bounds.high, bounds.blocks
    (True, 20)
    """
    rows = by_score("rows_by_score", rows_by_score)
    if not rows.any():
        raise NotEnoughData("No row has a score.", mend="Wait for traffic.", rows=0)
    if days < 1 or before < 0:
        raise InvalidInput(f"{days} days after {before} are no trail.", mend="Pass days >= 1 and before >= 0.")
    tables = np.reshape([table_of(day) for day in history if day.rows], (-1, 2, SCORE_BINS)).astype(np.float64)
    case, cut = _case(rows, tables, days, before, method), cut_of(threshold)
    found: dict[str, Estimated | NotEnoughData] = {}
    for name, figure in FIGURES.items():
        try:
            found[name] = _estimate(figure, case, cut, confidence)
        except NotEnoughData as error:
            found[name] = error
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """What every figure is read from: tables of rows by outcome and score, real or expected.

    ``known`` are labelled rows that the figure covers, ``to_come`` those expected, ``by_others`` the same by what
    scores are worth without each past run of days; ``moved`` what comes true otherwise than expected in each group of
    bins, with its ``variance``; ``runs`` the past runs, ``foretold`` what was expected of each from the others, and
    ``heads`` the labelled days that each one's trail covers too.
    ``moved_past`` and ``moved_now`` say how far rows by score lie from the past's, of each run and of those expected.
    """

    known: Tables
    to_come: Tables
    by_others: Tables
    moved: Tables
    variance: Floats
    runs: Tables
    foretold: Tables
    heads: Tables
    rows: int
    days: int
    moved_past: Floats
    moved_now: float


def _case(rows: Floats, tables: Tables, days: int, before: int, method: Method) -> _Case:
    ends = range(len(tables), days - 1, -days)
    if len(ends) < MIN_BLOCKS:
        raise NotEnoughData(
            f"{len(tables)} labelled days hold {len(ends)} runs of {days}; {MIN_BLOCKS} are the least.",
            mend="Wait for labels to mature.",
            days=len(tables),
        )
    runs = np.stack([tables[end - days : end].sum(axis=0) for end in ends])
    whole, known = tables.sum(axis=0), tables[len(tables) - min(before, len(tables)) :].sum(axis=0)
    method = chosen_method(*whole) if method == "auto" else method
    others = np.stack([_chances(whole - run, method) for run in runs])
    to_come = _outcomes(rows, _chances(whole, method))
    return _Case(
        known,
        to_come,
        _outcomes(rows, others),
        *_moved(to_come),
        runs,
        _outcomes(runs.sum(axis=1), others),
        np.stack([tables[max(0, end - days - before) : end - days].sum(axis=0) for end in ends]),
        int(rows.sum() + known.sum()),
        days,
        np.array([moved_from((whole - run).sum(axis=0), run.sum(axis=0)) for run in runs]),
        moved_from(whole.sum(axis=0), rows),
    )


def _estimate(figure: Figure, case: _Case, cut: int, confidence: float) -> Estimated:
    value = float(figure.expected(case.known, case.to_come, cut))
    if not np.isfinite(value):
        raise undefined(figure.name, case.known + case.to_come)
    misses = figure.of(case.heads + case.runs, cut) - figure.expected(case.heads, case.foretold, cut)
    known = np.isfinite(misses)
    misses, moved = misses[known], case.moved_past[known]
    if misses.size < MIN_BLOCKS:
        raise NotEnoughData(
            f"{figure.name} is defined on {misses.size} past runs of days; {MIN_BLOCKS} are the least.",
            mend="Wait for labels to mature.",
            runs=int(misses.size),
        )
    missed, sampling = float(np.sqrt(np.mean(misses**2))), _sampling(figure, case, cut)
    calibration = jackknifed(figure.expected(case.known, case.by_others, cut))
    to_come = ahead(misses, moved=moved, now=case.moved_now, days=case.days)
    chance = float(np.hypot(sampling, calibration))
    around = to_come.around(value, chance, blocks=int(misses.size), rows=case.rows, confidence=confidence)
    low, high = max(figure.low, around.low), min(figure.high, around.high)
    return Estimated(dataclasses.replace(around, low=low, high=high), sampling, calibration, missed)


def _moved(to_come: Tables) -> tuple[Tables, Floats]:
    """A little more that comes true in each group of bins and less that does not, and how much each group varies."""
    rows = to_come.sum(axis=0)
    variance = np.divide(to_come[0] * to_come[1], rows, out=np.zeros(SCORE_BINS), where=rows > 0.0)
    used = np.flatnonzero(variance > 0.0)
    groups = np.array_split(used, min(_STEPS, used.size)) if used.size else []
    shapes = np.zeros((len(groups), SCORE_BINS))
    for place, group in enumerate(groups):
        shapes[place, group] = variance[group]
    return _NUDGE * np.stack([-shapes, shapes], axis=1), shapes.sum(axis=1)


def _sampling(figure: Figure, case: _Case, cut: int) -> float:
    """The standard error from which rows come true: the figure's slope at each group of bins, by the delta method."""
    expected = case.known + case.to_come
    slopes = (figure.of(expected + case.moved, cut) - figure.of(expected, cut)) / (_NUDGE * case.variance)
    return float(np.sqrt(np.nansum(slopes**2 * case.variance)))


def jackknifed(figures: Floats) -> float:
    """The standard error of a figure from its values without each block. Source: Efron and Stein (1981)."""
    apart = figures - figures.mean()
    return float(np.sqrt((figures.size - 1) / figures.size * np.dot(apart, apart)))


def _outcomes(rows: Floats, chances: Floats) -> Tables:
    """Expected rows by outcome and score."""
    return np.stack([rows * (1.0 - chances), rows * chances], axis=-2)


def _chances(table: Tables, method: Method) -> Floats:
    return fit_calibration(table[0], table[1], method=method).chances
