"""Watches what the doors count against a loop's limits, and takes back what breaks them; nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from homeostat.app.control.doors import EVERY_SECONDS, Seen
from homeostat.app.gateway.counted import Added, together
from homeostat.app.gateway.latency import Histogram
from homeostat.app.gateway.traffic import Served, Traffic
from homeostat.control.limits import Limits, Minute, judge_limits
from homeostat.control.state import LoopState
from homeostat.kernel.verdicts import INCONCLUSIVE, ROLL_BACK, Reason, Verdict
from homeostat.serving.routing import Route

_FEWEST = 10
"""Rows of a minute from which a share is taken."""
_MINUTE = round(60 / EVERY_SECONDS)
"""Looks at the doors in a minute."""


@dataclass(slots=True)
class Guard:
    """Judges one loop. It remembers what was normal before the present champion came: its p99 is held against that.

    A champion is judged by what the doors counted since it came, never by the minutes of the one before.
    """

    limits: Limits
    _champion: str | None = field(init=False, default=None)
    _since: int = field(init=False, default=0)
    _normal_ms: float | None = field(init=False, default=None)
    _lately_ms: float | None = field(init=False, default=None)

    def judge(self, state: LoopState, seen: Seen) -> Verdict:
        """What the last minutes say of the canary, if there is one and it breaks a limit; else of the champion."""
        route = state.route
        if route.champion is None or state.drill is not None:
            return Verdict(INCONCLUSIVE, (Reason("nobody_serves", None, None, "nobody serves, or a drill is on"),))
        minutes = [Traffic.of(together(points), route.loop) for points in _minutes(self._own(route, seen))]
        self._learn(route, minutes)
        if route.canary is not None:
            canary, champion = ("canary", route.canary), ("champion", route.champion)
            found = judge_limits(route.canary, [_of_arm(one, canary, champion) for one in minutes], self.limits)
            if found.name == ROLL_BACK:
                return found
        return judge_limits(route.champion, [self._whole(one, route) for one in minutes], self.limits)

    def _own(self, route: Route, seen: Seen) -> Sequence[Added]:
        """The looks since the champion came; the first one after it still holds rows of the one before."""
        if route.champion != self._champion:
            if self._champion is not None:
                self._since = seen.number + 1
            self._champion, self._normal_ms = route.champion, self._lately_ms
        own = max(seen.number - self._since, 0) if self._since else len(seen.points)
        return seen.points[max(len(seen.points) - own, 0) :]

    def _learn(self, route: Route, minutes: Sequence[Traffic]) -> None:
        enough = [one for one in minutes if one.requests >= self.limits.min_requests]
        if len(enough) >= self.limits.minutes and route.canary is None:
            self._lately_ms = _p99(_merged(one.whole for one in enough))

    def _whole(self, one: Traffic, route: Route) -> Minute:
        rows = sum(one.rows.values())
        served = ("champion", str(route.champion))
        return Minute(
            requests=int(one.requests),
            failed=int(one.failed),
            p99_ms=_p99(one.whole),
            baseline_ms=self._normal_ms,
            rows=int(one.rows.get(served, rows)),
            positives=int(one.positives.get(served, 0.0)),
        )


def _of_arm(one: Traffic, arm: Served, beside: Served) -> Minute:
    rows, failed = one.rows.get(arm, 0.0), one.failures.get(arm, 0.0)
    others = one.rows.get(beside, 0.0)
    return Minute(
        requests=int(rows + failed),
        failed=int(failed),
        p99_ms=_p99(one.models.get(arm)),
        baseline_ms=_p99(one.models.get(beside)),
        rows=int(rows),
        positives=int(one.positives.get(arm, 0.0)),
        baseline_share=one.positives.get(beside, 0.0) / others if others >= _FEWEST else None,
    )


def _minutes(points: Sequence[Added]) -> Iterator[Sequence[Added]]:
    """Whole minutes up to now, oldest first."""
    first = len(points) % _MINUTE
    for start in range(first, len(points), _MINUTE):
        yield points[start : start + _MINUTE]


def _merged(histograms: Iterator[Histogram]) -> Histogram:
    found = Histogram()
    for one in histograms:
        found.add(one)
    return found


def _p99(found: Histogram | None) -> float | None:
    seconds = None if found is None else found.quantile(0.99)
    return None if seconds is None else seconds * 1e3
