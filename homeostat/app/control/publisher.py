"""Makes a route known: its copy for serving, the wait until serving follows, and the registry's aliases."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

from homeostat.app.loopback import get_json
from homeostat.app.operations import Operations
from homeostat.control.state import LoopState
from homeostat.kernel.errors import HomeostatError, Unavailable
from homeostat.registry.models import Registry

_LOG = logging.getLogger("homeostat.control")
_PATIENCE_SECONDS, _EVERY_SECONDS = 10.0, 0.02


@dataclass(slots=True)
class Publisher:
    """Publishes a loop's route; safe to repeat. Serving that is down is not waited for: it reads the copy."""

    operations: Operations
    registry: Registry
    doors_url: str
    _pause: threading.Event = field(init=False, default_factory=threading.Event)

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
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            shown = self._shown(state.loop)
            if shown is None or (shown.get("generation") or -1) >= state.route.generation:
                return
            self._pause.wait(_EVERY_SECONDS)
        _LOG.warning("serving does not show generation %d of %s yet", state.route.generation, state.loop)

    def _shown(self, loop: str) -> dict[str, int] | None:
        try:
            found: dict[str, int] | None = get_json(f"{self.doors_url}/health/ready", accept=(503,))["loops"].get(loop)
        except Unavailable:
            return None
        return found

    def _mirror(self, state: LoopState) -> None:
        """Aliases are a copy for people; a registry that is away must not hold up a route."""
        route = state.route
        aliases = {"champion": route.champion, "candidate": route.canary, "standby": route.standby}
        try:
            self.registry.mirror(state.loop, aliases)
        except HomeostatError as error:
            _LOG.warning("the registry does not mirror the route: %s %s", error.problem, error.mend)
