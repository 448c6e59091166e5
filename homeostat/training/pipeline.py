"""The port behind which long actions survive a crash: named steps whose results are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Json = Any
"""A JSON value: None, bool, int, float, str, a list of them, or a dict with string keys."""


@dataclass(frozen=True, slots=True)
class WorkflowState:
    """Where a workflow stands. ``result`` is set when DONE, ``error`` (an error's dict) when FAILED."""

    status: Literal["PENDING", "DONE", "FAILED", "UNKNOWN"]
    result: Json = None
    error: Json = None

    @property
    def finished(self) -> bool:
        """True when nothing more will happen by itself."""
        return self.status in ("DONE", "FAILED")


class Steps(Protocol):
    """Handed to a workflow's body: everything it does to the world, it does through ``run``."""

    def run(self, name: str, effect: Callable[[], Json]) -> Json:
        """Run ``effect`` and keep its result; after a crash a finished step is not run again.

        The step during which the process died is run again, so an effect looks for what it makes before
        making it. The body calls its steps in the same order every time.
        """
        ...


Body = Callable[[Steps, Json], Json]


class WorkflowEngine(Protocol):
    """Runs bodies to their end whatever happens to the process in between."""

    def register(self, name: str, body: Body) -> None:
        """Name a body; only before ``launch``. Raises: Conflict when the name is taken."""
        ...

    def launch(self) -> None:
        """Begin, and take up what was pending when the last process ended."""
        ...

    def start(self, name: str, workflow_id: str, arguments: Json) -> None:
        """Start once: a workflow id that is already known is left as it is."""
        ...

    def state(self, workflow_id: str) -> WorkflowState:
        """Where it stands now."""
        ...

    def wait(self, workflow_id: str, timeout: float) -> WorkflowState:
        """Its state when finished, or after ``timeout`` seconds, whichever is first."""
        ...

    def close(self) -> None:
        """Stop; what is pending is taken up by the next ``launch``."""
        ...
