"""Judging material: candidate and champion on the same held-out rows, paired, with one day as the block.

Pure: labels, scores and days in, frozen figures out. Whether they suffice is the gate's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from homeostat.kernel.canonical import plain
from homeostat.kernel.clock import Instant, format_instant
from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.kernel.words import plural
from homeostat.stats import intervals, metrics
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.intervals import Interval, in_units
from homeostat.stats.tasks import BINARY, Task
from homeostat.training.comparison import ServedComparison

Floats = NDArray[np.float64]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Matured rows that no model in the comparison was trained on.

    ``labels`` are booleans, numbers or places of classes, ``asked_at`` instants, ``days`` numbers the local day of each
    row.
    """

    labels: NDArray[Any]
    asked_at: NDArray[np.int64]
    days: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figures:
    """One version on the held-out rows; None where a figure is undefined there.

    ``log_loss`` is in nats per row; ``skill`` is the part of the loss of a constant answer (the base rate, the mean)
    that it saves. ``others`` are the further figures of what is no yes or no, by name.
    """

    version: str
    log_loss: float | None
    brier: float | None
    roc_auc: float | None
    skill: Interval | None
    others: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Both versions on the same rows; ``difference`` is candidate minus champion, per row: in nats, or as a share of
    what the best constant number costs.

    ``first`` and ``last`` are when the earliest and latest of the ``rows`` were asked; ``days`` counts
    blocks. None stands for unknown: no champion, too few days, or only one outcome. ``served`` compares the
    features that the candidate was trained on with those that serving produces; None before it produced any.
    ``telling`` features, or pairs as "a with b", tell the labels apart by themselves, and the candidate's skill is
    suspiciously high.
    """

    rows: int
    days: int
    first: Instant
    last: Instant
    base_rate: float | None
    candidate: Figures
    champion: Figures | None
    difference: Interval | None
    served: ServedComparison | None = None
    task: Mapping[str, Any] | None = None
    telling: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """JSON values only; ``from_json`` reads them back."""
        values: dict[str, Any] = plain(self)
        for one in (values["candidate"], values["champion"] or {}):
            if not one.get("others"):
                one.pop("others", None)
        unsaid = {name for name in ("task", "telling") if not values[name]}
        return {name: value for name, value in values.items() if name not in unsaid}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Evaluation:
        """Read what ``to_json`` wrote; raises KeyError or TypeError where a part is missing."""
        fields = dict(values)
        candidate, champion = _figures(fields.pop("candidate")), fields.pop("champion")
        served = fields.pop("served", None)
        return cls(
            candidate=candidate,
            champion=None if champion is None else _figures(champion),
            difference=_interval(fields.pop("difference")),
            served=None if served is None else ServedComparison.from_json(served),
            telling=tuple(fields.pop("telling", ())),
            **fields,
        )


def evaluate(
    held_out: HeldOut,
    candidate: tuple[str, Floats],
    champion: tuple[str, Floats] | None = None,
    *,
    confidence: float = 0.95,
    task: Task = BINARY,
) -> Evaluation:
    """Measure one or two versions, each given as its name and its answer to every held-out row.

    Raises: NotEnoughData without rows; InvalidInput where scores are missing or not one per row.
    """
    rows = held_out.labels.size
    if rows == 0:
        mend = "Hold out a longer span, or wait for labels to mature."
        raise NotEnoughData("No matured row is left to judge a version on.", mend=mend, rows=0)
    return Evaluation(
        rows=rows,
        days=int(np.unique(held_out.days).size),
        first=int(held_out.asked_at.min()),
        last=int(held_out.asked_at.max()),
        base_rate=float(held_out.labels.mean()) if task == BINARY else None,
        candidate=measure(held_out, *candidate, confidence=confidence, task=task),
        champion=None if champion is None else measure(held_out, *champion, confidence=confidence, task=task),
        difference=None if champion is None else _difference(held_out, candidate[1], champion[1], confidence, task),
        task=None if task == BINARY else task.to_json(),
    )


def measure(
    held_out: HeldOut, version: str, scores: Floats, *, confidence: float = 0.95, task: Task = BINARY
) -> Figures:
    """One version's figures; an undefined one is None, never 0."""
    _one_score_per_row(held_out, version, scores)
    labels = held_out.labels
    if task != BINARY:
        blocks = _by_day(held_out, scores, task)
        told = {name: _or_none(partial(task.figure, name, blocks)) for name in task.figures if name != "skill"}
        return Figures(
            version=version,
            log_loss=told.pop("log_loss", None),
            brier=told.pop("brier", None),
            roc_auc=told.pop("roc_auc", None),
            skill=_or_none(lambda: task.interval("skill", blocks, confidence=confidence)),
            others={name: value for name, value in told.items() if value is not None},
        )
    return Figures(
        version=version,
        log_loss=metrics.log_loss(labels, scores),
        brier=metrics.brier(labels, scores),
        roc_auc=_or_none(lambda: metrics.roc_auc(labels, scores)),
        skill=_or_none(lambda: skill_interval(held_out, scores, confidence=confidence)),
    )


def skill_interval(held_out: HeldOut, scores: Floats, *, confidence: float = 0.95) -> Interval:
    """The share of the base rate's log-loss that is saved, with bounds by leaving out a day at a time.

    Raises: NotEnoughData with fewer than 3 days or only one outcome.
    """
    losses = metrics.log_losses(held_out.labels, scores)
    columns = (losses, held_out.labels.astype(np.float64))
    sums = [intervals.block_sums(column, held_out.days) for column in columns]
    table = np.column_stack([sums[0][0], sums[1][0], sums[0][1]])
    return intervals.jackknife(_skill_of_sums, table, rows=losses.size, confidence=confidence)


def _by_day(held_out: HeldOut, scores: Floats, task: Task) -> list[Sums]:
    chosen = [held_out.days == day for day in np.unique(held_out.days)]
    return [task.sums(held_out.labels[mine], scores[mine]) for mine in chosen]


def promise_of(evaluation: Evaluation) -> dict[str, float | str]:
    """What the candidate promises for the days to come; live outcomes are later held against it."""
    figures, skill = evaluation.candidate, evaluation.candidate.skill
    found: dict[str, float | str | None] = {
        "base_rate": evaluation.base_rate,
        "brier": figures.brier,
        "days": float(evaluation.days),
        "first": format_instant(evaluation.first),
        "last": format_instant(evaluation.last),
        "log_loss": figures.log_loss,
        "roc_auc": figures.roc_auc,
        "rows": float(evaluation.rows),
        "skill": None if skill is None else skill.value,
        "skill_low": None if skill is None else skill.low,
        "skill_high": None if skill is None else skill.high,
        "confidence": None if skill is None else skill.confidence,
        **figures.others,
    }
    return {name: value for name, value in found.items() if value is not None}


def _difference(
    held_out: HeldOut, candidate: Floats, champion: Floats, confidence: float, task: Task
) -> Interval | None:
    mine, theirs = (task.losses(held_out.labels, scores) for scores in (candidate, champion))
    unit = task.sums(held_out.labels, candidate).unit
    found = _or_none(lambda: intervals.block_mean(mine - theirs, held_out.days, confidence=confidence))
    return None if found is None else in_units(found, unit)


def _skill_of_sums(total: Floats) -> float:
    loss, positives, rows = (float(value) for value in total)
    return metrics.skill_of(loss / rows, positives / rows)


def _or_none(figure: Callable[[], T]) -> T | None:
    try:
        return figure()
    except NotEnoughData:
        return None


def _one_score_per_row(held_out: HeldOut, version: str, scores: Floats) -> None:
    if scores.shape[:1] != held_out.labels.shape:
        raise InvalidInput(
            f"{version} gave scores of shape {scores.shape} for {plural(held_out.labels.size, 'row')}.",
            mend="Give one answer per row.",
            version=version,
        )


def _figures(values: Mapping[str, Any]) -> Figures:
    return Figures(**{**values, "skill": _interval(values["skill"])})


def _interval(values: Mapping[str, Any] | None) -> Interval | None:
    return None if values is None else Interval(**values)
