"""Calls of the recorder, as traces see them: both ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from homeostat.app.recorder.blocking import BlockingRecorderClient
from homeostat.app.recorder.client import RecorderClient
from homeostat.app.recorder.frames import Header
from homeostat.app.tracing.tracer import CURRENT, Step, Trace, Tracer, reason_of
from homeostat.kernel.traces import place_of

Reply = dict[str, Any]
Answer = Callable[[Header, bytes], Awaitable[Reply]]
_PARENT, _STATE = "traceparent", "tracestate"


class TracedRecorderClient(RecorderClient):
    """As ``RecorderClient``; what is asked within a trace becomes a span, and the recorder is told of it."""

    async def _call(self, header: Header, body: bytes = b"") -> Reply:
        trace = CURRENT.get()
        if trace is None:
            return await super()._call(header, body)
        with _step(trace, header) as step:
            return await super()._call(_told(header, step), body)


class TracedBlockingRecorderClient(BlockingRecorderClient):
    """As ``BlockingRecorderClient``, in the same way."""

    def _call(self, header: Header, body: bytes = b"") -> Reply:
        trace = CURRENT.get()
        if trace is None:
            return super()._call(header, body)
        with _step(trace, header) as step:
            return super()._call(_told(header, step), body)


def traced_answer(answer: Answer, tracer: Tracer) -> Answer:
    """The recorder's answers, with a span for those that are asked for within a trace."""

    async def traced(header: Header, body: bytes) -> Reply:
        caller = place_of([header[_PARENT]], [header[_STATE]]) if _PARENT in header else None
        trace = tracer.begin(caller) if caller else None
        if trace is None:
            return await answer(header, body)
        name = str(header.get("call"))
        trace.facts["homeostat.call"] = name
        try:
            return await answer(header, body)
        except Exception as error:
            trace.failed = trace.facts["error.type"] = reason_of(error)
            raise
        finally:
            trace.finish(f"recorder {name}", "server")

    return traced


def _step(trace: Trace, header: Header) -> Step:
    return trace.step(f"recorder {header['call']}", "client", {"homeostat.call": header["call"]})


def _told(header: Header, step: Step) -> Header:
    return {**header, _PARENT: step.place.traceparent, _STATE: step.place.state}
