"""How many labels it takes to see a change, and hence how long one waits; rows of one block count for less than one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from homeostat.kernel.errors import InvalidInput, NotEnoughData
from homeostat.stats.intervals import MIN_BLOCKS


@dataclass(frozen=True, slots=True)
class Clusters:
    """How alike rows of one block are: ``correlation`` within blocks, between 0 and 1, and their size.

    ``mean_size`` is in rows; ``variance`` is that of one row, within and between blocks together.
    """

    correlation: float
    mean_size: float
    variance: float
    blocks: int

    @property
    def design_effect(self) -> float:
        """How many rows do the work of one independent row: ``1 + (mean_size - 1) * correlation``.

        Source: Kish (1965), Survey Sampling, section 5.4.
        """
        return max(1.0, 1.0 + (self.mean_size - 1.0) * self.correlation)


@dataclass(frozen=True, slots=True)
class Detection:
    """What it takes to see a change of ``change`` at the stated ``alpha`` and ``power``, and how long one waits.

    ``days`` run from the change until enough labels are in, the ``label_delay`` of the last of them included.
    """

    change: float
    labels: int
    blocks: int
    days: float
    alpha: float
    power: float

    def sentence(self, what: str = "drop", by: str | None = None) -> str:
        """One line for beside a signal, the change read as points of a hundredth, or as ``by`` says.

        >>> Detection(0.05, 4_500, 7, 9.0, 0.05, 0.8).sentence()
        'a 5-point drop would take 9 days to see'
        """
        days = math.ceil(self.days - 1e-9)
        return f"a {by or f'{100 * self.change:g}-point'} {what} would take {days} day{'s' * (days != 1)} to see"

    def to_json(self) -> dict[str, float | int]:
        """The JSON form, one key per field."""
        return {
            "change": self.change,
            "labels": self.labels,
            "blocks": self.blocks,
            "days": self.days,
            "alpha": self.alpha,
            "power": self.power,
        }


def labels_per_arm(variance: float, change: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Independent rows for each of two arms to see a difference of means of ``change``, two-sided, at one fixed look.

    Args: ``variance`` is that of one row, ``p * (1 - p)`` for a rate p. Multiply by `Clusters.design_effect`.
    Raises: InvalidInput for a change of 0, a negative variance or a chance outside (0, 1).
    Source: n = 2 (z_{alpha/2} + z_beta)^2 sigma^2 / delta^2; Fleiss, Levin and Paik (2003), Statistical Methods for
    Rates and Proportions, chapter 4, with one variance for both arms.

    >>> labels_per_arm(0.05 * 0.95, 0.001)
    745644
    """
    return math.ceil(2.0 * _reach(alpha / 2.0, power) ** 2 * _variance(variance) / _change(change) ** 2)


def detectable_change(variance: float, labels: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """The smallest difference that two arms of ``labels`` independent rows each show; `labels_per_arm` turned round.

    Raises: NotEnoughData without labels; InvalidInput as there.

    >>> round(detectable_change(0.05 * 0.95, 25_000), 6)
    0.005461
    """
    if not labels > 0.0:
        raise NotEnoughData("No labels show no change.", mend="Wait for labels to mature.", labels=0)
    return _reach(alpha / 2.0, power) * math.sqrt(2.0 * _variance(variance) / labels)


def labels_for_change(
    variance: float, change: float, *, alpha: float = 0.05, power: float = 0.8, design_effect: float = 1.0
) -> int:
    """Rows to see, one-sided at one fixed look, that a mean is worse than a known one by ``change``.

    Raises: InvalidInput as `labels_per_arm`, or for a ``design_effect`` below 1.

    >>> labels_for_change(0.8 * 0.2, 0.05), labels_for_change(0.8 * 0.2, 0.05, design_effect=10.0)
    (396, 3957)
    """
    if not design_effect >= 1.0:
        raise InvalidInput(f"{design_effect} is no design effect.", mend="Pass a number of at least 1.")
    return math.ceil(design_effect * _reach(alpha, power) ** 2 * _variance(variance) / _change(change) ** 2)


def detection_delay(labels: float, labels_per_day: float, *, label_delay: float = 0.0) -> float:
    """Days until so many labels are in: ``labels / labels_per_day + label_delay``; any unit of time serves for both.

    Raises: NotEnoughData when no labels come in; InvalidInput for a negative number.

    >>> detection_delay(1_000, 100), detection_delay(1_000, 100, label_delay=2.0)
    (10.0, 12.0)
    """
    if labels_per_day == 0.0:
        raise NotEnoughData("Without labels nothing is ever seen.", mend="Collect labels.", labels_per_day=0)
    if not (labels >= 0.0 and labels_per_day > 0.0 and label_delay >= 0.0):
        raise InvalidInput("A negative number of labels or days.", mend="Pass numbers of at least 0.")
    return labels / labels_per_day + label_delay


def detection(
    alike: Clusters,
    change: float,
    *,
    block_days: float = 1.0,
    label_delay: float = 0.0,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Detection:
    """How long a lasting worsening by ``change`` goes unseen at the loop's own traffic, one-sided at one fixed look.

    Whole blocks are waited for, at least 3, with Student's t for the spread between so few. Where rows of a block are
    alike, more traffic hardly helps; more blocks do. A figure watched at every look takes longer.
    Args: ``alike`` describes blocks of ``block_days`` days; ``label_delay`` is in days.
    Raises: InvalidInput for a change of 0, a negative delay or a chance outside (0, 1).
    Source: Guenther (1981), The American Statistician 35(4), 243-244, for the t correction.

    >>> detection(Clusters(0.02, 500, 0.16, 60), 0.05, label_delay=1.0).sentence()
    'a 5-point drop would take 12 days to see'
    """
    if not (block_days > 0.0 and label_delay >= 0.0):
        raise InvalidInput("A block without length or a negative delay.", mend="Pass days of at least 0.")
    from scipy import special

    spread = alike.variance * alike.design_effect / alike.mean_size
    needed = _reach(alpha, power) ** 2 * spread / _change(change) ** 2 + float(special.ndtri(1.0 - alpha)) ** 2 / 2.0
    blocks = max(MIN_BLOCKS, math.ceil(needed))
    labels = math.ceil(blocks * alike.mean_size)
    return Detection(change, labels, blocks, blocks * block_days + label_delay, alpha, power)


def _reach(tail: float, power: float) -> float:
    if not (0.0 < tail < 1.0 and 0.0 < power < 1.0):
        raise InvalidInput(f"{tail} or {power} is no chance.", mend="Pass alpha and power in (0, 1).")
    from scipy import special

    return float(special.ndtri(1.0 - tail) + special.ndtri(power))


def _variance(variance: float) -> float:
    if not (np.isfinite(variance) and variance >= 0.0):
        raise InvalidInput(f"{variance} is no variance.", mend="Pass a number of at least 0.")
    return variance


def _change(change: float) -> float:
    if not np.isfinite(change) or change == 0.0:
        raise InvalidInput(f"A change of {change} cannot be planned for.", mend="Pass what you want to see.")
    return change
