"""What predictions that were acted on left of a day, as it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from homeostat.stats.estimates.parts import Foretold, Stratum
from homeostat.stats.figures.outcomes import Sums

MOST_UNTOLD = 0.05
"""A day has no figures where of more of its rows nobody has reported what callers did, or not so that it can be: those
that are reported need not be like the others. A rate is off by this share at most."""


@dataclass(frozen=True, slots=True)
class FeedbackDay:
    """A day of a loop that declares a feedback. ``region`` counts rows that would be acted on, ``expected`` how many of
    them chance was to leave alone, ``explored`` how many it did. ``naive`` are the sums of every label that is there,
    shaped or not; ``exposed`` those of explored rows, each once, and ``unexposed`` of rows outside the region.
    ``weight`` sums what labelled rows stand for and ``squares`` its squares. ``unknown`` is why the figures of the day
    are not known; None where they are. ``scant`` counts rows of the region whose chance was too small to be stood for,
    and ``clipped`` those of them that were left alone. ``stood`` are the sums of explored rows, each as often as it
    stands for rows; of numbers, ``foretold`` are the sums that errors of past days let expect of the region, and
    ``strata`` are rows of the region by what was predicted, for where that is not known. Where callers report what they
    did, ``untold`` counts rows whose report is not there or cannot be, by what is wrong (`data.reports`), ``corrected``
    those reported more than once, and ``strangers`` reports of the day about what was never predicted."""

    rows: int
    region: int
    explored: int
    expected: float
    squares: float
    naive: Sums
    exposed: Sums
    unexposed: Sums
    unknown: str | None = None
    weight: float | None = None
    scant: int = 0
    clipped: int = 0
    stood: Sums | None = None
    strata: tuple[Stratum, ...] = ()
    foretold: Foretold | None = None
    untold: Mapping[str, int] = field(default_factory=dict)
    corrected: int = 0
    strangers: int = 0

    @property
    def told(self) -> bool:
        """Whether callers have reported what they did with enough of the rows, where they are to."""
        return sum(self.untold.values()) <= MOST_UNTOLD * self.rows

    @property
    def left_out(self) -> int:
        """Labels that are there, and that the action may have made."""
        return self.naive.rows - self.exposed.rows - self.unexposed.rows
