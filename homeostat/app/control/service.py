"""The use cases of the control process; the API's routes and the background ticker call them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from homeostat.app.alerting.desk import Desk
from homeostat.app.backtest.reports import read_report
from homeostat.app.by_hand.operations import Operations
from homeostat.app.clocks import SystemClock
from homeostat.app.control.alerting import Alerting
from homeostat.app.control.doors import DoorsWatch
from homeostat.app.control.facts import Facts
from homeostat.app.control.guard import Guard
from homeostat.app.control.keys_on_record import KeysOnRecord
from homeostat.app.control.rehearsing import Rehearser
from homeostat.app.diagnosis.diagnosing import diagnosis
from homeostat.app.gateway.traffic import traffic
from homeostat.app.lineage.impact import impact
from homeostat.app.provenance.versions import compared, origin, shown
from homeostat.app.shown import views
from homeostat.app.shown.decided import explained
from homeostat.app.shown.economics import economics
from homeostat.app.shown.performance import performance
from homeostat.app.shown.showing import Showing
from homeostat.app.shown.slices import slices
from homeostat.app.versions.retention import Retention
from homeostat.control.loop import Loop
from homeostat.control.reconcile import Reconciler
from homeostat.control.retention import present
from homeostat.control.versioned_state import Way
from homeostat.data.checks import did_you_mean
from homeostat.kernel.clock import Clock, Instant, format_instant
from homeostat.kernel.errors import HomeostatError, NotFound, Refused
from homeostat.kernel.verdicts import ROLL_BACK
from homeostat.monitoring.alerts.alerts import INSTALLATION
from homeostat.monitoring.freshness import objectives_of
from homeostat.serving.routing import Route

Json = dict[str, Any]
_LOG = logging.getLogger("homeostat.control")


@dataclass(slots=True)
class Replay:
    """Where a replay says that it is."""

    start: Instant
    until: Instant
    at: Instant
    phase: str
    done: bool


@dataclass(slots=True)
class ControlService:
    """Everything a person or a replay may ask of control. Ticks of all loops run one at a time.

    ``hourly_price`` is what one replica costs an hour, if that is known; ``rehearser`` carries out due drills.
    """

    loops_by_name: Mapping[str, Loop]
    reconcilers: Mapping[str, Reconciler]
    operations: Operations
    facts: Facts
    clock: Clock | None
    patience: float
    showing: Showing
    doors: DoorsWatch
    hourly_price: float | None = None
    rehearser: Rehearser | None = None
    alerting: Alerting | None = None
    retention: Retention | None = None
    keys: KeysOnRecord | None = None
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)
    _replay: Replay | None = field(init=False, default=None)
    _told: dict[str, tuple[tuple[int, Route] | None, Json]] = field(init=False, default_factory=dict)
    _accounts: dict[str, tuple[int, Json]] = field(init=False, default_factory=dict)
    _diagnoses: dict[tuple[str, str | None], tuple[int, Json]] = field(init=False, default_factory=dict)
    _guards: dict[str, Guard] = field(init=False, default_factory=dict)
    _broken: dict[str, tuple[str, ...]] = field(init=False, default_factory=dict)

    def tick(self) -> None:
        """One look at every loop, as of the clock."""
        if self.clock is None:
            return
        with self._lock:
            try:
                for reconciler in self.reconcilers.values():
                    reconciler.tick(self.clock.now())
                self._record_keys()
                for name, reconciler in self.reconcilers.items():
                    self._keep_within_limits(self.loops_by_name[name], self.clock.now())
                    if self.rehearser is not None:
                        self.rehearser.look(self.loops_by_name[name], self.clock.now())
                    if self.retention is not None:
                        self.retention.look(self.loops_by_name[name], present(reconciler.days, self.clock.now()))
            finally:
                self._alert(self.clock.now())
            if self.alerting is not None:
                self.alerting.beat()

    def _alert(self, now: Instant) -> None:
        """Also after a look that failed: that nothing is measured any more is an alert itself."""
        if self.alerting is None:
            return
        for name in self.reconcilers:
            self.alerting.look(self.loops_by_name[name], now, self._broken.get(name, ()))
        self.alerting.look_at_deliveries()

    def _record_keys(self) -> None:
        if self.keys is None:
            return
        for name in self.reconcilers:
            with suppress(HomeostatError):  # unreadable keys, or somebody decides meanwhile: the next look writes it
                self.keys.look(name)

    def alerts(self) -> Desk:
        """What people see of alerts, and may do about them."""
        return Desk.open(self.operations)

    def alerts_of(self, name: str, *, whole: bool) -> Json:
        """Alerts of a loop and of the installation. Raises: NotFound."""
        loop = self._loop(name)
        told = self.alerts().told(name, self.people_now, loop.alerts, whole=whole)
        return {"now": format_instant(self.people_now(name)), **told}

    def people_now(self, name: str) -> Instant:
        """The present of a loop's alerts: in a replay how far it is decided; the machine's for the installation."""
        if self.clock is not None or name == INSTALLATION:
            return SystemClock().now()
        return self.operations.state(self._loop(name).name).decided_until or 0

    def _keep_within_limits(self, loop: Loop, now: Instant) -> None:
        guard = self._guards.setdefault(loop.name, Guard(loop.limits))
        verdict = guard.judge(self.operations.state(loop.name), self.doors.seen())
        if verdict.name != ROLL_BACK or self.operations.take_back(loop, verdict, now):
            self._broken.pop(loop.name, None)
            return
        codes = tuple(reason.code for reason in verdict.reasons)
        if self._broken.get(loop.name) != codes:
            self._broken[loop.name] = codes
            _LOG.warning("%s breaks its limits and nobody stands by: %s", loop.name, "; ".join(verdict.texts))

    def barrier(self, now: Instant) -> Json:
        """Decide everything up to ``now`` before returning. Raises: Refused unless the clock is a replay's."""
        if self.clock is not None:
            raise Refused(
                "There is no barrier on the system clock.",
                mend="Start Homeostat with the setting clock=replay.",
            )
        with self._lock:
            states = [reconciler.settle(now, self.patience) for reconciler in self.reconcilers.values()]
            self._record_keys()
            self._alert(now)
        return {"decided_until": format_instant(now), "routes": [views.route_of(state) for state in states]}

    def progress(self, start: Instant, until: Instant, at: Instant, phase: str, done: bool) -> None:
        """Remember where a replay is, for people to see."""
        self._replay = Replay(start, until, at, phase, done)

    def loops(self) -> list[Json]:
        """Names and owners."""
        return [{"name": loop.name, "owner": loop.owner} for loop in self.loops_by_name.values()]

    def overview(self, name: str) -> Json:
        """Where the loop stands, at a glance."""
        now = self._now()
        self.facts.look()
        shown = self.operations.overview(self._loop(name), now)
        replay = self._replay
        return {
            **shown,
            "clock": "replay" if self.clock is None else "system",
            "now": None if now is None else format_instant(now),
            "replay": None if replay is None else _shown(replay),
            "activity": self.operations.activity(name),
            "verdict": self._verdict(name),
            "freshness": self.facts.freshness(self._loop(name).tables, now),
            "objectives": self.objectives(name),
            "quarantined": self.facts.quarantined(),
        }

    def objectives(self, name: str) -> list[Json]:
        """How long the source of each table and view is silent, against its objective."""
        loop = self._loop(name)
        return self.facts.objectives(objectives_of(loop.tables, loop.feature_set), self._now())

    def route(self, name: str) -> Json:
        """The route and what every replica makes of it."""
        return self.operations.route(self._loop(name).name)

    def serving(self, name: str) -> Json:
        """Who answers whom, what every replica makes of it, and what the doors counted over the last minutes."""
        loop = self._loop(name).name
        return {**self.operations.route(loop), "traffic": self._traffic(self.operations.state(name).route)}

    def windows(self, name: str, after: int) -> Json:
        """Days changed after a cursor."""
        return self.operations.windows(self._loop(name), after)

    def skew(self, name: str) -> Json:
        """The skew of every feature over the last days."""
        return self.operations.skew(self._loop(name))

    def drift(self, name: str, day: str | None) -> Json:
        """Every drift signal of a day beside its limit."""
        return self.operations.drift(self._loop(name), day)

    def economics(self, name: str) -> Json:
        """The account of the loop's money; what was told last, until something was measured or decided."""
        loop, revision = self._loop(name), self.operations.state(name).revision
        if self._accounts.get(name, (-1, {}))[0] != revision:
            self._accounts[name] = (revision, economics(self.operations, loop))
        return self._accounts[name][1]

    def performance(self, name: str, days: int) -> Json:
        """How right the loop is: with labels, and estimated before them."""
        return performance(self.operations, self._loop(name), days)

    def slices(self, name: str, days: int, worst: bool) -> Json:
        """How right the loop is by slice."""
        return slices(self.operations, self._loop(name), days, worst=worst)

    def diagnosis(self, name: str, at: str | None) -> Json:
        """Why the loop does worse, now or as of a day; what was told last, until something was measured or decided."""
        loop, revision = self._loop(name), self.operations.state(name).revision
        if self._diagnoses.get((name, at), (-1, {}))[0] != revision:
            told = diagnosis(self.operations, loop, at)
            self._diagnoses = {key: one for key, one in self._diagnoses.items() if one[0] == revision}
            self._diagnoses[name, at] = (revision, told)
        return self._diagnoses[name, at][1]

    def backtest(self, name: str) -> Json:
        """The last back-test of a loop; none before the first, and how to get one."""
        folder = self.operations.home.reports / self._loop(name).name / "backtest"
        try:
            return {"report": read_report(folder, name), "mend": None}
        except NotFound as none:
            return {"report": None, "mend": none.mend}

    def decisions(self, name: str, after: int) -> list[Json]:
        """Decisions after a place in the ledger."""
        return self.operations.decisions(self._loop(name).name, after)

    def explanation(self, name: str, decision: str, *, replayed: bool) -> Json:
        """Why a decision of the loop was taken, in full."""
        return explained(self.operations.store, decision, replayed=replayed, loop=self._loop(name).name)

    def versions(self, name: str) -> list[Json]:
        """Every version and its standing."""
        return self.operations.versions(self._loop(name).name)

    def version(self, name: str, version: str) -> Json:
        """What a version was made of."""
        return shown(origin(self.operations.home, self._loop(name).name, version))

    def steps(self, name: str, version: str) -> Json:
        """The steps by which a version was made."""
        return self.operations.steps(self._loop(name).name, version)

    def difference(self, name: str, version: str, other: str) -> Json:
        """What changed from a version to another, by leg."""
        home, loop = self.operations.home, self._loop(name).name
        return compared(origin(home, loop, version), origin(home, loop, other))

    def rollback(self, name: str, reason: str, actor: str, generation: int | None, way: Way | None = None) -> Json:
        """Take the candidate back, or flip to the standby; only where ``generation`` serves, if it is given."""
        loop, now = self._loop(name), self._now()
        return self.operations.rollback(
            name, reason, actor=actor, now=now, generation=generation, way=way, declared=loop
        )

    def retrain(self, name: str, reason: str) -> Json:
        """Train the next version now, because a person asks for it."""
        return self.operations.retrain(self._loop(name), reason, actor="dashboard", now=self._now())

    def approvals(self, name: str) -> list[Json]:
        """What waits for a person."""
        return self.operations.approvals(self._loop(name), self._now())

    def answer_release(self, name: str, question: str | None, reason: str, by: str, *, approved: bool) -> Json:
        """Answer what a gate asks, as somebody."""
        loop, now = self._loop(name), self._now()
        return self.operations.answer_release(loop, question, reason, approved=approved, actor=by, now=now)

    def answer(self, name: str, question: str | None, reason: str, *, approved: bool) -> Json:
        """Answer what an open rollout asks."""
        loop, now = self._loop(name), self._now()
        return self.operations.answer(loop, question, reason, approved=approved, actor="dashboard", now=now)

    def answer_proposal(self, name: str, question: str | None, reason: str, *, approved: bool) -> Json:
        """Answer what is asked about retraining."""
        loop, now = self._loop(name), self._now()
        return self.operations.answer_proposal(loop, question, reason, approved=approved, actor="dashboard", now=now)

    def why(self, prediction_id: str, loop: str | None, rows: int) -> Json:
        """Everything that made one prediction. Raises: NotFound."""
        return self.showing.why(prediction_id, self._now(), loop, rows)

    def lineage(self, name: str, version: str | None) -> Json:
        """What a version was made of and what was made of it, as a graph. Raises: NotFound."""
        return self.showing.lineage.graph(name, version)

    def impact(self, what: str, loop: str | None) -> Json:
        """What depends on a table, a definition or a version. Raises: NotFound, InvalidInput."""
        return impact(self.showing.lineage, what, loop)

    def verify_ledger(self) -> Json:
        """Check the ledger against its signed heads."""
        return self.operations.verify_ledger()

    def quarantine(self, table: str, limit: int) -> Json:
        """The newest rows of a table that broke its contract, with what was wrong."""
        rows = self.facts.recorder.quarantine(table, limit)
        return {"rows": [{**row, "known_at": format_instant(row["known_at"])} for row in rows]}

    def tables(self) -> list[Json]:
        """Every table: rows, freshness against its objective, and rows that broke the contract by reason."""
        self.facts.look()
        tables = list(self.showing.tables.values())
        told = self.facts.freshness(tables, self._now())
        return [{**one, **self.facts.intake(one["table"])} for one in told]

    def table(self, name: str) -> Json:
        """One table in full. Raises: NotFound."""
        shown = self.showing.table(name)
        told = next(one for one in self.tables() if one["table"] == name)
        return {**told, **shown}

    def readmit(self, table: str, reason: str | None, ids: Sequence[int] | None) -> Json:
        """Take in kept rows that keep today's contract, as known now."""
        return self.facts.recorder.readmit(table, self._now(), reason=reason, ids=ids)

    def _traffic(self, route: Route) -> Json:
        """What was told last, until the doors are looked at again: people ask far more often."""
        seen = self.doors.seen()
        of, told = self._told.get(route.loop, (None, {}))
        if of != (seen.number, route):
            told = traffic(seen, route, self.hourly_price)
            self._told[route.loop] = ((seen.number, route), told)
        return told

    def _verdict(self, name: str) -> Json | None:
        """What was last said about retraining: why it is time, or why not yet."""
        verdict = self.reconcilers[name].verdict if name in self.reconcilers else None
        return None if verdict is None else {"name": verdict.name, "reasons": list(verdict.texts)}

    def _now(self) -> Instant | None:
        if self.clock is not None:
            return self.clock.now()
        return self._replay.at if self._replay else None

    def _loop(self, name: str) -> Loop:
        if name not in self.loops_by_name:
            raise NotFound(f"No loop {name!r} here.", mend=did_you_mean(name, self.loops_by_name), loop=name)
        return self.loops_by_name[name]


def _shown(replay: Replay) -> Json:
    instants = {name: format_instant(getattr(replay, name)) for name in ("start", "until", "at")}
    return {**instants, "phase": replay.phase, "done": replay.done}
