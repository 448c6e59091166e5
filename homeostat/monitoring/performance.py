"""How right a scorer was, from one set of sums per event day, with intervals whose unit is the day."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from homeostat.kernel.errors import Conflict, InvalidInput, NotEnoughData
from homeostat.monitoring.signals import Signal, unknown_because
from homeostat.monitoring.windows import Window, day_name
from homeostat.stats.arrays import same_length
from homeostat.stats.figures import sums as figures
from homeostat.stats.figures.sums import ScoreSums, pooled
from homeostat.stats.intervals import Interval, block_mean_from_sums
from homeostat.stats.tasks import BINARY, Task


@dataclass(frozen=True, slots=True)
class DaySums:
    """The labelled rows of one event day as one scorer (a version, or "live") scored them; adds."""

    day: str
    scorer: str
    sums: ScoreSums

    def __add__(self, other: DaySums) -> DaySums:
        """Both sets of rows. Raises: Conflict for another day or scorer."""
        _same((self.day, self.scorer), (other.day, other.scorer))
        return DaySums(self.day, self.scorer, self.sums + other.sums)

    def to_json(self) -> dict[str, object]:
        """The JSON form: day and scorer beside the sums."""
        return {"day": self.day, "scorer": self.scorer, "sums": self.sums.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DaySums:
        """Read `to_json` back. Raises: InvalidInput when a part is missing."""
        try:
            named, sums = (str(value["day"]), str(value["scorer"])), value["sums"]
        except (KeyError, TypeError) as error:
            raise _unreadable(error) from error
        return cls(*named, ScoreSums.from_json(sums))


@dataclass(frozen=True, slots=True)
class PairSums:
    """The rows of one day that two scorers both scored: how much more loss ``first`` had, such as nats.

    ``difference`` is a sum over ``rows``; above 0, ``second`` was better.
    """

    day: str
    first: str
    second: str
    rows: int
    difference: float

    def __add__(self, other: PairSums) -> PairSums:
        """Both sets of rows. Raises: Conflict for another day or pair."""
        _same((self.day, self.first, self.second), (other.day, other.first, other.second))
        rows, difference = self.rows + other.rows, self.difference + other.difference
        return PairSums(self.day, self.first, self.second, rows, difference)

    def times(self, count: int) -> PairSums:
        """The sums of rows of which each stands for so many alike."""
        return PairSums(self.day, self.first, self.second, self.rows * count, self.difference * count)

    def to_json(self) -> dict[str, object]:
        """The JSON form, one key per field."""
        return {
            "day": self.day,
            "first": self.first,
            "second": self.second,
            "rows": self.rows,
            "difference": self.difference,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PairSums:
        """Read `to_json` back. Raises: InvalidInput when a part is missing."""
        try:
            named = str(value["day"]), str(value["first"]), str(value["second"])
            return cls(*named, int(value["rows"]), float(value["difference"]))
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable(error) from error


@dataclass(frozen=True, slots=True)
class Performance:
    """Figures over some days. With fewer than 3 days they have no bounds; undefined ones are Unknown.

    ``log_loss`` in nats; ``skill`` is the saved part of the base rate's log-loss, at most 1; ``auc_error``
    is the most that binned scores can move ``roc_auc``. Intervals are for one fixed look.
    """

    log_loss: Signal
    skill: Signal
    roc_auc: Signal
    brier: Signal
    base_rate: Signal
    auc_error: float

    @property
    def signals(self) -> tuple[Signal, ...]:
        """All five."""
        return (self.log_loss, self.skill, self.roc_auc, self.brier, self.base_rate)


def pair_sums(
    days: NDArray[np.int64],
    labels: ArrayLike,
    first: tuple[str, ArrayLike],
    second: tuple[str, ArrayLike],
    task: Task = BINARY,
) -> tuple[PairSums, ...]:
    """One `PairSums` per event day; ``first`` and ``second`` are (scorer, scores) of the same rows.

    Raises: InvalidInput for a missing label or score.
    """
    difference = task.losses(labels, first[1]) - task.losses(labels, second[1])
    same_length(days=days, labels=difference)
    names, place = np.unique(days, return_inverse=True)
    totals = np.bincount(place, weights=difference, minlength=names.size)
    rows = np.bincount(place, minlength=names.size)
    return tuple(
        PairSums(day_name(day), first[0], second[0], int(count), float(total))
        for day, count, total in zip(names, rows, totals, strict=True)
    )


def performance(days: Sequence[DaySums], *, subject: str, window: Window, confidence: float = 0.95) -> Performance:
    """Log-loss, skill, AUC, Brier and base rate over ``days``, each day one block.

    Undefined figures (no rows; one class) are Unknown, never 0. Days of several scorers may be mixed when
    each row is counted once, as for the live loop across versions. Raises: Conflict for a day given twice.
    """
    _each_day_once([day.day for day in days])
    blocks = [day.sums for day in days if day.sums.rows]

    def signal(
        name: str,
        bounded: Callable[..., Interval],
        value: Callable[[ScoreSums], float],
        unit: str = "",
    ) -> Signal:
        return _signal(name, subject, window, blocks, bounded, value, unit, confidence)

    return Performance(
        log_loss=signal("log_loss", figures.log_loss_interval, ScoreSums.mean_log_loss, "nats"),
        skill=signal("skill", figures.skill_interval, ScoreSums.skill),
        roc_auc=signal("roc_auc", figures.auc_interval, ScoreSums.roc_auc),
        brier=signal("brier", figures.brier_interval, ScoreSums.mean_brier),
        base_rate=signal("base_rate", figures.base_rate_interval, ScoreSums.base_rate),
        auc_error=pooled(blocks).auc_error() if blocks else 0.0,
    )


def paired_difference(pairs: Sequence[PairSums], *, confidence: float = 0.95) -> Interval:
    """Mean loss of the first scorer less that of the second, per row, each day one block.

    Wholly above 0: the second is better on the very same rows.
    Raises: NotEnoughData with fewer than 3 days; Conflict for several pairs, or a day given twice.
    """
    _each_day_once([pair.day for pair in pairs])
    for pair in pairs:
        _same((pairs[0].first, pairs[0].second), (pair.first, pair.second))
    differences, rows = [pair.difference for pair in pairs], [pair.rows for pair in pairs]
    return block_mean_from_sums(differences, rows, confidence=confidence)


def _signal(
    name: str,
    subject: str,
    window: Window,
    blocks: Sequence[ScoreSums],
    bounded: Callable[..., Interval],
    value: Callable[[ScoreSums], float],
    unit: str,
    confidence: float,
) -> Signal:
    """With bounds where they are defined, else the bare figure, else Unknown."""
    try:
        return Signal.of_interval(name, subject, window, bounded(blocks, confidence=confidence), unit)
    except NotEnoughData:
        rows = sum(block.rows for block in blocks)
    try:
        return Signal(name, subject, window, value(pooled(blocks)), rows=rows, blocks=len(blocks), unit=unit)
    except NotEnoughData as error:
        return Signal(name, subject, window, unknown_because(error), rows=rows, blocks=len(blocks), unit=unit)


def _each_day_once(days: Sequence[str]) -> None:
    if len(set(days)) < len(days):
        raise Conflict("A day is given twice.", mend="Add the sums of one day first.", days=sorted(days))


def _same(mine: tuple[str, ...], other: tuple[str, ...]) -> None:
    if mine != other:
        raise Conflict(
            f"{' '.join(mine)} and {' '.join(other)} are different things.", mend="Add only sums of the same."
        )


def _unreadable(error: Exception) -> InvalidInput:
    return InvalidInput(f"These are no sums: {error!r}.", mend="Read what to_json wrote.")
