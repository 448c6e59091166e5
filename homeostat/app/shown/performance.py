"""How right a loop is, with labels and before them, from what its home holds; whether or not an instance runs."""

from __future__ import annotations

from typing import Any

from homeostat.app.shown.standings import Standings
from homeostat.control.loop import Loop
from homeostat.control.performance.told import Seen, performance_of
from homeostat.control.reading import TRAIL_DAYS

Json = dict[str, Any]


def performance(standings: Standings, loop: Loop, trail: int = TRAIL_DAYS) -> Json:
    """Everything that can be said of the loop's figures over a trail of days."""
    state, days = standings.state(loop.name), standings.days(loop.name)
    delay = loop.label.maturity_delay
    own = [one.name for one in loop.own_metrics]
    seen = Seen(loop.name, days, loop.threshold, state.decided_until, delay, loop.task, own, loop.feedback)
    return performance_of(seen, trail)
