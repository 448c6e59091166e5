"""Which requests have a trace, and what is noted of one while it is under way."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from types import MappingProxyType, TracebackType
from typing import Protocol

from homeostat.kernel.errors import HomeostatError
from homeostat.kernel.traces import Fact, Kind, Place, Span
from homeostat.serving.gateway import STAGES

_LOW = (1 << 64) - 1
_MOST_SPANS = 64
"""Of one trace, made by one process; a request has some ten."""
_PATIENCE = 2.0
"""Seconds that a process which ends waits for whoever takes its spans."""


class Spans(Protocol):
    """Where spans go once they have ended."""

    def put(self, spans: Sequence[Span]) -> None:
        """Take spans that belong together; never waits, never fails."""
        ...

    def counts(self) -> Mapping[str, int]:
        """What became of those that were put, by outcome."""
        ...

    def close(self, patience: float) -> None:
        """Send what waits, for at most ``patience`` seconds."""
        ...


class Trace:
    """A request or a piece of work under way that has a trace: it becomes one span, with all that was noted below it.

    ``facts`` and ``failed`` are the own span's and may be changed until it is finished; ``inside`` is the id of the
    span within which things are done now.
    """

    __slots__ = (
        "_anchor",
        "_began",
        "_done",
        "_left_out",
        "_parent",
        "_spans",
        "facts",
        "failed",
        "inside",
        "into",
        "place",
        "stages",
    )

    def __init__(self, into: Spans, place: Place, parent: int) -> None:
        self.into, self._parent = into, parent
        self.place, self.inside = place, place.span_id
        self._began, self._anchor = time.time_ns(), time.perf_counter_ns()
        self.facts: dict[str, Fact] = {}
        self.failed: str | None = None
        self._spans: list[Span] = []
        self._done, self._left_out = False, 0
        self.stages: Stages | None = None

    def now(self) -> int:
        """Unix nanoseconds that only go forward while this trace lasts."""
        return self._began + time.perf_counter_ns() - self._anchor

    def step(self, name: str, kind: Kind = "internal", facts: Mapping[str, Fact] = MappingProxyType({})) -> Step:
        """Something that is done within, for ``with``."""
        return Step(self, name, kind, facts)

    def below(self) -> Place:
        """A new place within."""
        return Place(self.place.trace_id, new_span_id(), True, self.place.state)

    def add(self, span: Span) -> None:
        """Note what has ended; what comes after the end is sent by itself."""
        if self._done:
            self.into.put([span])
        elif len(self._spans) < _MOST_SPANS:
            self._spans.append(span)
        else:
            self._left_out += 1

    def finish(self, name: str, kind: Kind) -> None:
        """It has ended: send everything."""
        self._done = True
        if self._left_out:
            self.facts["homeostat.spans_left_out"] = self._left_out
        remote = bool(self._parent) and kind == "server"
        own = Span(name, kind, self.place, self._parent, self._began, self.now(), self.facts, remote, self.failed)
        self.into.put([own, *self._spans])


class Step:
    """A span below a trace's own; what is raised within is noted, by its code or its class and never by its text:
    texts quote what was sent."""

    __slots__ = ("_above", "_began", "_facts", "_kind", "_name", "_trace", "place")

    def __init__(self, trace: Trace, name: str, kind: Kind, facts: Mapping[str, Fact]) -> None:
        self._trace, self._name, self._kind, self._facts = trace, name, kind, facts
        self.place = trace.below()

    def __enter__(self) -> Step:
        self._above = self._trace.inside
        if self._kind == "internal":  # of others, several may be asked at once: none is within the other
            self._trace.inside = self.place.span_id
        self._began = self._trace.now()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.end(None if error is None else reason_of(error))

    def end(self, failed: str | None = None) -> None:
        """It has ended; ``failed`` says why it did not do what it should."""
        trace = self._trace
        if trace.inside == self.place.span_id:
            trace.inside = self._above
        facts = self._facts if failed is None else {**self._facts, "error.type": failed}
        ended = trace.now()
        trace.add(Span(self._name, self._kind, self.place, self._above, self._began, ended, facts, failed=failed))

    def below(self, name: str, began: int, ended: int, facts: Mapping[str, Fact]) -> None:
        """Note what another process did for this."""
        self._trace.add(Span(name, "server", self._trace.below(), self.place.span_id, began, ended, facts, remote=True))


class Stages:
    """What tells the gateway the time, and thereby learns where each of its stages begins and the last one ends."""

    __slots__ = ("_open", "_rest", "_trace")

    def __init__(self, trace: Trace, names: Sequence[str]) -> None:
        self._trace, self._rest = trace, iter(names)
        self._open: Step | None = None

    def turn(self) -> None:
        """One ends, the next begins."""
        self.stop()
        name = next(self._rest, None)
        if name is not None:
            self._open = self._trace.step(name).__enter__()

    def stop(self, failed: str | None = None) -> None:
        """The one that is open ends."""
        step, self._open = self._open, None
        if step is not None:
            step.end(failed)


CURRENT: ContextVar[Trace | None] = ContextVar("homeostat-trace", default=None)
"""The trace of the request that is being answered here, if it has one."""


def stage_timer() -> float:
    """Seconds of processing time, for ``Gateway``: it reads them where a stage begins and after the last."""
    trace = CURRENT.get()
    if trace is not None:
        if trace.stages is None:
            trace.stages = Stages(trace, STAGES)
        trace.stages.turn()
    return time.perf_counter()


def current_trace_id() -> str | None:
    """The id under which the trace of the request that is answered here can be found, if it has one."""
    trace = CURRENT.get()
    return None if trace is None else f"{trace.place.trace_id:032x}"


class Tracer:
    """Begins traces: those that the caller has sampled, and ``share`` of those that begin here."""

    def __init__(self, into: Spans, share: float) -> None:
        self.into = into
        self._below = round(share * (_LOW + 1))

    def begin(self, caller: Place | None) -> Trace | None:
        """The trace of a request, or None where it is not sampled; what the caller decided is obeyed."""
        if caller is not None:
            return self.within(caller) if caller.sampled else None
        trace_id = new_trace_id()
        return Trace(self.into, Place(trace_id, new_span_id(), True), 0) if trace_id & _LOW < self._below else None

    def close(self) -> None:
        """Send what waits, if it is taken at once."""
        self.into.close(_PATIENCE)

    def within(self, caller: Place) -> Trace:
        """A trace at a place that is known."""
        return Trace(self.into, Place(caller.trace_id, new_span_id(), True, caller.state), caller.span_id)


def new_trace_id() -> int:
    """Random bits that are not all 0, as the recommendation asks."""
    return random.getrandbits(128) or 1


def new_span_id() -> int:
    """Random bits that are not all 0."""
    return random.getrandbits(64) or 1


def reason_of(error: BaseException) -> str:
    """What may be told of an error: its code where it is ours, else its class."""
    return error.code if isinstance(error, HomeostatError) else type(error).__name__
