"""What a trace tells of a prediction: its loop, who answered, the ids, and what each stage took."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from homeostat.app.tracing.tracer import CURRENT, Trace, reason_of
from homeostat.serving.gateway import Reply
from homeostat.serving.routing import Arm
from homeostat.web.doors.asking import Asking
from homeostat.web.doors.metrics import DoorMetrics
from homeostat.web.doors.replies import Response
from homeostat.web.doors.requests import Asked, Request

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")
_MOST_IDS = 32
"""Prediction ids that one span names; a request may hold thousands."""


class TracedAsking(Asking):
    """As ``Asking``."""

    __slots__ = ()

    async def predict(
        self, request: Asked, loop: str, rows: Sequence[object], *, version: str | None = None
    ) -> list[Reply]:
        """As ``Asking.predict``."""
        trace = CURRENT.get()
        if trace is None:
            return await super().predict(request, loop, rows, version=version)
        trace.facts["homeostat.rows"] = len(rows)
        if loop in self.live.loops:
            trace.facts["homeostat.loop"] = loop
        try:
            replies = await super().predict(request, loop, rows, version=version)
        except BaseException as error:
            if trace.stages is not None:
                trace.stages.stop(reason_of(error))
            raise
        _tell(trace, replies)
        return replies

    async def exchange(
        self,
        request: Request,
        loop: str,
        decode: Callable[[bytes], Sequence[object]],
        shape: Callable[[list[Reply]], Response],
        *,
        version: str | None = None,
    ) -> Response:
        """As ``Asking.exchange``."""
        trace = CURRENT.get()
        if trace is not None:
            decode, shape = _as_step(trace, "decode", decode), _as_step(trace, "encode", shape)
        return await super().exchange(request, loop, decode, shape, version=version)


class TracedMetrics(DoorMetrics):
    """As ``DoorMetrics``; what is counted of a request with a trace is noted there, too."""

    def arm_failed(self, loop: str, version: str, arm: Arm, rows: int, why: Exception | None) -> None:
        """A version did not answer."""
        super().arm_failed(loop, version, arm, rows, why)
        if trace := CURRENT.get():
            trace.facts["homeostat.failed_version"] = version
            trace.facts["homeostat.failed_arm"] = arm

    def idempotent(self, outcome: str) -> None:
        """A request with an idempotency key came."""
        super().idempotent(outcome)
        if trace := CURRENT.get():
            trace.facts["homeostat.idempotency"] = outcome


def _as_step(trace: Trace, name: str, work: Callable[[_Given], _Made]) -> Callable[[_Given], _Made]:
    def timed(given: _Given) -> _Made:
        with trace.step(name):
            return work(given)

    return timed


def _tell(trace: Trace, replies: Sequence[Reply]) -> None:
    """Who answered each row; of ids, the first ones."""
    trace.facts["homeostat.versions"] = list(dict.fromkeys(one.version for one in replies))
    trace.facts["homeostat.arms"] = list(dict.fromkeys(one.arm for one in replies))
    trace.facts["homeostat.prediction_ids"] = [one.prediction_id for one in replies[:_MOST_IDS]]
