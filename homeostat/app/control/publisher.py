"""Makes a route known: its copy for serving, the wait until serving follows, and the registry's aliases."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field

from homeostat.app.by_hand.operations import Operations
from homeostat.app.gateway.fleet import Fleet
from homeostat.control.state import LoopState
from homeostat.kernel.errors import HomeostatError
from homeostat.registry.models import Registry

EVERY_SECONDS = 15.0
_LOG = logging.getLogger("homeostat.control")


@dataclass(slots=True)
class Publisher:
    """Publishes a loop's route; safe to repeat. Serving that is down is not waited for: it reads the copy.

    ``behind`` are the loops whose route a registry that was away does not show yet, each with what kept it.
    """

    operations: Operations
    registry: Registry
    fleet: Fleet
    behind: dict[str, str] = field(init=False, default_factory=dict)

    def publish(self, state: LoopState) -> None:
        """Write the copy, wait until serving shows its generation, mirror the aliases.

        The newest route is published, which may be newer than ``state``: the one who decided it may be faster.
        """
        state = self.operations.publish(state.loop)
        if state.route.generation == 0:
            return
        self._await_serving(state)
        self._mirror(state)

    def run(self, stop: threading.Event) -> None:
        """Until told to stop, mirror what the registry does not show yet."""
        while not stop.wait(EVERY_SECONDS):
            self.catch_up()

    def catch_up(self) -> None:
        """Mirror the newest routes of those that are behind."""
        for loop in list(self.behind):
            self._mirror(self.operations.state(loop))

    def _await_serving(self, state: LoopState) -> None:
        for text in self.fleet.follow(state.loop, state.route.generation).lagging:
            _LOG.warning("the route of %s is not served everywhere: %s", state.loop, text)

    def _mirror(self, state: LoopState) -> None:
        """Aliases are a copy for people; a registry that is away must not hold up a route."""
        route = state.route
        aliases = {"champion": route.champion, "candidate": route.canary, "standby": route.standby}
        try:
            self.registry.mirror(state.loop, aliases)
        except HomeostatError as error:
            if self.behind.get(state.loop) != error.problem:
                _LOG.warning("the registry does not mirror the route: %s %s", error.problem, error.mend)
            self.behind[state.loop] = error.problem
        else:
            if self.behind.pop(state.loop, None) is not None:
                _LOG.info("the registry mirrors the route of %s again", state.loop)
