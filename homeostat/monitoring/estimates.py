"""What a day is expected to show before its labels are in, kept with the day, so that it can be held to account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeostat.kernel.errors import NotEnoughData
from homeostat.monitoring.signals import Unknown
from homeostat.stats.figures.outcomes import Sums

if TYPE_CHECKING:
    from homeostat.stats.estimates.confidence import Estimated


@dataclass(frozen=True, slots=True)
class Estimate:
    """One figure before labels, with bounds of what labels will show (95 %, one fixed look), or why there is none."""

    value: float | Unknown
    low: float | None = None
    high: float | None = None

    @property
    def known(self) -> float | None:
        """The value, or None where it is unknown."""
        return None if isinstance(self.value, Unknown) else self.value

    def covers(self, realised: float) -> bool | None:
        """Whether the bounds hold what labels showed; None without bounds."""
        return None if self.low is None or self.high is None else self.low <= realised <= self.high


@dataclass(frozen=True, slots=True)
class EstimatedDay:
    """``scores`` counts the day's answered rows by bin of `stats.figures.sums.ScoreSums`, or with several ``classes``
    as `stats.figures.class_figures.class_counts` does, flat; ``unreadable`` had no score in [0, 1]. ``figures`` are of
    the day alone; ``trail`` of the last days up to it, those that were labelled when it ended among them, of which
    ``unlabelled`` were not. Scores were calibrated by ``method`` on ``rows`` rows of ``days`` days whose labels were
    mature when the day ended. Of predicted numbers there are no scores: ``expected`` are the sums that the day's rows
    are expected to have."""

    scores: tuple[int, ...]
    unreadable: int = 0
    method: str = ""
    threshold: float = 0.5
    days: int = 0
    rows: int = 0
    unlabelled: int = 0
    figures: Mapping[str, Estimate] = field(default_factory=dict)
    trail: Mapping[str, Estimate] = field(default_factory=dict)
    classes: int = 0
    expected: Sums | None = None

    @property
    def counted(self) -> int:
        """Rows that ``scores`` counts: of several classes, each row is there once for each."""
        return sum(self.scores) // max(1, self.classes)


def estimate_of(found: Estimated | NotEnoughData) -> Estimate:
    """What is kept of an estimate; Unknown where the figure has no value."""
    if isinstance(found, NotEnoughData):
        return Estimate(Unknown("undefined"))
    return Estimate(found.interval.value, found.interval.low, found.interval.high)
