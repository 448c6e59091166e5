"""What each day is expected to show, made when it ends from its scores and the labels that were mature by then."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from homeostat.control.days import Day
from homeostat.control.reading import TRAIL_DAYS
from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.estimates import Estimate, estimate_of
from homeostat.monitoring.signals import Unknown
from homeostat.stats.estimates.class_confidence import estimated_classes
from homeostat.stats.estimates.confidence import estimated
from homeostat.stats.figures.calibration import Method, chosen_method
from homeostat.stats.figures.class_figures import CLASS_BINS, CLASS_FIGURES
from homeostat.stats.figures.class_sums import ClassSums
from homeostat.stats.figures.scores import FIGURES
from homeostat.stats.figures.sums import ScoreSums
from homeostat.stats.intervals import MIN_BLOCKS

HISTORY = 28
"""Matured days on which scores are calibrated: every weekday four times, and few enough to follow a season."""
RUNS = 8
"""Where labels take long, more days: so many runs of days as long as those without labels."""
BY_CLASS = "by class"
Scored = ScoreSums | ClassSums
"""What is kept of labelled rows whose answers say how sure they are."""


def with_estimates(days: Sequence[Day], changed: Iterable[Day], threshold: float) -> list[Day]:
    """The changed days, oldest first; those that have just ended with what is expected of them.

    Only labels that were mature when a day ended count, whenever this is asked: the estimate can be recomputed.
    """
    news = sorted(changed, key=lambda day: day.start)
    known = sorted({day.day: day for day in (*days, *news)}.values(), key=lambda day: day.start)
    return [_with_estimate(day, known, threshold) if _is_new(day) else day for day in news]


def matured_by(days: Sequence[Day], instant: int) -> list[Day]:
    """The days with labelled rows whose labels were mature at an instant."""
    return [day for day in days if day.outcomes and day.outcomes.live.rows and day.mature_at <= instant]


def scored_of(days: Sequence[Day]) -> list[ScoreSums]:
    """The labelled rows of days of a yes-or-no loop, as they were answered."""
    return [day.outcomes.live for day in days if day.outcomes and isinstance(day.outcomes.live, ScoreSums)]


def judged_of(days: Sequence[Day], classes: int = 0) -> list[Scored]:
    """The labelled rows of days by what was said: of a yes or no, or over so many classes."""
    if not classes:
        return list(scored_of(days))
    lives = (day.outcomes.live for day in days if day.outcomes)
    return [one for one in lives if isinstance(one, ClassSums) and len(one.counts) == classes**2]


def recent(matured: Sequence[Scored], unlabelled: int = 1) -> list[Scored]:
    """The newest of the matured days, oldest first, as many as scores are calibrated on."""
    return list(matured[-max(HISTORY, RUNS * unlabelled) :])


def method_of(history: Sequence[Scored]) -> str:
    """How scores are calibrated on these days."""
    scored = [one for one in history if isinstance(one, ScoreSums)]
    if len(scored) < len(history):
        return BY_CLASS
    return _method_of(scored)


def _method_of(history: Sequence[ScoreSums]) -> Method:
    positives = sum(block.positives for block in history)
    return chosen_method(sum(block.rows for block in history) - positives, positives)


def _is_new(day: Day) -> bool:
    made = day.inputs.estimated
    return made is not None and bool(made.scores) and not made.figures


def _with_estimate(day: Day, days: Sequence[Day], threshold: float) -> Day:
    made = day.inputs.estimated
    assert made is not None
    before = [one for one in days if one.start < day.start]
    labelled = matured_by(before, day.end)
    everything = judged_of(labelled, made.classes)
    late = [one for one in before[1 - TRAIL_DAYS :] if one.outcomes is None or one.mature_at > day.end]
    others = (one.inputs.estimated for one in late)
    waiting = [one.scores for one in others if one and len(one.scores) == len(made.scores)]
    unlabelled = 1 + len(waiting)
    history = recent(everything, unlabelled)
    trail = tuple(map(sum, zip(made.scores, *waiting, strict=True)))
    told = dataclasses.replace(
        made,
        method=method_of(history),
        threshold=threshold,
        days=len(history),
        rows=sum(sums.rows for sums in history),
        unlabelled=unlabelled,
        figures=estimates(made.scores, history, threshold, classes=made.classes),
        trail=estimates(trail, history, threshold, unlabelled=unlabelled, trail=TRAIL_DAYS, classes=made.classes),
    )
    return dataclasses.replace(day, inputs=dataclasses.replace(day.inputs, estimated=told))


def estimates(
    scores: Sequence[int],
    history: Sequence[Scored],
    threshold: float,
    *,
    unlabelled: int = 1,
    trail: int = 0,
    classes: int = 0,
) -> dict[str, Estimate]:
    """Every figure of ``unlabelled`` days together, with the labelled ones that make a trail of ``trail`` days full.

    Unknown, and why: ``no_rows``, ``too_few_matured_days``, ``one_class``, ``undefined``; of several ``classes`` also
    ``answers_never_seen`` and ``scores_not_counted``.
    """
    before = max(0, trail - unlabelled)
    if classes:
        return _of_classes(scores, [one for one in history if isinstance(one, ClassSums)], unlabelled, before, classes)
    return _of_scores(scores, [one for one in history if isinstance(one, ScoreSums)], threshold, unlabelled, before)


def _of_classes(
    scores: Sequence[int], history: Sequence[ClassSums], unlabelled: int, before: int, classes: int
) -> dict[str, Estimate]:
    rows = np.array(scores, dtype=np.float64).reshape(classes, 2, -1) if scores else np.zeros((classes, 2, CLASS_BINS))
    try:
        found = estimated_classes(rows, history, days=unlabelled, before=before)
    except NotEnoughData as error:
        return dict.fromkeys(CLASS_FIGURES, Estimate(Unknown(str(error.facts.get("reason", "undefined")))))
    return {name: estimate_of(one) for name, one in found.items()}


def _of_scores(
    scores: Sequence[int], history: Sequence[ScoreSums], threshold: float, unlabelled: int, before: int
) -> dict[str, Estimate]:
    rows, positives = (sum(getattr(sums, name) for sums in history) for name in ("rows", "positives"))
    why = None
    if not sum(scores):
        why = Unknown("no_rows")
    elif len(history) // unlabelled < MIN_BLOCKS:
        why = Unknown("too_few_matured_days")
    elif not 0 < positives < rows:
        why = Unknown("one_class")
    if why is not None:
        return dict.fromkeys(FIGURES, Estimate(why))
    try:
        found = estimated(scores, history, threshold=threshold, days=unlabelled, before=before)
    except NotEnoughData:  # both classes occur, but not without one of the days
        return dict.fromkeys(FIGURES, Estimate(Unknown("one_class")))
    return {name: estimate_of(one) for name, one in found.items()}
