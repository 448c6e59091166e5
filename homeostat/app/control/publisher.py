"""Makes a route known: its copy for serving, the wait until serving follows, and the registry's aliases."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from homeostat.app.fleet import Fleet
from homeostat.app.operations import Operations
from homeostat.control.state import LoopState
from homeostat.kernel.errors import HomeostatError
from homeostat.registry.models import Registry

_LOG = logging.getLogger("homeostat.control")


@dataclass(slots=True)
class Publisher:
    """Publishes a loop's route; safe to repeat. Serving that is down is not waited for: it reads the copy."""

    operations: Operations
    registry: Registry
    fleet: Fleet

    def publish(self, state: LoopState) -> None:
        """Write the copy, wait until serving shows its generation, mirror the aliases.

        The newest route is published, which may be newer than ``state``: the one who decided it may be faster.
        """
        state = self.operations.publish(state.loop)
        if state.route.generation == 0:
            return
        self._await_serving(state)
        self._mirror(state)

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
            _LOG.warning("the registry does not mirror the route: %s %s", error.problem, error.mend)
