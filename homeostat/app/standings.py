"""Where the loops of a home stand, read from its stores, whether or not an instance runs."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from typing import Any, Self

from homeostat.adapters.files.routes import read_waiting, route_age
from homeostat.adapters.signing.heads import HeadsFile
from homeostat.adapters.sql.control_store import SqlControlStore
from homeostat.adapters.sql.database import Database
from homeostat.app import views
from homeostat.app.clocks import SystemClock
from homeostat.app.drift_views import drift_at_a_glance, drift_of, joint_of
from homeostat.app.fleet import Fleet
from homeostat.app.home import Home
from homeostat.app.manifests import Manifests
from homeostat.app.version_steps import steps_of, steps_under_way
from homeostat.app.versioned_state.progress import Progress
from homeostat.control.days import Day
from homeostat.control.loop import Loop
from homeostat.control.state import LoopState
from homeostat.governance.audit import audit
from homeostat.kernel.clock import Instant, duration, format_instant
from homeostat.kernel.verdicts import REJECT
from homeostat.registry.binding import Binding, judge_binding
from homeostat.training.jobs import JobFolder

Json = dict[str, Any]
_LOG_BYTES, _LOG_LINES = 4_096, 8
"""How much of a training's log is shown while it runs."""


@dataclass(slots=True)
class Standings:
    """Reads one home. ``store`` and ``heads`` are its relational store and ledger heads."""

    home: Home
    store: SqlControlStore
    heads: HeadsFile
    manifests: Manifests
    _days: dict[str, tuple[int, dict[str, tuple[int, Day]]]] = field(init=False, default_factory=dict)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    @classmethod
    def open(cls, home: Home) -> Self:
        """Open the stores of a home."""
        heads = HeadsFile(home.ledger)
        return cls(home, SqlControlStore(Database(home.control_db), heads), heads, Manifests(home.versions))

    def state(self, loop: str) -> LoopState:
        """Where a loop stands."""
        return self.store.state(loop)

    def approvals(self, loop: Loop, now: Instant | None) -> list[Json]:
        """What waits for a person: questions of a rollout, a policy or a gate that are open."""
        state = self.store.state(loop.name)
        return views.questions_of(state, loop, now or state.decided_until or 0)

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
            "drills": views.drills_of(state, loop.drill_plan, entries, at),
            "waiting": self._waiting(state),
            "state": None if loop.state is None else views.state_of(state, loop.state, self._moved(loop.name)),
            "problems": self._problems(loop, state),
            "champion": views.champion_of(champion),
            "rollout": views.rollout_of(state, loop, days, at),
            "proposal": views.proposal_of(state, loop.retrain, at),
            "release": views.release_of(state, loop.gate),
            "freshness_of_day": views.freshness_of(days),
            "skew": views.lately_skewed(days, loop.feature_set.names),
            "drift": drift_at_a_glance(drift_of(loop, days)),
            "totals": views.totals(self.store.counted(loop.name), entries),
            "last_decision": views.decision(entries[-1]) if entries else None,
        }

    def activity(self, loop: str) -> Json | None:
        """What is under way, state that is put back or a retraining, and what it said last; None when nothing is."""
        state = self.store.state(loop)
        if state.restoring is not None:
            return views.restoring_activity(state.restoring, self._moved(loop))
        asked = state.retraining
        if asked is None:
            return None
        since = format_instant(asked.asked_at)
        said = self._said(loop, asked.version)
        return {
            "kind": "training",
            "step": (said[-1].partition(" s  ")[2] or said[-1])[:200] if said else "pinning the training set",
            "log": said,
            "since": since,
            "version": asked.version,
            "steps": steps_under_way(self.home, loop, asked.version),
        }

    def steps(self, loop: str, version: str) -> Json:
        """The steps by which a version was made, and what each cost. Raises: NotFound, IntegrityError."""
        return steps_of(self.home, loop, version, self.store.entries(loop))

    def skew(self, loop: Loop) -> Json:
        """The skew of every feature over the last days, as found when each day ended."""
        days = [day for _, day in self._read_days(loop.name).values()]
        return views.lately_skewed(days, loop.feature_set.names)

    def drift(self, loop: Loop, day: str | None = None) -> Json:
        """Every drift signal of a day beside its limit, and what they come to together.

        Raises: NotFound for a day that was not measured.
        """
        days = self.days(loop.name)
        return {**drift_of(loop, days, day), "joint": joint_of(loop, days, day)}

    def route(self, loop: Loop) -> Json:
        """The route, how long ago it was written, and what every replica makes of it."""
        state, now = self.store.state(loop.name), SystemClock().now()
        return {
            "loop": loop.name,
            **views.route_of(state),
            "age_seconds": route_age(self.home.routes, loop.name, now),
            "replicas": views.replicas_of(self.fleet.replicas(), loop.name, now),
            "lagging": self.fleet.lagging(loop.name, state.route.generation),
        }

    def windows(self, loop: Loop, after: int) -> Json:
        """Days changed after a cursor, oldest change first, and the cursor to ask with next time."""
        frozen = self.store.state(loop.name).first_version
        days = sorted(self._read_days(loop.name).values(), key=lambda item: item[0])
        changed = [views.window_of(day, cursor, frozen) for cursor, day in days if cursor > after]
        return {"cursor": changed[-1]["revision"] if changed else after, "windows": changed}

    def days(self, loop: str) -> list[Day]:
        """Every day that was measured, oldest first."""
        return sorted((day for _, day in self._read_days(loop).values()), key=lambda day: day.start)

    def decisions(self, loop: Loop, after: int = 0) -> list[Json]:
        """Decisions after a place in the ledger, oldest first."""
        return [views.decision(entry) for entry in self.store.entries(loop.name, after=after)]

    def versions(self, loop: Loop) -> list[Json]:
        """Every version and its standing, newest first."""
        return views.versions_of(self.store.state(loop.name), self.manifests.all(loop.name))

    @property
    def fleet(self) -> Fleet:
        """The replicas that serve this home."""
        return Fleet(self.home)

    def verify_ledger(self) -> Json:
        """Check every entry and every signed head."""
        found = audit(self.store.entries(), self.heads.read(), self.heads.signer)
        return {
            "intact": found.intact,
            "entries": found.entries,
            "heads": found.heads,
            "problems": list(found.problems),
        }

    def _waiting(self, state: LoopState) -> Json | None:
        waiting = None if state.route.champion else read_waiting(self.home.routes, state.loop)
        return None if waiting is None else views.waiting_of(waiting)

    def _problems(self, loop: Loop, state: LoopState) -> list[str]:
        """Versions on the route that the loop, as its file is now, can no longer feed."""
        current, found = Binding.of(loop.feature_set), []
        for name in state.route.versions:
            version = self.manifests.find(loop.name, name)
            verdict = judge_binding(version.binding, current) if version else None
            if verdict is not None and verdict.name == REJECT:
                found.append(
                    f"{name} was trained with other definitions than the loop file has: {'; '.join(verdict.texts)}"
                )
        return found

    def _moved(self, loop: str) -> str:
        return Progress(self.home.checkpoints / loop).told()

    def _said(self, loop: str, version: str) -> list[str]:
        """The last lines of a training's log; empty before it has one."""
        try:
            with JobFolder(self.home.jobs / loop / version).log.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return []
        return lines[-_LOG_LINES:] or ["starting"]

    def _lately(self, loop: str, state: LoopState, now: Instant) -> list[Day]:
        """The newest days, oldest first: those of the open rollout, and back to one that was compared with training."""
        under_way = 0 if state.rollout is None else (now - state.rollout.opened_at) // duration("1d") + 2
        days = self.store.newest_days(loop, views.SKEW_DAYS + under_way)
        return days if any(day.inputs.drift for day in days) else self.days(loop)

    def _read_days(self, loop: str) -> dict[str, tuple[int, Day]]:
        """All days by name with their cursors; only what changed is read again."""
        with self._lock:
            cursor, known = self._days.get(loop, (0, {}))
            changed = self.store.days(loop, after=cursor)
            known = {**known, **{day.day: (place, day) for place, day in changed}}
            self._days[loop] = (changed[-1][0] if changed else cursor, known)
            return known
