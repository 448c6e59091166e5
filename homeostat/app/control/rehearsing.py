"""Carries out the drills that are due by a loop's own plan, on the machine's clock."""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from homeostat.app.by_hand.drilling import RollbackDrill
from homeostat.app.by_hand.operations import Operations
from homeostat.app.control.doors import EVERY_SECONDS, DoorsWatch
from homeostat.app.gateway.counted import together
from homeostat.app.gateway.traffic import Traffic
from homeostat.control.loop import Loop
from homeostat.control.rehearsals import Drills, Rehearsed, judge_rehearsal
from homeostat.kernel.clock import Instant
from homeostat.kernel.errors import HomeostatError
from homeostat.kernel.verdicts import ACCEPT, DRILL, Reason

_LOG = logging.getLogger("homeostat.control")
ACTOR = "schedule"
_MINUTE = round(60 / EVERY_SECONDS)


@dataclass(slots=True)
class Rehearser:
    """Rehearses rollbacks by plan. That a drill was begun is written with the change of the route, so that neither a
    restart nor a kill makes a second one of the same hours. ``stop`` ends one that is on: everyone goes back at once.
    """

    operations: Operations
    doors: DoorsWatch
    flush: Callable[[], object]
    stop: threading.Event = field(default_factory=threading.Event)
    _tried: dict[str, Instant] = field(init=False, default_factory=dict)

    def look(self, loop: Loop, now: Instant) -> None:
        """Rehearse if it is time. What goes wrong is told and left for the next hours."""
        plan = loop.drill_plan
        if plan is None or plan.opened(now) is None or self.stop.is_set():
            return
        state = self.operations.state(loop.name)
        known = self._known(loop.name)
        follow = bool(self.operations.fleet.replicas()) and not self.operations.fleet.lagging(
            loop.name, state.route.generation
        )
        verdict = judge_rehearsal(state, plan, known, self._requests(loop.name), now, all_follow=follow)
        if verdict.name == DRILL:
            self._tried[loop.name] = now
            self._rehearse(loop, plan, verdict.reasons)

    def _rehearse(self, loop: Loop, plan: Drills, because: tuple[Reason, ...]) -> None:
        drill = RollbackDrill(self.operations, loop, self.flush, ACTOR, plan.seconds, because=because, stop=self.stop)
        try:
            done = drill.run()["decision"]
        except HomeostatError as error:
            _LOG.warning("the rollback drill of %s came to nothing: %s %s", loop.name, error.problem, error.mend)
            return
        if done["verdict"] != ACCEPT:
            _LOG.warning("%s of %s: %s", done["title"], loop.name, "; ".join(done["reasons"]))

    def _known(self, loop: str) -> Rehearsed:
        """The ledger's, and what this process tried and could not even begin."""
        found = Rehearsed.of([entry.draft for entry in self.operations.store.entries(loop)])
        tried = [at for at in (found.tried_at, self._tried.get(loop)) if at is not None]
        return dataclasses.replace(found, tried_at=max(tried, default=None))

    def _requests(self, loop: str) -> int | None:
        points = self.doors.seen().points[-_MINUTE:]
        if len(points) < _MINUTE or not all(point.replicas for point in points):
            return None
        return int(Traffic.of(together(points), loop).requests)
