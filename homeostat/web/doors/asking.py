"""What the doors of every protocol share: the present, who asks, a bounded body, and the one use case behind them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from homeostat.app.clocks import HEADER, DoorClock
from homeostat.app.gateway.answers import Attempt
from homeostat.app.gateway.consumer_names import HEADER as CONSUMER
from homeostat.app.gateway.door_parts import EventSink
from homeostat.app.gateway.prediction_ids import new_prediction_id
from homeostat.data.tables import Table
from homeostat.kernel.clock import Instant, format_instant
from homeostat.serving.gateway import Gateway, Reply, reply_of
from homeostat.serving.live import LiveRoutes
from homeostat.serving.plans import ServingPlan
from homeostat.serving.refusing import check_size
from homeostat.web.doors.metrics import DoorMetrics
from homeostat.web.doors.replies import Response, json_response
from homeostat.web.doors.requests import Asked, PredictBody, Request, SlowSenders

_NOW = HEADER.lower()
_CONSUMER = CONSUMER.lower()


@dataclass(frozen=True, slots=True)
class Asking:
    """Everything a door needs to answer requests for predictions; ``limit`` is that of a body, in bytes."""

    gateway: Gateway
    live: LiveRoutes
    metrics: DoorMetrics
    clock: DoorClock
    bodies: SlowSenders
    limit: int
    recorder: EventSink

    def now(self, request: Asked) -> Instant:
        """The present of a request. Raises: InvalidInput."""
        return self.clock.accept(request.header(_NOW)) if request.attempt is None else request.attempt.now

    def name(self, request: Asked) -> str:
        """A name for a request that has none; a retry under its idempotency key gets the same. Raises: InvalidInput."""
        make = new_prediction_id if request.attempt is None else request.attempt.names("request")
        return make(self.now(request))

    async def body(self, request: Asked) -> bytes:
        """The request's body. Raises: TooLarge, TooSlow; ClientLeft."""
        return await self.bodies.read(request, self.limit) if request.kept is None else request.kept

    def consumed(self, request: Asked, loop: str) -> None:
        """Count who asks a loop."""
        self.metrics.consumed(loop, request.header(_CONSUMER))

    def plan(self, loop: str) -> ServingPlan:
        """What is known of a loop. Raises: NotFound."""
        return self.gateway.plan(loop)

    async def predict(
        self, request: Asked, loop: str, rows: Sequence[object], *, version: str | None = None
    ) -> list[Reply]:
        """Predict every row or none; ``version`` asks for that one whatever the route says.

        Raises: as ``Gateway.predict``.
        """
        self.consumed(request, loop)
        if request.attempt is not None:
            return await self._once(request.attempt, loop, rows, version)
        return await self.gateway.predict(loop, rows, self.now(request), version=version)

    def rows(self, request: Request, loop: str, body: PredictBody) -> Sequence[object]:
        """The rows of a body, or those that its keys name. Raises: as ``Gateway.rows`` does."""
        return body.rows if body.keys is None else self.gateway.rows(loop, body.keys, self.now(request))

    async def _once(self, attempt: Attempt, loop: str, rows: Sequence[object], version: str | None) -> list[Reply]:
        """Predict, unless an earlier try has: what it recorded is then the answer."""
        recorded: dict[str, Reply] = {}
        if attempt.again:
            self.plan(loop)
            check_size(rows)
            name = attempt.names("prediction")
            recorded = await self._recorded(loop, [name(attempt.now) for _ in rows])
            if len(recorded) == len(rows):
                return self.gateway.again(loop, rows, attempt.now, list(recorded.values()))
        replies = await self.gateway.predict(
            loop, rows, attempt.now, version=version, new_id=attempt.names("prediction")
        )
        attempt.again = True
        return [recorded.get(one.prediction_id, one) for one in replies]

    async def _recorded(self, loop: str, names: Sequence[str]) -> dict[str, Reply]:
        """The predictions of these ids that are recorded, in their order."""
        found = await self.recorder.predictions(loop, names)
        task = self.plan(loop).task
        replies = [reply_of(task, one) for one in found["predictions"]]  # type: ignore[attr-defined]
        by_name = {one.prediction_id: one for one in replies}
        return {name: by_name[name] for name in names if name in by_name}

    async def exchange(
        self,
        request: Request,
        loop: str,
        decode: Callable[[bytes], Sequence[object]],
        shape: Callable[[list[Reply]], Response],
        *,
        version: str | None = None,
    ) -> Response:
        """From the body to the response; both ends are timed as stages of their own."""
        body = await self.body(request)
        began = time.perf_counter()
        rows = decode(body)
        decoded = time.perf_counter() - began
        replies = await self.predict(request, loop, rows, version=version)
        began, first = time.perf_counter(), replies[0]
        response = shape(replies)
        self.metrics.stage(loop, first.version, first.arm, "decode", decoded)
        self.metrics.stage(loop, first.version, first.arm, "encode", time.perf_counter() - began)
        return response

    def completed(self, request: Asked, loop: str, rows: Sequence[object], asked: str) -> list[object]:
        """Rows of a protocol that knows no keys and times: what is left out of either is put in.

        A missing key becomes ``asked`` (the request's own id) and the row's place, where the key is one text; a
        missing event time becomes the present. All else is for the contract to judge.
        Raises: InvalidInput for no rows, TooLarge for too many.
        """
        check_size(rows)
        question = self.plan(loop).question
        missing: dict[str, object] = {question.event_time: format_instant(self.now(request))}
        key_column = made_up_key(question)
        whole: list[object] = []
        for place, row in enumerate(rows):
            if not isinstance(row, Mapping):
                whole.append(row)
                continue
            key = {key_column: f"{asked}/{place}"} if key_column else {}
            whole.append({**missing, **key, **row})
        return whole


def made_up_key(question: Table) -> str | None:
    """The key column that ``Asking.completed`` puts in where it is left out: a key of one text; else None."""
    (first, *more) = question.keys
    return first if not more and question.contract[first].kind == "text" else None


def filled_in(question: Table) -> tuple[str, ...]:
    """The columns that ``Asking.completed`` puts in where they are left out."""
    key = made_up_key(question)
    return (question.event_time,) if key is None else (key, question.event_time)


def predictions(replies: Sequence[Reply]) -> Response:
    """What is answered where the protocol asks for no other shape."""
    return json_response({"predictions": replies})
