"""Durable workflows, as traces see them: one trace each, whatever happens to the process in between."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from homeostat.app.tracing.tracer import Trace, Tracer, reason_of
from homeostat.kernel.traces import Place
from homeostat.training.pipeline import Body, Json, Steps


def traced_body(body: Body, tracer: Tracer, loop: str) -> Body:
    """The body, with a span for it and one for each step; the trace's id comes from the workflow's own.

    A step is sent as soon as it has ended: the workflow may end days later, in another process.
    """

    def traced(steps: Steps, ask: Json) -> Json:
        place = _place(str(ask["workflow"]))
        trace = Trace(tracer.into, place, 0)
        trace.facts = {
            "homeostat.loop": loop,
            "homeostat.version": str(ask["version"]),
            "homeostat.workflow": str(ask["workflow"]),
        }
        try:
            outcome: Any = body(_TracedSteps(steps, trace), ask)
        except Exception as error:
            trace.failed = trace.facts["error.type"] = trace.failed or reason_of(error)
            trace.finish("retraining", "internal")
            raise
        trace.facts["homeostat.verdict"] = str(outcome["verdict"])
        trace.finish("retraining", "internal")
        return outcome

    return traced


class _TracedSteps:
    def __init__(self, steps: Steps, trace: Trace) -> None:
        self._steps, self._trace = steps, trace

    def run(self, name: str, effect: Callable[[], Json]) -> Json:
        """As ``Steps.run``; a step whose result is kept from before is not run and has no second span."""

        def traced() -> Json:
            step = Trace(self._trace.into, self._trace.below(), self._trace.place.span_id)
            step.facts = dict(self._trace.facts)
            try:
                return effect()
            except Exception as error:
                step.failed = step.facts["error.type"] = self._trace.failed = reason_of(error)
                raise
            finally:
                step.finish(name, "internal")

        return self._steps.run(name, traced)


def _place(workflow: str) -> Place:
    trace = int.from_bytes(blake2b(workflow.encode(), digest_size=16).digest())
    span = int.from_bytes(blake2b(workflow.encode(), digest_size=8).digest())
    return Place(trace or 1, span or 1, True)
