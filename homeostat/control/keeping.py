"""How state goes with a loop's versions: the port through which deciders send it along, and what has none."""

from __future__ import annotations

from typing import Protocol

from homeostat.control.state import LoopState
from homeostat.control.transitions import Transition
from homeostat.kernel.clock import Instant


class Stateful(Protocol):
    """Sends state along with changes of a route; a change that concerns no state comes back as it was."""

    def along(self, before: LoopState, moved: Transition, now: Instant) -> Transition:
        """A version is taken back: its state goes before or after the route, as the loop says."""
        ...

    def at_once(self, before: LoopState, moved: Transition, now: Instant) -> Transition:
        """A version cannot serve any more: the route goes first, whatever the loop says."""
        ...

    def release(self, state: LoopState, now: Instant) -> Transition:
        """Open the rollout of a held version, once the checkpoint it waits for is there; else nothing."""
        ...


class _Stateless:
    def along(self, before: LoopState, moved: Transition, now: Instant) -> Transition:
        return moved

    def at_once(self, before: LoopState, moved: Transition, now: Instant) -> Transition:
        return moved

    def release(self, state: LoopState, now: Instant) -> Transition:
        return Transition(state, ())


STATELESS: Stateful = _Stateless()
"""A loop that declares no state."""
