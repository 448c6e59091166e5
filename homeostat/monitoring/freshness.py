"""Whether tables keep up and keep their promises: age of the newest event, share of rows refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from homeostat.data.tables import Table
from homeostat.features.definitions import FeatureSet
from homeostat.kernel.clock import Duration, Instant, duration
from homeostat.kernel.verdicts import Verdict
from homeostat.monitoring.signals import EXCEEDED, WITHIN, Signal, Unknown, judge_at_most
from homeostat.monitoring.windows import Window

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Objective:
    """How long the source of a table or view may be silent: ``limit`` microseconds. A view's source is ``table``."""

    kind: Literal["table", "view"]
    name: str
    table: str
    limit: Duration

    @property
    def id(self) -> str:
        """Its name among all of a loop's.

        >>> Objective("view", "sky", "weather", 3).id
        'view sky'
        """
        return f"{self.kind} {self.name}"

    def met(self, window: Window, age: Duration | None) -> bool | None:
        """Whether it was, at a window's end with a source that old; None where that is not known.

        >>> Objective("view", "sky", "weather", 3).met(Window(0, 10, "day"), 4)
        False
        """
        verdict = judge_freshness(freshness(self.name, window, None if age is None else window.end - age), self.limit)
        return {WITHIN: True, EXCEEDED: False}.get(verdict.name)


def objectives_of(tables: Sequence[Table], features: FeatureSet) -> tuple[Objective, ...]:
    """What was declared: of each table, and of each view, which without its own has its table's."""
    found = [Objective("table", one.name, one.name, duration(one.freshness)) for one in tables if one.freshness]
    for view in features.views:
        declared = view.freshness or view.table.freshness
        if declared:
            found.append(Objective("view", view.name, view.table.name, duration(declared)))
    return tuple(found)


def freshness(table: str, window: Window, newest: Instant | None) -> Signal:
    """The age, in seconds at the window's end, of the newest event before that end.

    ``newest`` is that event's time, or None where there is none: Unknown then, as for
    an event of a later window, which would hide a silence.
    """
    if newest is None:
        return Signal("freshness", table, window, Unknown("no_events"), unit="s")
    if newest >= window.end:
        return Signal("freshness", table, window, Unknown("newest_event_after_window"), unit="s")
    return Signal("freshness", table, window, (window.end - newest) / _SECOND, rows=1, blocks=1, unit="s")


def judge_freshness(signal: Signal, objective: Duration) -> Verdict:
    """WITHIN while the newest event is at most ``objective`` old; unknown freshness never passes."""
    return judge_at_most(signal, objective / _SECOND)
