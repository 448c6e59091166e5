"""Where the loops of a home stand: what its stores say beside what the loop's file declares."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from homeostat.adapters.files.routes import read_waiting
from homeostat.app.clocks import SystemClock
from homeostat.app.shown import loop_views, views
from homeostat.app.shown.drift_views import LATELY, drift_at_a_glance, drift_of, joint_of, reaches_back
from homeostat.app.shown.on_record import OnRecord
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.control.state import LoopState
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.verdicts import REJECT
from homeostat.registry.binding import Binding, binding_of, judge_binding

Json = dict[str, Any]
_CLOCKS_DIFFER = duration("1m")
"""A clock that is set back by less is of no account."""


@dataclass(slots=True)
class Standings(OnRecord):
    """Reads one home, whether or not an instance runs."""

    _days: dict[str, tuple[int, dict[str, tuple[int, Day]]]] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def approvals(self, loop: Loop, now: Instant | None) -> list[Json]:
        """What waits for a person: questions of a rollout, a policy or a gate that are open."""
        state = self.store.state(loop.name)
        return loop_views.questions_of(state, loop, now or state.decided_until or 0)

    def overview(self, loop: Loop, now: Instant | None) -> Json:
        """The route and why it is empty, the champion and its promise, versions that the loop's file cannot feed,
        the open rollout, totals and the last decision."""
        state = self.store.state(loop.name)
        entries = self.store.entries(loop.name)
        at = now or state.decided_until or 0
        days = self._lately(loop.name, state, at)
        champion = self.manifests.find(loop.name, state.route.champion)
        return {
            "loop": loop.name,
            "owner": loop.owner,
            "task": {"name": loop.task.name, "loss": loop.task.loss_name, "error": loop.task.error},
            "decided_until": None if state.decided_until is None else format_instant(state.decided_until),
            "route": views.route_of(state),
            "replicas": views.replicas_of(self.fleet.replicas(), loop.name, SystemClock().now()),
            "lagging": self.fleet.lagging(loop.name, state.route.generation),
            "drills": loop_views.drills_of(state, loop.drill_plan, entries, at),
            "waiting": self._waiting(state),
            "state": None if loop.state is None else loop_views.state_of(state, loop.state, self._moved(loop.name)),
            "problems": [*self._clock(state), *self._problems(loop, state)],
            "champion": views.champion_of(champion),
            "rollout": loop_views.rollout_of(state, loop, days, at),
            "proposal": loop_views.proposal_of(state, loop.retrain, at),
            "release": loop_views.release_of(state, loop.gate),
            "freshness_of_day": loop_views.freshness_of(days),
            "skew": loop_views.lately_skewed(days, loop.feature_set.names),
            "drift": drift_at_a_glance(drift_of(loop, days)),
            "totals": views.totals(self.store.counted(loop.name), entries),
            "last_decision": views.decision(entries[-1]) if entries else None,
        }

    def skew(self, loop: Loop) -> Json:
        """The skew of every feature over the last days, as found when each day ended."""
        days = [day for _, day in self._read_days(loop.name).values()]
        return loop_views.lately_skewed(days, loop.feature_set.names)

    def drift(self, loop: Loop, day: str | None = None) -> Json:
        """Every drift signal of a day beside its limit, and what they come to together.

        Raises: NotFound for a day that was not measured.
        """
        days = self._reaching_back(loop.name) if day is None else self.days(loop.name)
        return {**drift_of(loop, days, day), "joint": joint_of(loop, days, day)}

    def windows(self, loop: Loop, after: int) -> Json:
        """Days changed after a cursor, oldest change first, and the cursor to ask with next time."""
        frozen = self.store.state(loop.name).first_version
        days = sorted(self._read_days(loop.name).values(), key=lambda item: item[0])
        changed = [loop_views.window_of(day, cursor, frozen) for cursor, day in days if cursor > after]
        return {"cursor": changed[-1]["revision"] if changed else after, "windows": changed}

    def days(self, loop: str) -> list[Day]:
        """Every day that was measured, oldest first."""
        return sorted((day for _, day in self._read_days(loop).values()), key=lambda day: day.start)

    def _waiting(self, state: LoopState) -> Json | None:
        waiting = None if state.route.champion else read_waiting(self.home.routes, state.loop)
        return None if waiting is None else views.waiting_of(waiting)

    def _clock(self, state: LoopState) -> list[str]:
        """That the machine's clock was set back behind what is decided, or had been ahead; a replay has its own."""
        if state.decided_until is None or not self.home.settings_file.exists() or self.home.told()["clock"] != "system":
            return []
        ahead = state.decided_until - SystemClock().now()
        if ahead <= _CLOCKS_DIFFER:
            return []
        return [
            f"decided until {format_instant(state.decided_until)}, {ahead / duration('1h'):,.1f} h after the machine's"
            " clock: it was set back, or had been ahead. Set it right; days until then are decided as they end"
        ]

    def _problems(self, loop: Loop, state: LoopState) -> list[str]:
        """Versions on the route that the loop, as its file is now, can no longer feed."""
        current, found = Binding.of(loop.feature_set), []
        for name in state.route.versions:
            version = self.manifests.find(loop.name, name)
            verdict = judge_binding(binding_of(version), current) if version else None
            if verdict is not None and verdict.name == REJECT:
                found.append(
                    f"{name} was trained with other definitions than the loop file has: {'; '.join(verdict.texts)}"
                )
        return found

    def _lately(self, loop: str, state: LoopState, now: Instant) -> list[Day]:
        """The newest days, oldest first: those of the open rollout, and back to one that was compared with training."""
        under_way = 0 if state.rollout is None else (now - state.rollout.opened_at) // duration("1d") + 2
        days = self._newest(loop, loop_views.SKEW_DAYS + under_way)
        return days if any(day.inputs.drift for day in days) else self.days(loop)

    def _reaching_back(self, loop: str) -> list[Day]:
        """As many of the newest days, oldest first, as drift is told of."""
        many = LATELY + 7
        while len(days := self._newest(loop, many)) == many and not reaches_back(days):
            many *= 2
        return days

    def _newest(self, loop: str, many: int) -> list[Day]:
        """The last days, so many at most, oldest first; who has read them all has them at hand."""
        return self.days(loop)[-many:] if loop in self._days else self.store.newest_days(loop, many)

    def _read_days(self, loop: str) -> dict[str, tuple[int, Day]]:
        """All days by name with their cursors; only what changed is read again."""
        with self._lock:
            cursor, known = self._days.get(loop, (0, {}))
            changed = self.store.days(loop, after=cursor)
            known = {**known, **{day.day: (place, day) for place, day in changed}}
            self._days[loop] = (changed[-1][0] if changed else cursor, known)
            return known
