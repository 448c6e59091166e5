"""Days whose labels are all alike though chance cannot have made them so: their skill is over nothing, and unknown."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from homeostat.control.days import Day, Outcomes
from homeostat.stats.figures.outcomes import Sums
from homeostat.stats.one_sided import by_no_chance

_USUAL = 28


def one_sided(days: Sequence[Day]) -> frozenset[str]:
    """The names of such days among ``days``, oldest first; each is held against the 28 labelled ones before it that are
    none, so that labels that stay so are never usual."""
    usual: deque[Sums] = deque(maxlen=_USUAL)
    found = set()
    for day in days:
        if day.outcomes is None or not day.outcomes.live.rows:
            continue
        if by_no_chance(_apart(day.outcomes, day.inputs.one_in), day.outcomes.live, usual):
            found.add(day.day)
        else:
            usual.append(day.outcomes.live)
    return frozenset(found)


def _apart(outcomes: Outcomes, one_in: int) -> int:
    """Labelled rows, each once: not as often as it stands for others."""
    told = outcomes.feedback
    rows = outcomes.live.rows if told is None else told.exposed.rows + told.unexposed.rows
    return rows // one_in
