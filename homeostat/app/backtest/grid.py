"""The weeks of a back-test: its days, and a version to train for each week on what was known then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from homeostat.control.backtest.matrix import PastDay
from homeostat.kernel.clock import Instant


@dataclass(frozen=True, slots=True)
class Ask:
    """A version to train as of ``asked_at``: on rows asked in [``since``, ``cutoff``), on facts up to ``sequence``."""

    number: int
    asked_at: Instant
    since: Instant | None
    cutoff: Instant
    sequence: int

    @property
    def version(self) -> str:
        """Its name: that of its week."""
        return f"w{self.number:02}"


@dataclass(frozen=True, slots=True)
class Grid:
    """The days of a back-test, the first ``lead`` of them before the loop served, and a version to train for each week.

    ``known`` holds the newest ingest sequence at the time when the labels of each day were mature.
    """

    days: Sequence[PastDay]
    lead: int
    asks: Sequence[Ask]
    known: Sequence[int]
