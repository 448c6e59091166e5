"""Candidates in their own processes, as traces see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar

from homeostat.app.arms.messages import Told
from homeostat.app.arms.process import ArmProcess
from homeostat.app.tracing.tracer import CURRENT, Step
from homeostat.data.contracts import Value
from homeostat.kernel.traces import Fact
from homeostat.serving.runtimes import Probabilities

_STEP: ContextVar[Step | None] = ContextVar("homeostat-arm-step", default=None)


class TracedArm(ArmProcess):
    """Tells how long a candidate was asked, and how long it worked: the rest is the way there and the queue."""

    async def predict(self, columns: Mapping[str, Sequence[Value]]) -> Probabilities:
        """As ``ArmProcess.predict``; within a trace it becomes a span, and the candidate's own work one below it."""
        trace = CURRENT.get()
        if trace is None:
            return await super().predict(columns)
        with trace.step(f"ask {self.version}", "client", {"homeostat.version": self.version}) as step:
            token = _STEP.set(step)
            try:
                return await super().predict(columns)
            finally:
                _STEP.reset(token)

    async def _ask(self, columns: list[list[Value]], traceparent: str = "") -> Told:
        step = _STEP.get()
        if step is None:
            return await super()._ask(columns, traceparent)
        pid = self.pid
        told = await super()._ask(columns, step.place.traceparent)
        facts: dict[str, Fact] = {"homeostat.version": self.version}
        if pid is not None:
            facts["process.pid"] = pid
        if told.began:
            step.below(f"score {self.version}", told.began, told.ended, facts)
        return told
