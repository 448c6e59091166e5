"""A rollback as a command asks for it: of control where it runs, which has everything loaded; else by itself.

Opening the stores costs a command half a second of imports, while a bad version answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from homeostat.adapters.files.routes import read_route
from homeostat.app.home import Home
from homeostat.app.processes.loopback import post_json
from homeostat.kernel.errors import HomeostatError, NotFound, Unavailable
from homeostat.serving.routing import Route

if TYPE_CHECKING:
    from homeostat.control.versioned_state import Way

Json = dict[str, Any]
_PATIENCE_SECONDS = 0.5
"""How long control may take: it answers in some hundredths, and one that does not is not waited for."""


def served_route(home: Home, loop: str | None) -> Route | None:
    """What replicas serve of a loop, or of the only one; None where that cannot be told without its file."""
    if loop is None:
        started = home.told().get("definitions", {})
        loop = next(iter(started)) if len(started) == 1 else None
    try:
        return None if loop is None else read_route(home.routes, loop)
    except (HomeostatError, ValueError):
        return None


def roll_back(home: Home, route: Route, reason: str, actor: str, way: Way | None = None) -> Json:
    """Take back what a route says; done when every replica follows. Both ways change the very generation that was
    seen, so that asking twice takes back once. ``way`` is what becomes of the loop's state, where it declares one.

    Raises: Conflict when another generation serves by now; Refused when there is nothing to go back to.
    """
    asked = {"reason": reason, "actor": actor, "generation": route.generation, **({"state": way} if way else {})}
    try:
        url = f"{home.running().control}/api/loops/{quote(route.loop)}/rollback"
        done: Json = post_json(url, asked, _PATIENCE_SECONDS)
        return done
    except (NotFound, Unavailable):
        from homeostat.app.by_hand.operations import Operations

        generation = route.generation
        return Operations.open(home).rollback(route.loop, reason, actor=actor, now=None, generation=generation, way=way)
