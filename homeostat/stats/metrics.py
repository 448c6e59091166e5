"""How good probabilities of a yes-or-no outcome are; each metric is a named value one can also call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.arrays import Booleans, Floats, Integers, counts, same_length, scored

CLIP = 1e-7
"""Scores are read as within [CLIP, 1 - CLIP]: one sure mistake costs 16.1 nats, not infinity."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of labels and scores that knows its name and which way is better.

    ``function(labels, scores)`` takes labels (booleans, or 0 and 1) and probabilities in [0, 1] of the
    same rows. Raises NotEnoughData where the figure is undefined, InvalidInput for missing values.

    >>> log_loss([1, 0], [0.5, 0.5]), log_loss.better
    (0.6931471805599453, 'lower')
    >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    >>> brier([1, 0], [0.75, 0.25])
    0.0625
    """

    name: str
    better: Literal["lower", "higher"]
    function: Callable[[ArrayLike, ArrayLike], float]

    def __call__(self, labels: ArrayLike, scores: ArrayLike) -> float:
        """The figure over all rows."""
        return self.function(labels, scores)


def log_losses(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """What each row cost in nats, so that blocks of rows can be compared and paired.

    Scores are clipped to [CLIP, 1 - CLIP].

    >>> log_losses([True, False], [0.5, 0.0]).round(4).tolist()
    [0.6931, 0.0]
    """
    truth, probabilities = scored(labels, scores)
    clipped = np.clip(probabilities, CLIP, 1.0 - CLIP)
    return -np.log(np.where(truth, clipped, 1.0 - clipped))


def squared_errors(labels: ArrayLike, scores: ArrayLike) -> Floats:
    """The Brier score of each row, in [0, 1]."""
    truth, probabilities = scored(labels, scores)
    return np.square(probabilities - truth)


def entropy(rate: float) -> float:
    """The log-loss, in nats, of always answering ``rate`` where ``rate`` is the truth's own share.

    Raises: InvalidInput outside [0, 1], NaN included.

    >>> entropy(0.5), entropy(0.0)
    (0.6931471805599453, 0.0)
    """
    if not 0.0 <= rate <= 1.0:
        raise InvalidInput(f"{rate} is not a rate.", mend="Pass a share in [0, 1].", rate=str(rate))
    if rate in (0.0, 1.0):
        return 0.0
    return float(-rate * np.log(rate) - (1.0 - rate) * np.log1p(-rate))


def skill_of(loss: float, rate: float) -> float:
    """The part of the base rate's log-loss that a model with mean log-loss ``loss`` saves; at most 1.

    It moves little when the base rate alone moves, so months of different difficulty can be compared.
    Raises: NotEnoughData when only one class occurs.

    >>> skill_of(entropy(0.2), 0.2)
    0.0
    """
    if rate in (0.0, 1.0):
        raise _one_class("Skill", rate)
    return 1.0 - loss / entropy(rate)


def auc_from_counts(negatives: ArrayLike, positives: ArrayLike) -> float:
    """ROC AUC from class counts per score, in ascending order of score; equal scores count one half.

    Raises: NotEnoughData when one class is absent.

    >>> auc_from_counts([2, 1], [1, 3])
    0.7083333333333334
    """
    below, above = counts("negatives", negatives), counts("positives", positives)
    same_length(negatives=below, positives=above)
    lost, won = float(below.sum()), float(above.sum())
    if lost == 0.0 or won == 0.0:
        raise _one_class("AUC", 1.0 if won else 0.0)
    beaten = np.cumsum(below) - below / 2.0
    return float(np.dot(above, beaten) / (lost * won))


def _log_loss(labels: ArrayLike, scores: ArrayLike) -> float:
    return _mean("Log-loss", log_losses(labels, scores))


def _brier(labels: ArrayLike, scores: ArrayLike) -> float:
    return _mean("Brier score", squared_errors(labels, scores))


def _skill(labels: ArrayLike, scores: ArrayLike) -> float:
    truth, _ = scored(labels, scores)
    return skill_of(_log_loss(labels, scores), float(truth.mean()))


def _roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    truth, probabilities = scored(labels, scores)
    distinct, place = np.unique(probabilities, return_inverse=True)
    positives = np.bincount(place[truth], minlength=distinct.size)
    negatives = np.bincount(place[~truth], minlength=distinct.size)
    return auc_from_counts(negatives, positives)


def _mean(what: str, values: Floats) -> float:
    if not values.size:
        raise NotEnoughData(f"{what} of no rows is undefined.", mend="Wait for labelled rows.", rows=0)
    return float(values.mean())


def _one_class(what: str, rate: float) -> NotEnoughData:
    seen = "positive" if rate else "negative"
    return NotEnoughData(
        f"{what} is undefined: no label but {seen} ones.",
        mend="Take a longer span, so that both outcomes occur.",
        rate=rate,
    )


log_loss = Metric("log_loss", "lower", _log_loss)
brier = Metric("brier", "lower", _brier)
roc_auc = Metric("roc_auc", "higher", _roc_auc)
skill = Metric("skill", "higher", _skill)

METRICS = {metric.name: metric for metric in (log_loss, brier, roc_auc, skill)}
"""Every metric by name."""


def beaten(codes: Integers, truth: Booleans, scores: Floats) -> Floats:
    """For each row that came true, how many of its slice that did not were scored lower; ties half; else 0.

    Args: ``codes`` place each row's value of the slice, ``truth`` are booleans.

    >>> beaten(np.zeros(3, dtype=np.int64), np.array([True, False, True]), np.array([0.9, 0.5, 0.5])).tolist()
    [1.0, 0.0, 0.5]
    """
    order = np.lexsort((scores, codes))
    code, score, missed = codes[order], scores[order], np.cumsum(~truth[order])
    starts = np.flatnonzero(np.append(True, (np.diff(code) != 0) | (np.diff(score) != 0)))
    ends = np.append(starts[1:], code.size) - 1
    below = np.append(0, missed)[starts]
    tie = np.repeat(np.arange(starts.size), ends - starts + 1)
    first = np.flatnonzero(np.append(True, np.diff(code) != 0))
    earlier = np.repeat(np.append(0, missed)[first], np.diff(np.append(first, code.size)))
    found = np.zeros(codes.size)
    found[order] = truth[order] * ((below[tie] + missed[ends][tie]) / 2.0 - earlier)
    return found
