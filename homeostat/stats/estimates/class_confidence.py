"""How right answers over several classes are likely to be before labels come: from chances and what they were worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Floats
from homeostat.stats.estimates.ahead import ahead, moved_from
from homeostat.stats.estimates.confidence import Estimated, jackknifed
from homeostat.stats.figures.calibration import fit_calibration
from homeostat.stats.figures.class_figures import CLASS_BINS, CLASS_FIGURES, ClassFigure, Tables
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.sums import pooled
from homeostat.stats.intervals import MIN_BLOCKS

FOLDS = 10
"""Runs of past days are left out in so many parts, each read by what the others say."""
STRANGE = 0.01
"""Where more than this share of rows is answered with classes that were never answered before, nothing is known."""
_STEPS, _NUDGE = 64, 1e-3


def estimated_classes(
    rows_by_score: ArrayLike,
    history: Sequence[ClassSums],
    *,
    days: int = 1,
    before: int = 0,
    confidence: float = 0.95,
) -> dict[str, Estimated | NotEnoughData]:
    """Estimate every figure of `class_figures.CLASS_FIGURES` before labels are in; where one has no value, the reason.

    Args: as of `confidence.estimated`; ``rows_by_score`` is as of `class_figures.class_counts`. What a chance is worth
    is learnt for each class alone, of rows that it is the answer to and of the others; what the classes that are not
    the answer come to is drawn to what is left of the rows. That a row is of one class only is known of all rows
    together, not of each, so ``sampling`` may be a fifth too small.
    Raises: NotEnoughData, its ``reason`` among the facts, without rows, with a history of fewer than 3 runs of ``days``
    days or of one class, or where rows are answered with a class that the history has no answer of; InvalidInput for
    counts that do not fit.
    Source: as of `confidence.estimated`; for each class alone, Zadrozny and Elkan (2002), KDD, 694-699; for the answer
    apart from the others, Gupta and Ramdas (2022), Top-label calibration and multiclass-to-binary reductions, ICLR.

    >>> from homeostat.stats.figures.class_figures import class_counts
    >>> rng = np.random.default_rng(1)
    >>> def day():
    ...     chances = rng.dirichlet([1, 1, 1], 300)
    ...     return ClassSums.of([rng.choice(3, p=one) for one in chances], chances)
    >>> found = estimated_classes(class_counts(rng.dirichlet([1, 1, 1], 300)), [day() for _ in range(15)])
    >>> bounds = found["accuracy"].interval
    >>> bounds.low < 0.61 < bounds.high, bounds.blocks
    (True, 15)
    """
    if days < 1 or before < 0:
        raise InvalidInput(f"{days} days after {before} are no trail.", mend="Pass days >= 1 and before >= 0.")
    case = _case(np.asarray(rows_by_score, dtype=np.float64), [day for day in history if day.rows], days, before)
    found: dict[str, Estimated | NotEnoughData] = {}
    for name, figure in CLASS_FIGURES.items():
        try:
            found[name] = _estimate(figure, case, confidence)
        except NotEnoughData as error:
            found[name] = error
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Case:
    """As `confidence` has it: tables of labelled rows that the figure covers, and of those expected; ``realised`` are
    the past runs with what each one's trail covers besides, as they were, and ``heads`` and ``foretold`` the same as
    they were expected. ``moved`` is what comes true otherwise in each group of cells, with its ``variance``."""

    known: Tables
    to_come: Tables
    by_others: Tables
    moved: Tables
    variance: Floats
    realised: Sequence[ClassSums]
    heads: Tables
    foretold: Tables
    rows: int
    days: int
    moved_past: Floats
    moved_now: float


def _case(rows: Floats, history: Sequence[ClassSums], days: int, before: int) -> _Case:
    tables = _tables(rows, history, days)
    ends = range(len(tables), days - 1, -days)
    runs = np.stack([tables[end - days : end].sum(axis=0) for end in ends])
    whole, known = tables.sum(axis=0), tables[len(tables) - min(before, len(tables)) :].sum(axis=0)
    _same_answers(rows, whole)
    fold = np.arange(len(runs)) % min(FOLDS, len(runs))
    chances = chances_by_class(whole)
    answered, all_answered = runs[:, :, 1].sum(axis=-2), whole[:, 1].sum(axis=-2)
    others = np.stack([chances_by_class(whole - runs[fold == one].sum(axis=0)) for one in range(fold.max() + 1)])
    to_come = _outcomes(rows, chances)
    moved, variance = _moved(to_come)
    return _Case(
        known,
        to_come,
        _outcomes(rows, others),
        moved,
        variance,
        [pooled(history[max(0, end - days - before) : end]) for end in ends],
        np.stack([tables[max(0, end - days - before) : end - days].sum(axis=0) for end in ends]),
        _outcomes(runs.sum(axis=-2), others[fold]),
        int(rows[0].sum() + known[0].sum()),
        days,
        np.array([moved_from((all_answered - run).ravel(), run.ravel()) for run in answered]),
        moved_from(all_answered.ravel(), rows[:, 1].ravel()),
    )


def _tables(rows: Floats, history: Sequence[ClassSums], days: int) -> Tables:
    """The history as tables. Raises: as `estimated_classes`."""
    kept = [table for day in history if (table := day.table) is not None]
    if len(kept) < len(history):
        mend = "Wait until the days that did not count chances are older than those that estimates stand on."
        raise NotEnoughData("Some labelled days did not count chances.", mend=mend, reason="scores_not_counted")
    if len(kept) // days < MIN_BLOCKS:
        raise NotEnoughData(
            f"{len(kept)} labelled days hold {len(kept) // days} runs of {days}; {MIN_BLOCKS} are the least.",
            mend="Wait for labels to mature.",
            reason="too_few_matured_days",
        )
    if rows.shape != (len(kept[0]), 2, CLASS_BINS) or not np.isfinite(rows).all() or rows.min() < 0.0:
        raise InvalidInput("Rows do not fit the classes of the history.", mend="Count them with class_counts.")
    if not rows.any():
        raise NotEnoughData("No row has chances.", mend="Wait for traffic.", reason="no_rows")
    return np.stack(kept)


def _same_answers(rows: Floats, whole: Tables) -> None:
    """Raises: NotEnoughData where what is answered now was never answered before, or all was of one class."""
    if np.count_nonzero(whole[:, :, 1].sum(axis=(1, 2))) < 2:
        mend = "Take a longer span, so that others occur."
        raise NotEnoughData("Labels of one class do not show what chances are worth.", mend=mend, reason="one_class")
    now, then = rows[:, 1].sum(axis=1), whole[:, 1].sum(axis=(1, 2))
    strange = float(now[then == 0.0].sum() / now.sum())
    if strange > STRANGE:
        mend = "Wait for labels of such rows."
        problem = f"{strange:.0%} of rows have answers that none had before."
        raise NotEnoughData(problem, mend=mend, reason="answers_never_seen")


def chances_by_class(table: Tables) -> Floats:
    """What a chance is worth by class, of rows that it is the answer to and of the others: (classes, 2, bins)."""
    return np.stack([np.stack([_worth(one, answered) for answered in (0, 1)]) for one in table])


def _worth(table: Tables, answered: int) -> Floats:
    """Of one class; where such rows alone have one outcome, of all rows."""
    for lost, won in (table[answered], table.sum(axis=0)):
        if lost.any() and won.any():
            return fit_calibration(lost, won, bins=CLASS_BINS).chances
    return np.full(CLASS_BINS, float(table[:, 1].any()))


def _outcomes(rows: Floats, chances: Floats) -> Tables:
    """Expected rows by class, answer, outcome and chance: each row comes true once."""
    true = rows * chances
    hits, others = true[..., 1, :].sum((-2, -1)), true[..., 0, :].sum((-2, -1))
    left = rows[..., 0, :, :].sum((-2, -1)) - hits
    drawn = np.where(others > 0.0, left / np.where(others > 0.0, others, 1.0), 1.0)
    true[..., 0, :] = np.minimum(true[..., 0, :] * drawn[..., None, None], np.broadcast_to(rows, true.shape)[..., 0, :])
    return np.stack([rows - true, true], axis=-2)


def _moved(to_come: Tables) -> tuple[Tables, Floats]:
    """A little more that comes true in each group of cells, the less of other classes, and how much each varies."""
    every = to_come.sum(axis=-2)
    variance = to_come[..., 0, :] * to_come[..., 1, :] / np.where(every > 0.0, every, 1.0)
    each = max(1, _STEPS // variance[..., 0].size)
    shapes = []
    for place in np.ndindex(variance.shape[:2]):
        for group in np.array_split(np.flatnonzero(variance[place] > 0.0), each):
            if group.size:
                shape = np.zeros_like(variance)
                shape[(*place, group)] = variance[(*place, group)]
                shapes.append(shape)
    found = np.reshape(shapes, (-1, *variance.shape))
    moved = found - _instead(found, to_come[:, 0, 1])
    return _NUDGE * np.stack([-moved, moved], axis=-2), found.sum(axis=(1, 2, 3))


def _instead(shapes: Floats, others: Floats) -> Floats:
    """What comes true less where a row is of one class: of the classes that are not the answer, by their share."""
    left = np.array([others * (np.arange(len(others)) != mine)[:, None] for mine in range(len(others))])
    totals = left.sum(axis=(1, 2))
    left /= np.where(totals > 0.0, totals, 1.0)[:, None, None]
    found = np.zeros_like(shapes)
    found[:, :, 0] = np.tensordot(shapes.sum(axis=(2, 3)), left, axes=1)
    return found


def _estimate(figure: ClassFigure, case: _Case, confidence: float) -> Estimated:
    value = float(figure.expected(case.known, case.to_come))
    if not np.isfinite(value):
        raise _undefined(figure.name, "of these rows")
    told = np.array([_figure(one, figure.name) for one in case.realised])
    misses = told - figure.expected(case.heads, case.foretold)
    known = np.isfinite(misses)
    misses, moved = misses[known], case.moved_past[known]
    if misses.size < MIN_BLOCKS:
        raise _undefined(figure.name, f"on all but {misses.size} past runs of days")
    missed, sampling = float(np.sqrt(np.mean(misses**2))), _sampling(figure, case)
    calibration = jackknifed(figure.expected(case.known, case.by_others))
    to_come = ahead(misses, moved=moved, now=case.moved_now, days=case.days)
    chance = float(np.hypot(sampling, calibration))
    around = to_come.around(value, chance, blocks=int(misses.size), rows=case.rows, confidence=confidence)
    low, high = max(figure.low, around.low), min(figure.high, around.high)
    return Estimated(dataclasses.replace(around, low=low, high=high), sampling, calibration, missed)


def _figure(sums: ClassSums, name: str) -> float:
    try:
        return sums.figure(name)
    except NotEnoughData:
        return float("nan")


def _sampling(figure: ClassFigure, case: _Case) -> float:
    """The standard error from which rows come true, by the delta method."""
    expected = case.known + case.to_come
    slopes = (figure.of(expected + case.moved) - figure.of(expected)) / (_NUDGE * case.variance)
    return float(np.sqrt(np.nansum(slopes**2 * case.variance)))


def _undefined(name: str, where: str) -> NotEnoughData:
    return NotEnoughData(f"{name} is undefined {where}.", mend="Wait for labels to mature, and for other answers.")
